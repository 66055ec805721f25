"""The call record, its pages and its timeline as JSON schemas; each field with a meaning and an example."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from calltally.calls.causes import Side
from calltally.calls.end_reasons import EXPLANATIONS, EndReason
from calltally.calls.events import DOOR_NAMES, Outcome
from calltally.calls.filters import DEFAULT_LIMIT, EXAMPLE_SNAPSHOT, MAX_LIMIT, MAX_OFFSET
from calltally.calls.model import CALL_FIELDS, DIRECTIONS, STATUSES

Schema = dict[str, Any]
CALL_TAG: Final = "Call logs"


class Field(NamedTuple):
    """One field: what it means, its schema, and what it holds in the example."""

    meaning: str
    schema: Schema
    example: Any


_TEXT: Final[Schema] = {"type": "string"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_INTEGER: Final[Schema] = {"type": "integer"}
_TIME: Final[Schema] = {"type": "string", "format": "date-time"}


def _or_null(schema: Schema) -> Schema:
    if isinstance(schema.get("type"), str) and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def _words(words: object) -> Schema:
    return {"type": "string", "enum": [str(word) for word in words]}  # type: ignore[attr-defined] # an enum or tuple


def _object(properties: Mapping[str, Schema]) -> Schema:
    return {"type": "object", "required": list(properties), "properties": dict(properties)}


def _texts(*names: str) -> Schema:
    return _object({name: _or_null(_TEXT) for name in names})


_CALL: Final[Mapping[str, Field]] = {
    "id": Field(
        "The call's id here: a UUID made of the tenant and the canonical SID, the same after any rebuild.",
        {"type": "string", "format": "uuid"},
        "550e8400-e29b-41d4-a716-446655440000",
    ),
    "call_sid": Field(
        "The provider's id of the call: the carrier's where it is known.",
        _TEXT,
        "CA1234567890abcdef1234567890abcdef",
    ),
    "direction": Field("Seen from the tenant.", _or_null(_words(DIRECTIONS)), "outbound"),
    "status": Field("The first four are open, the last five final.", _words(STATUSES), "completed"),
    "duration_seconds": Field(
        "From answer to end, floored. Null while the call is open; 0 for a final call that nobody answered.",
        _or_null(_COUNT),
        142,
    ),
    "escalated": Field(
        "Whether a person was asked to take over. Once true, it stays true.",
        {"type": "boolean"},
        example=False,
    ),
    "summary": Field("What was said, in short.", _or_null(_TEXT), "Customer confirmed appointment time."),
    "created_at": Field(
        "The earliest evidence of the call; it may move earlier while late facts arrive.",
        _TIME,
        "2026-10-01T09:30:00.000000Z",
    ),
    "answered_at": Field("When it was answered.", _or_null(_TIME), "2026-10-01T09:30:08.000000Z"),
    "ended_at": Field("When it ended.", _or_null(_TIME), "2026-10-01T09:32:30.000000Z"),
    "ring_seconds": Field("From the first ring to the answer, or to the end.", _or_null(_COUNT), 6),
    "from_number": Field("Who called: E.164, or as it came.", _or_null(_TEXT), "+14155550100"),
    "to_number": Field("Who was called: E.164, or as it came.", _or_null(_TEXT), "+14155550123"),
    "route": Field("The route's key.", _or_null(_TEXT), "appointments"),
    "agent": Field("The voice agent's key.", _or_null(_TEXT), "scheduler"),
    "provider": Field("Who carried the call.", _or_null(_TEXT), "twilio"),
    "provider_account": Field(
        "The account with that provider.", _or_null(_TEXT), "AC1234567890abcdef1234567890abcdef"
    ),
    "end_reason": Field(
        "Why it ended, in a word of ours; null while it is open. The provider's own word is in `ending`.",
        _or_null(_words(EndReason)),
        EndReason.CALLER_HUNG_UP,
    ),
    "hangup_cause": Field("The cause code of Q.850.", _or_null(_INTEGER), None),
    "sip_code": Field("The final SIP response.", _or_null(_INTEGER), 200),
    "error_code": Field("The provider's code of an error.", _or_null(_TEXT), None),
    "answered_by": Field("A person or a machine, where that was detected.", _or_null(_TEXT), "human"),
    "escalation": Field(
        "Who was asked to take over, by whom and why.",
        _or_null(_texts("target", "initiated_by", "reason")),
        None,
    ),
    "transfer": Field(
        "A hand-over: where to, and whether it was requested, bridged or failed.",
        _or_null(_texts("target", "outcome")),
        None,
    ),
    "session_id": Field("The conversation.", _or_null(_TEXT), None),
    "recording_url": Field("Where the recording is.", _or_null(_TEXT), None),
    "cost": Field(
        "A decimal number in text, and the currency's three letters.",
        _or_null(_object({"amount": _TEXT, "currency": _or_null(_TEXT)})),
        {"amount": "0.0140", "currency": "USD"},
    ),
    "parent_call_sid": Field("The call that this one is a leg of.", _or_null(_TEXT), None),
    "tags": Field("Sorted, each once.", {"type": "array", "items": _TEXT}, ["reminder"]),
    "metadata": Field("Whatever the sender attached.", _or_null({"type": "object"}), None),
    "conflicts": Field("How many facts contradict others.", _COUNT, 0),
    "revision": Field(
        "The tenant's revision that shows this state; every change has a higher one.",
        {"type": "integer", "minimum": 1},
        4,
    ),
    "updated_at": Field("When this state was recorded.", _TIME, "2026-10-01T09:32:31.204418Z"),
}

_EVENT: Final[Mapping[str, Field]] = {
    "call_sid": Field("The SID that it spoke of.", _TEXT, "CA1234567890abcdef1234567890abcdef"),
    "door": Field("How it came in.", _words(DOOR_NAMES.values()), "callback"),
    "provider": Field("Who told it.", _or_null(_TEXT), "twilio"),
    "account": Field(
        "The account that it was told for.", _or_null(_TEXT), "AC1234567890abcdef1234567890abcdef"
    ),
    "event_id": Field("The sender's id of it.", _or_null(_TEXT), None),
    "sequence": Field("The sender's number of it.", _or_null(_INTEGER), 3),
    "occurred_at": Field("When it happened.", _TIME, "2026-10-01T09:32:30.000000Z"),
    "received_at": Field("When it came in.", _TIME, "2026-10-01T09:32:31.198201Z"),
    "outcome": Field("What became of it.", _words(Outcome), "applied"),
    "reason": Field("Why it changed nothing.", _or_null(_TEXT), None),
    "repeats": Field("How often it was told again.", _COUNT, 0),
    "said": Field(
        "What it says, by the names that own events use.",
        {"type": "object"},
        {"status": "completed", "duration_seconds": 142},
    ),
}
_TOMBSTONE: Final[Mapping[str, Field]] = {
    "id": Field(
        "The id that ended.", {"type": "string", "format": "uuid"}, "550e8400-e29b-41d4-a716-446655440000"
    ),
    "tombstone": Field("Why it ended.", _words(("merged", "erased", "expired")), "merged"),
    "merged_into": Field(
        "The call that it became part of.",
        _or_null({"type": "string", "format": "uuid"}),
        "6ba7b810-9dad-81d1-80b4-00c04fd430c8",
    ),
    "revision": Field("The tenant's revision at which it ended.", {"type": "integer", "minimum": 1}, 7),
    "updated_at": Field("When it ended.", _TIME, "2026-10-01T09:32:31.204418Z"),
}
_DELIVERY: Final[Mapping[str, Field]] = {
    "id": Field("The event's `webhook-id`.", _TEXT, "msg_01a1b2c3-d4e5-4f60-8a7b-9c0d1e2f3a4b"),
    "endpoint_id": Field(
        "The endpoint.", {"type": "string", "format": "uuid"}, "0d9c3f5e-8f54-4c37-9d0f-6a7d0c1f4b52"
    ),
    "event": Field("The kind of event.", _TEXT, "voice.call.completed"),
    "call_id": Field(
        "The call as it was then.",
        _or_null({"type": "string", "format": "uuid"}),
        "550e8400-e29b-41d4-a716-446655440000",
    ),
    "revision": Field("The tenant's revision that it tells of.", _INTEGER, 4),
    "state": Field("Where it is.", _words(("waiting", "delivered", "dead")), "delivered"),
    "attempts": Field("How often it was tried.", _COUNT, 1),
    "reason": Field("Why the last attempt was not taken.", _or_null(_TEXT), None),
    "created_at": Field("When the event happened.", _TIME, "2026-10-01T09:32:31.204418Z"),
    "updated_at": Field("When it was last tried.", _TIME, "2026-10-01T09:32:31.290000Z"),
    "next_attempt_at": Field("When it is tried next; null unless it waits.", _or_null(_TIME), None),
}
_RAW: Final[Mapping[str, Field]] = {
    "raw": Field(
        "The body as it came; null without `transcripts:read`, and where numbers are masked.",
        _or_null(_TEXT),
        None,
    ),
    "raw_encoding": Field("How `raw` is written.", _or_null(_words(("utf-8", "base64"))), None),
}


def _schema(fields: Mapping[str, Field]) -> Schema:
    return _object({name: {**field.schema, "description": field.meaning} for name, field in fields.items()})


def _example(fields: Mapping[str, Field]) -> dict[str, Any]:
    return {name: field.example for name, field in fields.items()}


def _page(reference: str) -> Schema:
    limit = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "description": "As asked for."}
    offset = {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET, "description": "As asked for."}
    total = {**_COUNT, "description": "How many there are in all, exactly."}
    rows = {"type": "array", "items": {"$ref": f"#/components/schemas/{reference}"}, "maxItems": MAX_LIMIT}
    return _object({"data": rows, "limit": limit, "offset": offset, "total": total})


def _call_page() -> Schema:
    page = _page("Call")
    call = {"$ref": "#/components/schemas/Call"}
    erased = {"$ref": "#/components/schemas/ErasedCall"}
    page["properties"]["data"]["items"] = {"anyOf": [call, erased]}
    page["required"].append("snapshot")
    meaning = "Give it back as `snapshot`, and any page of any filter is as of the instant of this answer."
    page["properties"]["snapshot"] = {**_TEXT, "description": meaning}
    return page


def _changes() -> Schema:
    items = {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in ("Call", "Tombstone")]}
    return _object(
        {
            "data": {"type": "array", "items": items, "maxItems": MAX_LIMIT},
            "limit": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "description": "As asked for."},
            "next": {**_TEXT, "description": "What to send as `after` to go on."},
            "has_more": {"type": "boolean", "description": "Whether there is more already."},
            "revision": {**_COUNT, "description": "The ledger's last revision."},
            "watermark": {
                **_or_null(_TIME),
                "description": "The time before which nothing more is expected; null before the first call.",
            },
        }
    )


def _erased() -> Schema:
    """What an older snapshot shows of a call that was erased since."""
    nothing: dict[str, Schema] = {name: {"type": "null"} for name in CALL_FIELDS}
    kept = {name: _CALL[name].schema for name in ("id", "created_at")}
    return _object({**nothing, **kept, "erased": {"const": True, "description": "It was erased since."}})


# In the order in which the ledger writes them; a field that is declared nowhere fails right here.
_ORDERED: Final = {name: _CALL[name] for name in CALL_FIELDS}
_ENDING: Final = {
    "reason": _words(EndReason),
    "explanation": {**_TEXT, "description": "The reason in a sentence."},
    "side": {**_or_null(_words(Side)), "description": "Where the fault lies; null where there is none."},
    "provider_word": {**_or_null(_TEXT), "description": "The word of whoever told why, as it came."},
    "hangup_cause": {**_or_null(_INTEGER), "description": "The cause code of Q.850."},
    "sip_code": {**_or_null(_INTEGER), "description": "The final SIP response."},
}
_BEHIND: Final[Mapping[str, Schema]] = {
    "ending": {
        **_or_null(_object(_ENDING)),
        "description": "Why it ended, and what led to that; null while it is open.",
    },
    "events": {
        "type": "array",
        "items": {"$ref": "#/components/schemas/Event"},
        "description": "The timeline.",
    },
    "session": {
        "anyOf": [{"$ref": "#/components/schemas/SessionDetail"}, {"type": "null"}],
        "description": "The conversation; its words are null without `transcripts:read`.",
    },
    "deliveries": {
        "type": "array",
        "items": {"$ref": "#/components/schemas/CallDelivery"},
        "description": "What became of its events at webhook endpoints; of very many the first 200.",
    },
}
_DETAIL: Final = _schema(_ORDERED)
_DETAIL["required"] += _BEHIND
_DETAIL["properties"] |= _BEHIND

SCHEMAS: Final[Mapping[str, Schema]] = {
    "Call": _schema(_ORDERED),
    "CallDetail": _DETAIL,
    "CallPage": _call_page(),
    "ErasedCall": _erased(),
    "Tombstone": _schema(_TOMBSTONE),
    "ChangePage": _changes(),
    "CallDelivery": _schema(_DELIVERY),
    "Event": _schema(_EVENT),
    "RawEvent": _schema({**_EVENT, **_RAW}),
    "EventPage": _page("RawEvent"),
}
CALL_PAGE: Final[Schema] = {"$ref": "#/components/schemas/CallPage"}
CALL_DETAIL: Final[Schema] = {"$ref": "#/components/schemas/CallDetail"}
CALL_EVENTS: Final[Schema] = {"$ref": "#/components/schemas/EventPage"}

_WINDOW: Final = {"limit": DEFAULT_LIMIT, "offset": 0, "total": 1}
EXAMPLE_PAGE: Final = {"data": [_example(_ORDERED)], **_WINDOW, "snapshot": EXAMPLE_SNAPSHOT}
CALL_CHANGES: Final[Schema] = {"$ref": "#/components/schemas/ChangePage"}
EXAMPLE_CHANGES: Final = {
    "data": [_example(_ORDERED), _example(_TOMBSTONE)],
    "limit": 100,
    "next": "paeaaaaaaaaaaabxf6c5n3h4qjz2mdx7w",
    "has_more": False,
    "revision": 7,
    "watermark": "2026-10-01T09:15:00.000000Z",
}
EXAMPLE_DETAIL: Final = {
    **_example(_ORDERED),
    "ending": {
        "reason": EndReason.CALLER_HUNG_UP,
        "explanation": EXPLANATIONS[EndReason.CALLER_HUNG_UP],
        "side": None,
        "provider_word": "customer-ended-call",
        "hangup_cause": None,
        "sip_code": 200,
    },
    "events": [_example(_EVENT)],
    "session": None,
    "deliveries": [_example(_DELIVERY)],
}
EXAMPLE_EVENTS: Final = {"data": [_example({**_EVENT, **_RAW})], **_WINDOW}
