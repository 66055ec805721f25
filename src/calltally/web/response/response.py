"""Responses with a complete body or a streamed one. They cost less than those of the framework."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final

import msgspec
from litestar.types import Receive, Scope, Send

from calltally.calls.masking import mask_json
from calltally.logs import get_logger
from calltally.web.request.context import context_of
from calltally.web.response.negotiation import CODINGS, OFFERED, choose_coding

Headers = tuple[tuple[bytes, bytes], ...]

JSON: Final = b"application/json"
_HTML: Final = b"text/html"
# Links of our own templates: text of callers is escaped, so it has no quotes.
_LINK: Final = re.compile(rb'(\s(?:href|src|srcset|action|formaction|data-poll|data-count)=")(?=/(?!/))')
_JSON_TYPES: Final = frozenset({JSON, b"application/problem+json"})
# Below this size, compression saves less than its header and its time cost.
MIN_COMPRESSED_BYTES: Final = 1024
# Above this size, compression takes longer than a switch to a thread.
MAX_LOOP_BYTES: Final = 128 * 1024

_encoder: Final = msgspec.json.Encoder()
Chunks = AsyncGenerator[bytes]

log: Final = get_logger(__name__)


class Response:
    """Status, headers and a complete body; an ASGI application."""

    __slots__ = ("body", "headers", "media_type", "status")

    def __init__(
        self, body: bytes, *, status: int = 200, media_type: bytes = JSON, headers: Headers = ()
    ) -> None:
        self.body = body
        self.status = status
        self.media_type = media_type
        self.headers = headers

    @classmethod
    def json(cls, value: Any, *, status: int = 200, headers: Headers = ()) -> "Response":  # noqa: ANN401 (anything that JSON can say)
        """Encode `value` as JSON: Structs, dicts, lists and their contents."""
        return cls(_encoder.encode(value), status=status, headers=headers)

    @classmethod
    def empty(cls, status: int = 204) -> "Response":
        return cls(b"", status=status, media_type=b"")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 (ASGI's signature)
        """Send the response, compressed if the client accepts it and the size justifies it."""
        body, headers = await self._visible_body(scope), [*self.headers]
        if self.media_type.startswith(_HTML):
            body = public_links(body, context_of(scope).deps.public_path)
        if len(body) > MIN_COMPRESSED_BYTES and (coding := negotiated_coding(scope)):
            compress = CODINGS[coding].compress
            is_short = len(body) <= MAX_LOOP_BYTES
            body = compress(body) if is_short else await asyncio.to_thread(compress, body)
            headers.append((b"content-encoding", coding))
        if self.media_type:
            headers += ((b"content-type", self.media_type), (b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _visible_body(self, scope: Scope) -> bytes:
        """Return the body with masked numbers if the key requires it. All JSON leaves through here."""
        if self.media_type not in _JSON_TYPES or not is_masked(scope):
            return self.body
        if len(self.body) <= MAX_LOOP_BYTES:
            return mask_json(self.body)
        return await asyncio.to_thread(mask_json, self.body)


def public_links(html: bytes, public_path: str) -> bytes:
    """Put the path of the public URL, if it has one, before the paths of all links of a page."""
    return _LINK.sub(rb"\g<1>" + public_path.encode(), html) if public_path else html


def is_masked(scope: Scope) -> bool:
    access = context_of(scope).access
    return access is not None and access.is_masked


def negotiated_coding(scope: Scope) -> bytes | None:
    return choose_coding(context_of(scope).headers.get(b"accept-encoding"), OFFERED)


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
