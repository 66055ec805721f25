"""Response with a complete body. It costs less than the framework's response."""

import asyncio
from typing import Any, Final

import msgspec
from litestar.types import Receive, Scope, Send

from calltally.calls.masking import mask_json
from calltally.web.request.context import context_of
from calltally.web.response.content_coding import CODINGS, OFFERED
from calltally.web.response.negotiation import choose_coding

Headers = tuple[tuple[bytes, bytes], ...]

JSON: Final = b"application/json"
_JSON_TYPES: Final = frozenset({JSON, b"application/problem+json"})
# Below this size, compression saves less than its header and its time cost.
MIN_COMPRESSED_BYTES: Final = 1024
# Above this size, compression takes longer than a switch to a thread.
MAX_LOOP_BYTES: Final = 128 * 1024

_encoder: Final = msgspec.json.Encoder()


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
        """Return a response without a body."""
        return cls(b"", status=status, media_type=b"")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 (ASGI's signature)
        """Send the response, compressed if the client accepts it and the size justifies it."""
        body, headers = await self._visible_body(scope), [*self.headers]
        if len(body) > MIN_COMPRESSED_BYTES and (coding := negotiated_coding(scope)):
            body = await _compressed(body, coding)
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


def is_masked(scope: Scope) -> bool:
    """Return whether full numbers are hidden from the caller."""
    access = context_of(scope).access
    return access is not None and access.is_masked


def negotiated_coding(scope: Scope) -> bytes | None:
    """Return the content coding that the client prefers, or None."""
    return choose_coding(context_of(scope).headers.get(b"accept-encoding"), OFFERED)


async def _compressed(body: bytes, coding: bytes) -> bytes:
    compress = CODINGS[coding].compress
    return compress(body) if len(body) <= MAX_LOOP_BYTES else await asyncio.to_thread(compress, body)
