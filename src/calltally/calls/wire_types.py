"""Types of text on the wire, with the formats that their JSON schemas state."""

from typing import Annotated, Any, Final, TypeAlias

from msgspec import Meta

# One text for generators. Of a choice of two types, those for Go make a struct, which a query cannot have.
_FORMATS: Final[dict[str, Any]] = {
    "if": {"pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
    "then": {"format": "date"},
    "else": {"format": "date-time"},
}
TIME_OR_DATE_SCHEMA: Final = {"type": "string", **_FORMATS}

# RFC 3339 in UTC, as `times.utc_text` writes it.
Timestamp: TypeAlias = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
# RFC 3339 with an offset, or a date (midnight UTC), as `times.parse_instant` reads it.
TimeOrDate: TypeAlias = Annotated[str, Meta(examples=["2026-10-01"], extra_json_schema=_FORMATS)]
UuidText: TypeAlias = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
