"""The fields of a tenant's own event: the table of contract section 4, for reading and for OpenAPI."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from calltally.calls.errors import Fault
from calltally.calls.model import DIRECTIONS, STATUSES
from calltally.calls.parameters import shown
from calltally.calls.times import check_plausible
from calltally.ingest import event_values as of
from calltally.ingest.event_values import Kind

MAX_ID_CHARS: Final = 200
MAX_WORD_CHARS: Final = 200
MAX_REASON_CHARS: Final = 2_000
MAX_SUMMARY_CHARS: Final = 32_768
MAX_TALK_SECONDS: Final = 10 * 366 * 86_400
TRANSFER_OUTCOMES: Final = ("requested", "bridged", "failed")
_MAX_FAULTS: Final = 20


class Field(NamedTuple):
    """One field: its name outside and inside, what it means, its kind, and the fields of an object."""

    name: str
    into: str
    meaning: str
    kind: Kind
    required: bool = False
    parts: tuple["Field", ...] = ()


class Reading(NamedTuple):
    """What an object says by the inner names, and what is wrong with it."""

    values: dict[str, Any]
    faults: list[Fault]


def _whole(name: str, meaning: str, *parts: Field) -> Field:
    return Field(name, name, meaning, Kind(_object_schema(parts), _read_object), parts=parts)


def _object_schema(fields: Sequence[Field]) -> dict[str, Any]:
    """An object of these fields and no others; what is not required may be null."""
    required = [field.name for field in fields if field.required]
    return {
        "type": "object",
        "properties": {field.name: _property(field) for field in fields},
        "additionalProperties": False,
        **({"required": required} if required else {"anyOf": [_says(field) for field in fields]}),
    }


def _says(field: Field) -> dict[str, Any]:
    """An object that has this field, and not as null."""
    return {"required": [field.name], "properties": {field.name: dict(field.kind.schema)}}


def _property(field: Field) -> dict[str, Any]:
    schema = dict(field.kind.schema) if field.required else {"anyOf": [field.kind.schema, {"type": "null"}]}
    return {"description": field.meaning, **schema}


def _read_object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise of.BadValue(f"must be an object, not {of.json_type(value)}")
    if all(part is None for part in value.values()):
        raise of.BadValue("is empty; say something in it or leave it out")
    return value


_ID: Final = of.text(MAX_ID_CHARS)
_WORD: Final = of.text(MAX_WORD_CHARS)
_REASON: Final = of.text(MAX_REASON_CHARS)
_TRANSFER_OUTCOME: Final = of.word(TRANSFER_OUTCOMES)

FIELDS: Final = (
    Field("id", "id", "The sender's id of this event: a repeat is known by it.", _ID, required=True),
    Field("call_sid", "call_sid", "The id of the call, the carrier's if there is one.", _ID, required=True),
    Field("occurred_at", "occurred_us", "When it happened, with an offset.", of.INSTANT, required=True),
    Field("provider", "provider", "Of a call that no provider reports by itself.", _WORD),
    Field("provider_account", "provider_account", "The account with that provider.", _WORD),
    Field("sequence", "sequence", "Orders the events of this call.", of.integer(*of.INT64)),
    Field("status", "status", "The state that the call is in now.", of.word(STATUSES)),
    Field("direction", "direction", "Seen from the tenant.", of.word(DIRECTIONS)),
    Field("from_number", "from_number", "Who calls: E.164, or as it came.", of.PARTY),
    Field("to_number", "to_number", "Who is called: E.164, or as it came.", of.PARTY),
    Field("route", "route", "The route's key, over the one its number has.", _WORD),
    Field("agent", "agent", "The voice agent's key, over its route's.", _WORD),
    Field("session_id", "session_id", "The conversation.", _ID),
    Field("parent_call_sid", "parent_call_sid", "The call that this one is a leg of.", _ID),
    Field("started_at", "started_us", "When the call was made.", of.INSTANT),
    Field("ringing_at", "ringing_us", "When it began to ring.", of.INSTANT),
    Field("answered_at", "answered_us", "When it was answered.", of.INSTANT),
    Field("ended_at", "ended_us", "When it ended.", of.INSTANT),
    Field("duration_seconds", "talk_seconds", "From answer to end.", of.number(0, MAX_TALK_SECONDS)),
    Field("escalated", "escalated", "Whether a person was asked to take over.", of.FLAG),
    _whole(
        "escalation",
        "Who was asked to take over.",
        Field("target", "target", "Who, or which queue.", _WORD),
        Field("initiated_by", "initiated_by", "Who asked for it.", _WORD),
        Field("reason", "reason", "Why.", _REASON),
    ),
    _whole(
        "transfer",
        "A hand-over to another party.",
        Field("target", "target", "Where to.", _WORD),
        Field("outcome", "outcome", "What came of it.", _TRANSFER_OUTCOME),
    ),
    Field("summary", "summary", "What was said, in short.", of.text(MAX_SUMMARY_CHARS)),
    Field("end_reason", "end_reason", "Why it ended, by a word of ours or of the sender's.", _WORD),
    Field("hangup_cause", "hangup_cause", "The cause code of Q.850.", of.integer(0, 127)),
    Field("sip_code", "sip_code", "The final SIP response.", of.integer(100, 699)),
    Field("error_code", "error_code", "The provider's code of an error.", _WORD),
    Field("answered_by", "answered_by", "A person or a machine.", _WORD),
    Field("recording_url", "recording_url", "Where the recording is.", of.URL),
    _whole(
        "cost",
        "What the call cost.",
        Field("amount", "amount", "A decimal number in text.", of.AMOUNT, required=True),
        Field("currency", "currency", "Three letters of ISO 4217.", of.CURRENCY),
    ),
    Field("tags", "tags", "Words that are added to the call's.", of.TAGS),
    Field("metadata", "metadata", "Anything; the latest replaces the whole.", of.METADATA),
)


def _by_name(fields: Sequence[Field]) -> dict[str, Field]:
    return {field.name: field for field in fields}


_FIELDS: Final = _by_name(FIELDS)
_PARTS: Final = {field.name: _by_name(field.parts) for field in FIELDS if field.parts}


def event_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of one event, as OpenAPI shows it."""
    return _object_schema(FIELDS)


