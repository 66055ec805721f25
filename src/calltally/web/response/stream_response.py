"""Streaming response: sent while it is produced, and never mistaken for complete after a failure."""

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
    """Status, headers and a body in chunks; an ASGI application.

    Without a Content-Length the body is chunked (RFC 9112, section 7.1). If a chunk fails, the error reaches
    the server, which closes the connection before the end of the body, so the client detects the truncation.
    `is_compressed`: the body is compressed already.
    """

    __slots__ = ("chunks", "headers", "is_compressed", "media_type", "status")

    def __init__(
        self,
        chunks: Chunks,
        *,
        media_type: bytes,
        headers: Headers = (),
        is_compressed: bool = False,
        status: int = 200,
    ) -> None:
        self.chunks = chunks
        self.status = status
        self.media_type = media_type
        self.headers = headers
        self.is_compressed = is_compressed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response, compressed if the client accepts it. HEAD produces no body."""
        coding = None if self.is_compressed else negotiated_coding(scope)
        encoded = ((b"content-encoding", coding),) if coding else ()
        headers = [*self.headers, *encoded, (b"content-type", self.media_type)]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        if not context_of(scope).is_head and not await self._send_all(coding, scope, receive, send=send):
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_all(self, coding: bytes | None, scope: Scope, receive: Receive, *, send: Send) -> bool:
        """Send the body. Return whether all was sent before the client disconnected."""
        disconnected = asyncio.create_task(_disconnected(receive))
        try:
            async with aclosing(_compressed(self.chunks, coding) if coding else self.chunks) as chunks:
                async for chunk in chunks:
                    if disconnected.done():
                        return False
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
            return True
        except Exception as error:
            request_id = context_of(scope).request_id.decode()
            log.warning("stream cut off", request_id=request_id, reason=str(error))
            raise
        finally:
            disconnected.cancel()


async def _disconnected(receive: Receive) -> None:
    """Return when the client has disconnected: the server itself discards sent data silently."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _compressed(chunks: Chunks, coding: bytes) -> Chunks:
    compressor = CODINGS[coding].new_compressor()
    async with aclosing(chunks):
        async for chunk in chunks:
            if compressed := await asyncio.to_thread(compressor.compress, chunk):
                yield compressed
    yield compressor.flush()
