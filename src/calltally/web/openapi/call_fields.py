"""The fields of a call, its events and deliveries, and of its end: each with a meaning and an example."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from calltally.calls.end_reasons import EndReason
from calltally.calls.events import CHANNEL_NAMES, IngestOutcome
from calltally.calls.model import DIRECTIONS, STATUSES

Schema = dict[str, Any]


class Field(NamedTuple):
    """One field: what it means, its schema, and what it holds in the example."""

    description: str
    schema: Schema
    example: Any


TEXT: Final[Schema] = {"type": "string"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
INTEGER: Final[Schema] = {"type": "integer"}
TIME: Final[Schema] = {"type": "string", "format": "date-time"}


def nullable(schema: Schema) -> Schema:
    """That, or null."""
    if isinstance(schema.get("type"), str) and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def enum_schema(of: Iterable[str]) -> Schema:
    """One of these."""
    return {"type": "string", "enum": [str(word) for word in of]}


def object_schema(properties: Mapping[str, Schema]) -> Schema:
    """An object that has all of these."""
    return {"type": "object", "required": list(properties), "properties": dict(properties)}


def _texts(*names: str) -> Schema:
    return object_schema({name: nullable(TEXT) for name in names})


CALL: Final[Mapping[str, Field]] = {
    "id": Field(
        "The call's id here: a UUID made of the tenant and the canonical SID, the same after any rebuild.",
        {"type": "string", "format": "uuid"},
        "550e8400-e29b-41d4-a716-446655440000",
    ),
    "call_sid": Field(
        "The provider's id of the call: the carrier's where it is known.",
        TEXT,
        "CA1234567890abcdef1234567890abcdef",
    ),
    "direction": Field("Seen from the tenant.", nullable(enum_schema(DIRECTIONS)), "outbound"),
    "status": Field("The first four are open, the last five final.", enum_schema(STATUSES), "completed"),
    "duration_seconds": Field(
        "From answer to end, floored. Null while the call is open; 0 for a final call that nobody answered.",
        nullable(COUNT),
        142,
    ),
    "escalated": Field(
        "Whether a person was asked to take over. Once true, it stays true.",
        {"type": "boolean"},
        example=False,
    ),
    "summary": Field("What was said, in short.", nullable(TEXT), "Customer confirmed appointment time."),
    "created_at": Field(
        "The earliest evidence of the call; it may move earlier while late facts arrive.",
        TIME,
        "2026-10-01T09:30:00.000000Z",
    ),
    "answered_at": Field("When it was answered.", nullable(TIME), "2026-10-01T09:30:08.000000Z"),
    "ended_at": Field("When it ended.", nullable(TIME), "2026-10-01T09:32:30.000000Z"),
    "ring_seconds": Field("From the first ring to the answer, or to the end.", nullable(COUNT), 6),
    "from_number": Field("Who called: E.164, or as it came.", nullable(TEXT), "+14155550100"),
    "to_number": Field("Who was called: E.164, or as it came.", nullable(TEXT), "+14155550123"),
    "route": Field("The route's key.", nullable(TEXT), "appointments"),
    "agent": Field("The voice agent's key.", nullable(TEXT), "scheduler"),
    "provider": Field("Who carried the call.", nullable(TEXT), "twilio"),
    "provider_account": Field(
        "The account with that provider.", nullable(TEXT), "AC1234567890abcdef1234567890abcdef"
    ),
    "end_reason": Field(
        "Why it ended, in a word of ours; null while it is open. The provider's own word is in `ending`.",
        nullable(enum_schema(EndReason)),
        EndReason.CALLER_HUNG_UP,
    ),
    "hangup_cause": Field("The cause code of Q.850.", nullable(INTEGER), None),
    "sip_code": Field("The final SIP response.", nullable(INTEGER), 200),
    "error_code": Field("The provider's code of an error.", nullable(TEXT), None),
    "answered_by": Field("A person or a machine, where that was detected.", nullable(TEXT), "human"),
    "escalation": Field(
        "Who was asked to take over, by whom and why.",
        nullable(_texts("target", "initiated_by", "reason")),
        None,
    ),
    "transfer": Field(
        "A hand-over: where to, and whether it was requested, bridged or failed.",
        nullable(_texts("target", "outcome")),
        None,
    ),
    "session_id": Field("The conversation.", nullable(TEXT), None),
    "recording_url": Field("Where the recording is.", nullable(TEXT), None),
    "cost": Field(
        "A decimal number in text, and the currency's three letters.",
        nullable(object_schema({"amount": TEXT, "currency": nullable(TEXT)})),
        {"amount": "0.0140", "currency": "USD"},
    ),
    "parent_call_sid": Field("The call that this one is a leg of.", nullable(TEXT), None),
    "tags": Field("Sorted, each once.", {"type": "array", "items": TEXT}, ["reminder"]),
    "metadata": Field("Whatever the sender attached.", nullable({"type": "object"}), None),
    "conflicts": Field("How many facts contradict others.", COUNT, 0),
    "revision": Field(
        "The tenant's revision that shows this state; every change has a higher one.",
        {"type": "integer", "minimum": 1},
        4,
    ),
    "updated_at": Field("When this state was recorded.", TIME, "2026-10-01T09:32:31.204418Z"),
}

EVENT: Final[Mapping[str, Field]] = {
    "call_sid": Field("The SID that it spoke of.", TEXT, "CA1234567890abcdef1234567890abcdef"),
    "door": Field("How it came in.", enum_schema(CHANNEL_NAMES.values()), "callback"),
    "provider": Field("Who told it.", nullable(TEXT), "twilio"),
    "account": Field(
        "The account that it was told for.", nullable(TEXT), "AC1234567890abcdef1234567890abcdef"
    ),
    "event_id": Field("The sender's id of it.", nullable(TEXT), None),
    "sequence": Field("The sender's number of it.", nullable(INTEGER), 3),
    "occurred_at": Field("When it happened.", TIME, "2026-10-01T09:32:30.000000Z"),
    "received_at": Field("When it came in.", TIME, "2026-10-01T09:32:31.198201Z"),
    "outcome": Field("What became of it.", enum_schema(IngestOutcome), "applied"),
    "reason": Field("Why it changed nothing.", nullable(TEXT), None),
    "repeats": Field("How often it was told again.", COUNT, 0),
    "said": Field(
        "What it says, by the names that own events use.",
        {"type": "object"},
        {"status": "completed", "duration_seconds": 142},
    ),
}
TOMBSTONE: Final[Mapping[str, Field]] = {
    "id": Field(
        "The id that ended.", {"type": "string", "format": "uuid"}, "550e8400-e29b-41d4-a716-446655440000"
    ),
    "tombstone": Field("Why it ended.", enum_schema(("merged", "erased", "expired")), "merged"),
    "merged_into": Field(
        "The call that it became part of.",
        nullable({"type": "string", "format": "uuid"}),
        "6ba7b810-9dad-81d1-80b4-00c04fd430c8",
    ),
    "revision": Field("The tenant's revision at which it ended.", {"type": "integer", "minimum": 1}, 7),
    "updated_at": Field("When it ended.", TIME, "2026-10-01T09:32:31.204418Z"),
}
DELIVERY: Final[Mapping[str, Field]] = {
    "id": Field("The event's `webhook-id`.", TEXT, "msg_01a1b2c3-d4e5-4f60-8a7b-9c0d1e2f3a4b"),
    "endpoint_id": Field(
        "The endpoint.", {"type": "string", "format": "uuid"}, "0d9c3f5e-8f54-4c37-9d0f-6a7d0c1f4b52"
    ),
    "event": Field("The kind of event.", TEXT, "voice.call.completed"),
    "call_id": Field(
        "The call as it was then.",
        nullable({"type": "string", "format": "uuid"}),
        "550e8400-e29b-41d4-a716-446655440000",
    ),
    "revision": Field("The tenant's revision that it tells of.", INTEGER, 4),
    "state": Field("Where it is.", enum_schema(("waiting", "delivered", "dead")), "delivered"),
    "attempts": Field("How often it was tried.", COUNT, 1),
    "reason": Field("Why the last attempt was not taken.", nullable(TEXT), None),
    "created_at": Field("When the event happened.", TIME, "2026-10-01T09:32:31.204418Z"),
    "updated_at": Field("When it was last tried.", TIME, "2026-10-01T09:32:31.290000Z"),
    "next_attempt_at": Field("When it is tried next; null unless it waits.", nullable(TIME), None),
}
RAW: Final[Mapping[str, Field]] = {
    "raw": Field(
        "The body as it came; null without `transcripts:read`, and where numbers are masked.",
        nullable(TEXT),
        None,
    ),
    "raw_encoding": Field("How `raw` is written.", nullable(enum_schema(("utf-8", "base64"))), None),
}


def schema_of(fields: Mapping[str, Field]) -> Schema:
    """An object of these fields, with what they mean."""
    return object_schema(
        {name: {**field.schema, "description": field.description} for name, field in fields.items()}
    )


def example_of(fields: Mapping[str, Field]) -> dict[str, Any]:
    """One, as the documents show it."""
    return {name: field.example for name, field in fields.items()}
