"""An answer whose bytes are ready. Leaner than the framework's response, which it stands in for."""

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
# Below this a coding spares less than its own header and the time that it takes.
CODED_FROM_BYTES: Final = 1024
# Beyond this, compressing takes longer than handing the work to a thread.
LOOP_BYTES: Final = 128 * 1024

_encoder: Final = msgspec.json.Encoder()


class Response:
    """Status, headers and a whole body; an ASGI application, as the framework wants its answers."""

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
        """`value` as JSON: Structs, dicts, lists and what they hold."""
        return cls(_encoder.encode(value), status=status, headers=headers)

    @classmethod
    def empty(cls, status: int = 204) -> "Response":
        """An answer without a body."""
        return cls(b"", status=status, media_type=b"")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 (ASGI's signature)
        """Send it, compressed where that was asked for and pays."""
        body, headers = await self._seen(scope), [*self.headers]
        if len(body) > CODED_FROM_BYTES and (coding := negotiated_coding(scope)):
            body = await _packed(body, coding)
            headers.append((b"content-encoding", coding))
        if self.media_type:
            headers += ((b"content-type", self.media_type), (b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _seen(self, scope: Scope) -> bytes:
        """The body as whoever asks may see it: all JSON leaves here."""
        if self.media_type not in _JSON_TYPES or not is_masked(scope):
            return self.body
        if len(self.body) <= LOOP_BYTES:
            return mask_json(self.body)
        return await asyncio.to_thread(mask_json, self.body)


def is_masked(scope: Scope) -> bool:
    """Whether whole numbers are hidden from whoever asks."""
    access = context_of(scope).access
    return access is not None and access.is_masked


def negotiated_coding(scope: Scope) -> bytes | None:
    """The content coding that the client would like best, of those that there are."""
    return choose_coding(context_of(scope).headers.get(b"accept-encoding"), OFFERED)


async def _packed(body: bytes, coding: bytes) -> bytes:
    pack = CODINGS[coding].whole
    return pack(body) if len(body) <= LOOP_BYTES else await asyncio.to_thread(pack, body)
