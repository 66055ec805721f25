"""Kinds of values in a tenant's own event: the JSON Schema and the parser of each.

Parsers take decoded JSON and raise BadValue (or another ValueError) with a text that completes "<field> …".
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from calltally.calls.parameters import quote_value
from calltally.calls.phone import MAX_NUMBER_CHARS, normalise_number
from calltally.calls.times import parse_instant

INT64: Final = (-(2**63), 2**63 - 1)
MAX_TAGS: Final = 100
MAX_TAG_CHARS: Final = 100
MAX_URL_CHARS: Final = 2_048
MAX_METADATA_BYTES: Final = 16_384
MAX_METADATA_DEPTH: Final = 32

_AMOUNT: Final = r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,12})?"
_CURRENCY: Final = r"[A-Za-z]{3}"
# URLs that browsers run (javascript:, data:) must not become links in a page.
_URL: Final = r"(?:https?|s3|gs)://[^\u0000-\u0020\u007f]+"
_TIME: Final = re.compile(r"[^ ]{10}[Tt ][^ ]+")
_JSON_TYPES: Final = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "an object",
    type(None): "null",
}


class BadValue(ValueError):
    """Value of a wrong kind."""


class ValueKind(NamedTuple):
    """Kind of value: its schema for OpenAPI, and its parser for decoded JSON."""

    schema: Mapping[str, Any]
    read: Callable[[Any], Any]


def json_type(value: object) -> str:
    return _JSON_TYPES[type(value)]


def text(most_chars: int) -> ValueKind:
    """Return the kind of text that is not empty, unchanged; unknown values are left out or null."""

    def read(value: object) -> str:
        return _checked_text(value, most_chars)

    return ValueKind(_text_schema(most_chars), read)


def _text_schema(most_chars: int, pattern: str = r"^[^\u0000]+$") -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": most_chars, "pattern": pattern}


def _checked_text(value: object, most_chars: int) -> str:
    if not isinstance(value, str):
        raise BadValue(f"must be text, not {json_type(value)}")
    if not 1 <= len(value) <= most_chars:
        raise BadValue(
            f"must have 1 to {most_chars} characters, not {len(value)}; leave the field out if it is unknown"
        )
    if "\0" in value:
        raise BadValue(f"holds a NUL character, which cannot be stored: {quote_value(value)}")
    return value


def word(words: Sequence[str]) -> ValueKind:

    def read(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise BadValue(f"must be one of {', '.join(words)}, not {_quoted(value)}")
        return value

    return ValueKind({"type": "string", "enum": list(words)}, read)


def matching(pattern: str, wanted: str, most_chars: int) -> ValueKind:
    """Return the kind of text that matches `pattern`; `wanted` describes it."""
    whole = re.compile(pattern)

    def read(value: object) -> str:
        found = _checked_text(value, most_chars)
        if not whole.fullmatch(found):
            raise BadValue(f"must be {wanted}, not {quote_value(found)}")
        return found

    return ValueKind(_text_schema(most_chars, f"^(?:{pattern})$"), read)


def integer(low: int, high: int) -> ValueKind:
    """Return the kind of whole numbers; 16.0 is one, as in JSON Schema."""

    def read(value: object) -> int:
        whole = int(value) if isinstance(value, float) and value.is_integer() else value
        if not isinstance(whole, int) or isinstance(whole, bool) or not low <= whole <= high:
            raise BadValue(f"must be a whole number from {low} to {high}, not {_quoted(value)}")
        return whole

    return ValueKind({"type": "integer", "minimum": low, "maximum": high}, read)


def number(low: int, high: int) -> ValueKind:

    def read(value: object) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
            raise BadValue(f"must be a number from {low} to {high}, not {_quoted(value)}")
        return float(value)

    return ValueKind({"type": "number", "minimum": low, "maximum": high}, read)


def _read_flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise BadValue(f"must be true or false, not {_quoted(value)}")
    return value


def _read_instant(value: object) -> int:
    """Parse a time. Stricter than the times in URLs: no date alone, and no space instead of a lost `+`."""
    if not isinstance(value, str):
        raise BadValue(f"must be an RFC 3339 time in text, not {json_type(value)}")
    if not _TIME.fullmatch(value):
        raise BadValue(f"must be an RFC 3339 time like 2026-10-01T00:00:00Z, not {quote_value(value)}")
    try:
        return parse_instant(value)
    except ValueError as fault:
        raise BadValue(f"is {quote_value(value)}: {fault}") from fault


def _read_party(value: object) -> str:
    party = normalise_number(_checked_text(value, MAX_NUMBER_CHARS))
    if not party:
        raise BadValue("is blank; leave the field out if it is unknown")
    return party


def _read_tags(value: object) -> list[str]:
    """Parse tags as a set: order and repeats have no meaning."""
    if not isinstance(value, list) or len(value) > MAX_TAGS:
        length = len(value) if isinstance(value, list) else json_type(value)
        raise BadValue(f"must be a list of at most {MAX_TAGS} tags, not {length}")
    return sorted({_checked_text(tag, MAX_TAG_CHARS) for tag in value})


def _read_metadata(value: object) -> dict[str, Any]:
    """Parse any object. Sorts its keys at every level: the record must not depend on their order."""
    if not isinstance(value, dict):
        raise BadValue(f"must be an object, not {json_type(value)}")
    metadata: dict[str, Any] = _sorted(value, 1)
    size = len(msgspec.json.encode(metadata))
    if size > MAX_METADATA_BYTES:
        raise BadValue(f"must have at most {MAX_METADATA_BYTES} bytes, not {size}")
    return metadata


def _sorted(value: Any, depth: int) -> Any:  # noqa: ANN401 - JSON may be anything
    if depth > MAX_METADATA_DEPTH:
        raise BadValue(f"must be nested at most {MAX_METADATA_DEPTH} deep")
    if isinstance(value, dict):
        return {_storable(key): _sorted(value[key], depth + 1) for key in sorted(value)}
    if isinstance(value, list):
        return [_sorted(item, depth + 1) for item in value]
    return _storable(value)


def _storable(value: Any) -> Any:  # noqa: ANN401 - JSON may be anything
    if isinstance(value, str) and "\0" in value:
        raise BadValue(f"holds a NUL character, which cannot be stored: {quote_value(value)}")
    if isinstance(value, int | float) and not INT64[0] <= value <= INT64[1]:
        raise BadValue(f"holds {_quoted(value)}, a number beyond 64 bits; write it as text")
    return value


def _quoted(value: object) -> str:
    if isinstance(value, str):
        return quote_value(value)
    # A list or object may be nested deeper than the encoder supports.
    whole = isinstance(value, list | dict)
    return json_type(value) if whole else quote_value(msgspec.json.encode(value).decode())[1:-1]


_ANY_SCHEMA: Final = {"description": f"At most {MAX_METADATA_BYTES} bytes and {MAX_METADATA_DEPTH} levels."}
_TAGS_SCHEMA: Final = {"type": "array", "maxItems": MAX_TAGS, "items": _text_schema(MAX_TAG_CHARS)}
_PARTY_PATTERN: Final = r"^[^\u0000]*[^\s\u0000][^\u0000]*$"

FLAG: Final = ValueKind({"type": "boolean"}, _read_flag)
INSTANT: Final = ValueKind({"type": "string", "format": "date-time"}, _read_instant)
PARTY: Final = ValueKind(_text_schema(MAX_NUMBER_CHARS, _PARTY_PATTERN), _read_party)
TAGS: Final = ValueKind(_TAGS_SCHEMA, _read_tags)
METADATA: Final = ValueKind({"type": "object", **_ANY_SCHEMA}, _read_metadata)
AMOUNT: Final = matching(_AMOUNT, "a decimal number in text, like 0.0085", 32)
CURRENCY: Final = matching(_CURRENCY, "the three letters of ISO 4217", 3)
URL: Final = matching(_URL, "an absolute URL (https, http, s3 or gs)", MAX_URL_CHARS)
