"""JSON request bodies decoded into Structs, with errors that name the field."""

import re
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias, TypeVar

import msgspec

from calltally.calls.errors import InvalidBody, TooLarge, UnsupportedMedia
from calltally.calls.export_formats import NDJSON
from calltally.calls.suggestions import unknown_field_hint
from calltally.providers.provider import RunningSignature
from calltally.web.request.context import AnyRequest

# Takes the first bytes of a body that is too long; returns the check of its signature, None to refuse it.
VerifyLonger: TypeAlias = Callable[[bytes], Awaitable[RunningSignature | None]]

T = TypeVar("T")

JSON_BODY: Final = "application/json"
NDJSON_BODY: Final = NDJSON.media_type
# Limit of an upload of events for a reconciliation: a day of a large tenant. It is written to disk.
MAX_EVENTS_BYTES: Final = 256 * 1024 * 1024
_PATH: Final = re.compile(r" - at `(?:key in )?\$(?:\.|(?=\[))?([^`]*)`$")
# For an unknown or missing field, the decoder names the field first and then the path of its object.
_FIELD: Final = re.compile(r"(?:unknown|missing required) field `([^`]*)`")


async def json_body(request: AnyRequest, kind: type[T]) -> T:
    """Decode the body as `kind`.

    Raises UnsupportedMedia for another media type, and InvalidBody for invalid content.
    """
    media_type = request.headers.get("content-type", JSON_BODY).partition(";")[0].strip().lower()
    if media_type != JSON_BODY:
        message = f"send the body as {JSON_BODY}, not as {media_type[:80]!r}"
        raise UnsupportedMedia(message)
    return decode_body(await request.body(), kind)


def body_type(request: AnyRequest, *accepted: str) -> str:
    """Return the media type of the body; the first of `known` if the request names none.

    Raises UnsupportedMedia for another media type, and for an encoded body.
    """
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise UnsupportedMedia(f"send the body without a content encoding, not as {coding[:80]!r}")
    media_type = request.headers.get("content-type", accepted[0]).partition(";")[0].strip().lower()
    if media_type not in accepted:
        raise UnsupportedMedia(f"send the body as {' or '.join(accepted)}, not as {media_type[:80]!r}")
    return media_type


async def short_body(request: AnyRequest, max_bytes: int) -> bytes:
    """Read a body with a lower limit than its path allows. Raises TooLarge."""
    body = await kept_body(request, max_bytes, _refuse)
    return body if isinstance(body, bytes) else b""


async def _refuse(_start: bytes) -> None:
    """Accept no body beyond the limit."""


async def kept_body(
    request: AnyRequest, max_bytes: int, verify_longer: VerifyLonger
) -> bytes | RunningSignature:
    """Read a body with a lower limit than its path allows. Raises TooLarge.

    If `verify_longer` returns a signature check for a longer body, the body is read to its end and not kept.
    The result is then that check.
    """
    chunks, size = [], 0
    signature: RunningSignature | None = None
    async for chunk in request.stream():
        if signature is not None:
            signature.update(chunk)
            continue
        chunks.append(chunk)
        size += len(chunk)
        if size > max_bytes:
            signature = await verify_longer(b"".join(chunks))
            if signature is None:
                raise TooLarge(f"a body of this media type may have at most {max_bytes} bytes here")
            chunks.clear()
    return b"".join(chunks) if signature is None else signature


def decode_body(body: bytes, kind: type[T]) -> T:
    """Decode `body` as `kind`. Raises InvalidBody that names the field."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        text = str(fault) if not isinstance(fault, RecursionError) else "it is nested too deeply"
        hint = unknown_field_hint(text, kind)
        raise InvalidBody.of(_field_path(text), f"the body cannot be read: {text}{hint}") from None


def _field_path(text: str) -> str:
    names = [found[1] for found in (_PATH.search(text), _FIELD.search(text)) if found]
    return ".".join(name for name in names if name) or "body"
