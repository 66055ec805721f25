"""JSON request bodies decoded into Structs, with errors that name the field."""

import re
from typing import Final, TypeVar

import msgspec

from calltally.calls.errors import InvalidBody, TooLarge, UnsupportedMedia
from calltally.calls.export_formats import NDJSON
from calltally.web.request.context import AnyRequest

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
    return await kept_body(request, max_bytes, None) or b""


async def kept_body(request: AnyRequest, max_bytes: int, drained: re.Pattern[bytes] | None) -> bytes | None:
    """Read a body with a lower limit than its path allows. Raises TooLarge.

    A longer body that begins with `drained` is read to its end and not kept; the result is then None.
    """
    chunks, size, is_kept = [], 0, True
    async for chunk in request.stream():
        size += len(chunk)
        if is_kept:
            chunks.append(chunk)
        if is_kept and size > max_bytes:
            if drained is None or not drained.match(b"".join(chunks)):
                raise TooLarge(f"a body of this media type may have at most {max_bytes} bytes here")
            chunks, is_kept = [], False
    return b"".join(chunks) if is_kept else None


def decode_body(body: bytes, kind: type[T]) -> T:
    """Decode `body` as `kind`. Raises InvalidBody that names the field."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        text = str(fault) if not isinstance(fault, RecursionError) else "it is nested too deeply"
        raise InvalidBody.of(_field_path(text), f"the body cannot be read: {text}") from None


def _field_path(text: str) -> str:
    names = [found[1] for found in (_PATH.search(text), _FIELD.search(text)) if found]
    return ".".join(name for name in names if name) or "body"
