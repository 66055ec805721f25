"""Types of text on the wire, with the formats that their JSON schemas state."""

from typing import Annotated, Final, TypeAlias

from msgspec import Meta

TIME_OR_DATE_SCHEMA: Final = {
    "anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]
}

# RFC 3339 in UTC, as `times.utc_text` writes it.
Timestamp: TypeAlias = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
# RFC 3339 with an offset, or a date (midnight UTC), as `times.parse_instant` reads it.
TimeOrDate: TypeAlias = Annotated[
    str, Meta(examples=["2026-10-01"], extra_json_schema={"anyOf": TIME_OR_DATE_SCHEMA["anyOf"]})
]
UuidText: TypeAlias = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