def read_fields(content: Mapping[str, Any], now_us: int) -> Reading:
    """Read a decoded event; every fault is told by name, parts of an object as `cost.amount`."""
    reading = Reading({}, [])
    _read_object_by(_FIELDS, content, reading, now_us)
    del reading.faults[_MAX_FAULTS:]
    return reading


def _read_object_by(
    fields: Mapping[str, Field], content: Mapping[str, Any], reading: Reading, now_us: int, within: str = ""
) -> None:
    # Each lists all names there are: an object of a million unknown ones must not make a million.
    reading.faults.extend(islice(_unknown(fields, content, within), _MAX_FAULTS))
    reading.faults.extend(_missing(fields, content, within))
    for name, value in content.items():
        # Null says nothing, as if the field were left out.
        if value is not None and name in fields:
            _read_field(fields[name], value, reading, now_us, within)


def _read_field(field: Field, value: object, reading: Reading, now_us: int, within: str) -> None:
    path = within + field.name
    try:
        found = field.kind.read(value)
        if field.kind is of.INSTANT:
            check_plausible(found, now_us)
    except ValueError as fault:
        reading.faults.append(Fault(path, f"{path} {fault}"))
        return
    reading.values[field.into] = _read_parts(field, found, reading, now_us) if field.parts else found


def _read_parts(field: Field, content: Mapping[str, Any], reading: Reading, now_us: int) -> dict[str, Any]:
    """All parts in the table's order, null where unsaid."""
    inner = Reading({}, reading.faults)
    _read_object_by(_PARTS[field.name], content, inner, now_us, field.name + ".")
    return {part.into: inner.values.get(part.into) for part in field.parts}


def _unknown(fields: Mapping[str, Field], content: Mapping[str, Any], within: str) -> Iterator[Fault]:
    for name in content:
        if name not in fields:
            named = shown(within + name)
            yield Fault(named[1:-1], f"there is no field {named}; those that exist are {', '.join(fields)}")


def _missing(fields: Mapping[str, Field], content: Mapping[str, Any], within: str) -> Iterator[Fault]:
    for name, field in fields.items():
        if field.required and content.get(name) is None:
            yield Fault(within + name, f"{within}{name} is missing; it says: {field.meaning}")
