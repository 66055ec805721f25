"""JSON bodies as Structs, each fault named."""

import re
from typing import Final, TypeVar

import msgspec

from calltally.calls.errors import InvalidBody, UnsupportedMedia
from calltally.web.exchange import AnyRequest

T = TypeVar("T")

JSON_BODY: Final = "application/json"
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
