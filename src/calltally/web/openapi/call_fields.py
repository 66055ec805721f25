"""Fields of a call, its events, deliveries and ending, each with a description and an example."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from calltally.calls.end_reasons import EndReason
from calltally.calls.events import CHANNEL_NAMES, IngestOutcome
from calltally.calls.model import DIRECTIONS, STATUSES
from calltally.web.openapi.named_enums import TEXT_ENCODINGS, TOMBSTONE_REASONS

Schema = dict[str, Any]


class Field(NamedTuple):
    """One field: its description, schema and example value."""

    description: str
    schema: Schema
    example: Any


TEXT: Final[Schema] = {"type": "string"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
INTEGER: Final[Schema] = {"type": "integer"}
TIME: Final[Schema] = {"type": "string", "format": "date-time"}


def nullable(schema: Schema) -> Schema:
    if "title" not in schema and isinstance(schema.get("type"), str) and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def enum_schema(of: Iterable[str]) -> Schema:
    return {"type": "string", "enum": [str(word) for word in of]}


def object_schema(properties: Mapping[str, Schema]) -> Schema:
    """Return the schema of an object with these properties, all required."""
    return {"type": "object", "required": list(properties), "properties": dict(properties)}


def _titled(title: str, description: str, properties: Mapping[str, Schema]) -> Schema:
    return {"title": title, "description": description, **object_schema(properties)}


def _text_or_null(description: str) -> Schema:
    return {**nullable(TEXT), "description": description}


_ESCALATION: Final = _titled(
    "CallEscalation",
    "The escalation of a call to a person.",
    {
        "target": _text_or_null("The person or queue; null if unknown."),
        "initiated_by": _text_or_null("The party that requested it; null if unknown."),
        "reason": _text_or_null("The reason; null if unknown."),
    },
)
_TRANSFER: Final = _titled(
    "CallTransfer",
    "A transfer of a call to another party.",
    {
        "target": _text_or_null("The party that receives the call; null if unknown."),
        "outcome": _text_or_null("`requested`, `bridged` or `failed`; null if unknown."),
    },
)
_COST: Final = _titled(
    "CallCost",
    "The cost of a call.",
    {
        "amount": {**TEXT, "description": "A decimal number as text."},
        "currency": _text_or_null("The three-letter code of ISO 4217; null if unknown."),
    },
)

CALL: Final[Mapping[str, Field]] = {
    "id": Field(
        "The call's id in Calltally: a UUID from the tenant and the canonical SID, stable across rebuilds.",
        {"type": "string", "format": "uuid"},
        "550e8400-e29b-41d4-a716-446655440000",
    ),
    "call_sid": Field(
        "The provider's id of the call; the carrier's id if known.",
        TEXT,
        "CA1234567890abcdef1234567890abcdef",
    ),
    "direction": Field("From the tenant's point of view.", nullable(enum_schema(DIRECTIONS)), "outbound"),
    "status": Field(
        "The first four values are open states, the last five are final.", enum_schema(STATUSES), "completed"
    ),
    "duration_seconds": Field(
        "From answer to end, floored. Null while the call is open; 0 for a final call that nobody answered.",
        nullable(COUNT),
        142,
    ),
    "escalated": Field(
        "True if the call was escalated to a person. It stays true from then on.",
        {"type": "boolean"},
        example=False,
    ),
    "summary": Field(
        "A short summary of the conversation.", nullable(TEXT), "Customer confirmed appointment time."
    ),
    "created_at": Field(
        "The earliest evidence of the call. Late facts can move it earlier.",
        TIME,
        "2026-10-01T09:30:00.000000Z",
    ),
    "answered_at": Field("Time of the answer.", nullable(TIME), "2026-10-01T09:30:08.000000Z"),
    "ended_at": Field("Time of the end.", nullable(TIME), "2026-10-01T09:32:30.000000Z"),
    "ring_seconds": Field("From the first ring to the answer, or to the end.", nullable(COUNT), 6),
    "from_number": Field("The caller's number in E.164, or as received.", nullable(TEXT), "+14155550100"),
    "to_number": Field("The called number in E.164, or as received.", nullable(TEXT), "+14155550123"),
    "route": Field("The route's key.", nullable(TEXT), "appointments"),
    "agent": Field("The voice agent's key.", nullable(TEXT), "scheduler"),
    "provider": Field("The provider of the call.", nullable(TEXT), "twilio"),
    "provider_account": Field(
        "The account at the provider.", nullable(TEXT), "AC1234567890abcdef1234567890abcdef"
    ),
    "end_reason": Field(
        "The end reason from a fixed list; null while the call is open. `ending` has the provider's own"
        " word.",
        nullable(enum_schema(EndReason)),
        EndReason.REMOTE_HUNG_UP,
    ),
    "hangup_cause": Field("The Q.850 cause code.", nullable(INTEGER), None),
    "sip_code": Field("The final SIP response.", nullable(INTEGER), 200),
    "error_code": Field("The provider's error code.", nullable(TEXT), None),
    "answered_by": Field("A person or a machine, if detected.", nullable(TEXT), "human"),
    "escalation": Field(
        "The escalation: its target, initiator and reason.",
        nullable(_ESCALATION),
        None,
    ),
    "transfer": Field(
        "A transfer: its target, and whether it was requested, bridged or failed.",
        nullable(_TRANSFER),
        None,
    ),
    "session_id": Field("The id of the voice session.", nullable(TEXT), None),
    "recording_url": Field("The URL of the recording.", nullable(TEXT), None),
    "cost": Field(
        "A decimal number as text, and the ISO currency code.",
        nullable(_COST),
        {"amount": "0.0140", "currency": "USD"},
    ),
    "parent_call_sid": Field("The parent call, if this call is a leg of it.", nullable(TEXT), None),
    "tags": Field("Sorted, without duplicates.", {"type": "array", "items": TEXT}, ["reminder"]),
    "metadata": Field("Free metadata from the sender.", nullable({"type": "object"}), None),
    "conflicts": Field("The number of facts that contradict others.", COUNT, 0),
    "revision": Field(
        "The tenant's revision with this state. Every change has a higher revision.",
        {"type": "integer", "minimum": 1},
        4,
    ),
    "updated_at": Field("Time at which this state was recorded.", TIME, "2026-10-01T09:32:31.204418Z"),
}

EVENT: Final[Mapping[str, Field]] = {
    "call_sid": Field("The SID in the event.", TEXT, "CA1234567890abcdef1234567890abcdef"),
    "door": Field("The channel of the event.", enum_schema(CHANNEL_NAMES.values()), "callback"),
    "provider": Field("The provider of the event.", nullable(TEXT), "twilio"),
    "account": Field(
        "The provider account of the event.", nullable(TEXT), "AC1234567890abcdef1234567890abcdef"
    ),
    "event_id": Field("The sender's event id.", nullable(TEXT), None),
    "sequence": Field("The sender's sequence number.", nullable(INTEGER), 3),
    "occurred_at": Field("Time of the event.", TIME, "2026-10-01T09:32:30.000000Z"),
    "received_at": Field("Time of receipt.", TIME, "2026-10-01T09:32:31.198201Z"),
    "outcome": Field("The outcome of the event.", enum_schema(IngestOutcome), "applied"),
    "reason": Field("The reason if the event changed nothing.", nullable(TEXT), None),
    "repeats": Field("The number of repeats.", COUNT, 0),
    "said": Field(
        "The content, with the field names of own events. `unread_fields` names the provider's fields whose"
        " values could not be read; they are left out.",
        {"type": "object"},
        {"status": "completed", "duration_seconds": 142},
    ),
}
NO_TOMBSTONE: Final = Field("Null: the call exists.", nullable(enum_schema(TOMBSTONE_REASONS)), None)
TOMBSTONE: Final[Mapping[str, Field]] = {
    "id": Field(
        "The id of the removed call.",
        {"type": "string", "format": "uuid"},
        "550e8400-e29b-41d4-a716-446655440000",
    ),
    "tombstone": Field("The reason of the removal.", enum_schema(TOMBSTONE_REASONS), "merged"),
    "merged_into": Field(
        "The call that it was merged into.",
        nullable({"type": "string", "format": "uuid"}),
        "6ba7b810-9dad-81d1-80b4-00c04fd430c8",
    ),
    "revision": Field("The tenant's revision of the removal.", {"type": "integer", "minimum": 1}, 7),
    "updated_at": Field("Time of the removal.", TIME, "2026-10-01T09:32:31.204418Z"),
}
RAW: Final[Mapping[str, Field]] = {
    "raw": Field(
        "The raw body; null without `transcripts:read`, and for masked numbers.",
        nullable(TEXT),
        None,
    ),
    "raw_encoding": Field("The encoding of `raw`.", nullable(enum_schema(TEXT_ENCODINGS)), None),
}


def schema_of(fields: Mapping[str, Field]) -> Schema:
    return object_schema(
        {name: {**field.schema, "description": field.description} for name, field in fields.items()}
    )


def example_of(fields: Mapping[str, Field]) -> dict[str, Any]:
    return {name: field.example for name, field in fields.items()}
