"""An answer that is sent while it is made, and that nobody can take for whole when it is not."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from litestar.types import Receive, Scope, Send

from calltally.logs import get_logger
from calltally.web.request.context import context_of
from calltally.web.response.content_coding import CODINGS
from calltally.web.response.response import Headers, negotiated_coding

Chunks = AsyncGenerator[bytes]

log: Final = get_logger(__name__)


class StreamingResponse:
    """Status, headers, and a body in pieces; an ASGI application, as the framework wants its answers.

    Where no header says its length, the body is sent in chunks (RFC 9112, section 7.1). Where a piece fails,
    the error goes up to the server, which hangs up before the body's end, so the client's HTTP library sees
    that it is cut. `is_packed` says that compressing it once more would be in vain.
    """

    __slots__ = ("headers", "is_packed", "media_type", "pieces", "status")

    def __init__(
        self,
        pieces: Chunks,
        *,
        media_type: bytes,
        headers: Headers = (),
        is_packed: bool = False,
        status: int = 200,
    ) -> None:
        self.pieces = pieces
        self.status = status
        self.media_type = media_type
        self.headers = headers
        self.is_packed = is_packed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, compressed where that was asked for. To HEAD nothing is made that would not be sent."""
        coding = None if self.is_packed else negotiated_coding(scope)
        encoded = ((b"content-encoding", coding),) if coding else ()
        headers = [*self.headers, *encoded, (b"content-type", self.media_type)]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        if not context_of(scope).is_head and not await self._send_all(coding, scope, receive, send=send):
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_all(self, coding: bytes | None, scope: Scope, receive: Receive, *, send: Send) -> bool:
        """Whether all was sent, before the client went away."""
        gone = asyncio.create_task(_gone(receive))
        try:
            async with aclosing(_packed(self.pieces, coding) if coding else self.pieces) as pieces:
                async for piece in pieces:
                    if gone.done():
                        return False
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            return True
        except Exception as error:
            request_id = context_of(scope).request_id.decode()
            log.warning("stream cut off", request_id=request_id, reason=str(error))
            raise
        finally:
            gone.cancel()


async def _gone(receive: Receive) -> None:
    """Ends when the client has hung up: the server takes what is sent to nobody without a word."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _packed(pieces: Chunks, coding: bytes) -> Chunks:
    packer = CODINGS[coding].packer()
    async with aclosing(pieces):
        async for piece in pieces:
            if packed := await asyncio.to_thread(packer.compress, piece):
                yield packed
    yield packer.flush()
