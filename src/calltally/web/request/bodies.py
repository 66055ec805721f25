"""JSON bodies as Structs, each fault named."""

import re
from typing import Final, TypeVar

import msgspec

from calltally.calls.errors import InvalidBody, TooLarge, UnsupportedMedia
from calltally.web.request.context import AnyRequest

T = TypeVar("T")

JSON_BODY: Final = "application/json"
NDJSON_BODY: Final = "application/x-ndjson"
# Events that are uploaded to be compared: a day of a large tenant's, and on the disk no matter.
MAX_EVENTS_BYTES: Final = 256 * 1024 * 1024
_PLACE: Final = re.compile(r" - at `(?:key in )?\$(?:\.|(?=\[))?([^`]*)`$")
# A field too many or too few is named before the place, which is then its object's.
_FIELD: Final = re.compile(r"(?:unknown|missing required) field `([^`]*)`")


async def json_body(request: AnyRequest, kind: type[T]) -> T:
    """The body as `kind`. Raises UnsupportedMedia for another media type, InvalidBody for other content."""
    media_type = request.headers.get("content-type", JSON_BODY).partition(";")[0].strip().lower()
    if media_type != JSON_BODY:
        message = f"send the body as {JSON_BODY}, not as {media_type[:80]!r}"
        raise UnsupportedMedia(message)
    return decode_body(await request.body(), kind)


def body_type(request: AnyRequest, *known: str) -> str:
    """Which of these media types the body is said to be of; the first where nothing is said.

    Raises UnsupportedMedia for another, and for a body that is encoded.
    """
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise UnsupportedMedia(f"send the body as it is, not encoded as {coding[:80]!r}")
    media_type = request.headers.get("content-type", known[0]).partition(";")[0].strip().lower()
    if media_type not in known:
        raise UnsupportedMedia(f"send the body as {' or '.join(known)}, not as {media_type[:80]!r}")
    return media_type


async def short_body(request: AnyRequest, most_bytes: int) -> bytes:
    """The body of a path that takes long ones too, where it must be short. Raises TooLarge."""
    pieces, size = [], 0
    async for piece in request.stream():
        pieces.append(piece)
        size += len(piece)
        if size > most_bytes:
            raise TooLarge(f"a body of this media type may have {most_bytes} bytes here, and has more")
    return b"".join(pieces)


def decode_body(body: bytes, kind: type[T]) -> T:
    """`body` as `kind`; raises InvalidBody naming the field."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        text = str(fault) if not isinstance(fault, RecursionError) else "it is nested too deeply"
        raise InvalidBody.of(_where(text), f"the body cannot be read: {text}") from None


def _where(text: str) -> str:
    places = [found[1] for found in (_PLACE.search(text), _FIELD.search(text)) if found]
    return ".".join(place for place in places if place) or "body"
