"""Fields of a tenant's own event, as a table: for parsing and for OpenAPI (contract section 4)."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from calltally.calls.errors import Fault
from calltally.calls.model import DIRECTIONS, STATUSES
from calltally.calls.parameters import quote_value
from calltally.calls.times import check_plausible
from calltally.ingest import event_values as of
from calltally.ingest.event_values import ValueKind

MAX_ID_CHARS: Final = 200
MAX_WORD_CHARS: Final = 200
MAX_REASON_CHARS: Final = 2_000
MAX_SUMMARY_CHARS: Final = 32_768
MAX_TALK_SECONDS: Final = 10 * 366 * 86_400
TRANSFER_OUTCOMES: Final = ("requested", "bridged", "failed")
_MAX_FAULTS: Final = 20


class EventField(NamedTuple):
    """Field of an event: names on the wire and here, meaning, kind of value, and fields of an object."""

    name: str
    into: str
    meaning: str
    kind: ValueKind
    required: bool = False
    nested: tuple["EventField", ...] = ()


class ParsedFields(NamedTuple):
    """Parsed values by inner name, and the errors found."""

    values: dict[str, Any]
    faults: list[Fault]


def _object_field(name: str, meaning: str, *nested: EventField) -> EventField:
    schema = _object_schema(f"Event{name.capitalize()}", meaning, nested)
    return EventField(name, name, meaning, ValueKind(schema, _read_object), nested=nested)


def _object_schema(title: str, meaning: str, fields: Sequence[EventField]) -> dict[str, Any]:
    """Return the schema of an object with these fields only; optional fields may be null."""
    required = [field.name for field in fields if field.required]
    return {
        "title": title,
        "description": meaning,
        "type": "object",
        "properties": {field.name: _property(field) for field in fields},
        "additionalProperties": False,
        **({"required": required} if required else {"anyOf": [_requires(field) for field in fields]}),
    }


def _requires(field: EventField) -> dict[str, Any]:
    """Return the schema of an object in which this field is present and not null."""
    schema = {"description": field.meaning, **field.kind.schema}
    return {"required": [field.name], "properties": {field.name: schema}}


def _property(field: EventField) -> dict[str, Any]:
    schema = dict(field.kind.schema) if field.required else {"anyOf": [field.kind.schema, {"type": "null"}]}
    return {"description": field.meaning, **schema}


def _read_object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise of.BadValue(f"must be an object, not {of.json_type(value)}")
    if all(part is None for part in value.values()):
        raise of.BadValue("is empty; set one of its fields or leave it out")
    return value


_ID: Final = of.text(MAX_ID_CHARS)
_WORD: Final = of.text(MAX_WORD_CHARS)
_REASON: Final = of.text(MAX_REASON_CHARS)
_TRANSFER_OUTCOME: Final = of.word(TRANSFER_OUTCOMES)

FIELDS: Final = (
    EventField("id", "id", "The sender's id of this event; it identifies repeats.", _ID, required=True),
    EventField("call_sid", "call_sid", "The call's id; the carrier's if it has one.", _ID, required=True),
    EventField("occurred_at", "occurred_us", "The event's time, with an offset.", of.INSTANT, required=True),
    EventField("provider", "provider", "The provider, for calls that no provider reports itself.", _WORD),
    EventField("provider_account", "provider_account", "The account with that provider.", _WORD),
    EventField(
        "sequence",
        "sequence",
        "The sequence number of this event among the events of its call.",
        of.integer(*of.INT64),
    ),
    EventField("status", "status", "The current status of the call.", of.word(STATUSES)),
    EventField("direction", "direction", "The direction from the tenant's view.", of.word(DIRECTIONS)),
    EventField("from_number", "from_number", "The caller: E.164, or as received.", of.PARTY),
    EventField("to_number", "to_number", "The called party: E.164, or as received.", of.PARTY),
    EventField("route", "route", "The route's key; overrides the route of the number.", _WORD),
    EventField("agent", "agent", "The voice agent's key; overrides the agent of the route.", _WORD),
    EventField("session_id", "session_id", "The id of the conversation.", _ID),
    EventField("parent_call_sid", "parent_call_sid", "The id of the call that this call is a leg of.", _ID),
    EventField("started_at", "started_us", "The time at which the call was made.", of.INSTANT),
    EventField("ringing_at", "ringing_us", "The time at which ringing began.", of.INSTANT),
    EventField("answered_at", "answered_us", "The time of the answer.", of.INSTANT),
    EventField("ended_at", "ended_us", "The time of the end.", of.INSTANT),
    EventField(
        "duration_seconds", "talk_seconds", "Seconds from answer to end.", of.number(0, MAX_TALK_SECONDS)
    ),
    EventField("escalated", "escalated", "True if a person was requested to take over.", of.FLAG),
    _object_field(
        "escalation",
        "The hand-over to a person.",
        EventField("target", "target", "The person or queue.", _WORD),
        EventField("initiated_by", "initiated_by", "The party that requested it.", _WORD),
        EventField("reason", "reason", "The reason.", _REASON),
    ),
    _object_field(
        "transfer",
        "A transfer to another party.",
        EventField("target", "target", "The party that receives the call.", _WORD),
        EventField("outcome", "outcome", "The outcome of the transfer.", _TRANSFER_OUTCOME),
    ),
    EventField("summary", "summary", "A short summary of the conversation.", of.text(MAX_SUMMARY_CHARS)),
    EventField(
        "end_reason",
        "end_reason",
        "The reason of the end: one of Calltally's reasons, or the sender's own word.",
        _WORD,
    ),
    EventField("hangup_cause", "hangup_cause", "The Q.850 cause code.", of.integer(0, 127)),
    EventField("sip_code", "sip_code", "The final SIP response.", of.integer(100, 699)),
    EventField("error_code", "error_code", "The provider's error code.", _WORD),
    EventField("answered_by", "answered_by", "A person or a machine.", _WORD),
    EventField("recording_url", "recording_url", "The URL of the recording.", of.URL),
    _object_field(
        "cost",
        "The cost of the call.",
        EventField("amount", "amount", "A decimal number as text.", of.AMOUNT, required=True),
        EventField("currency", "currency", "The three-letter code of ISO 4217.", of.CURRENCY),
    ),
    EventField("tags", "tags", "Tags to add to the call's tags.", of.TAGS),
    EventField("metadata", "metadata", "Any object; the latest one replaces the earlier.", of.METADATA),
)


def _by_name(fields: Sequence[EventField]) -> dict[str, EventField]:
    return {field.name: field for field in fields}


_FIELDS: Final = _by_name(FIELDS)
_NESTED: Final = {field.name: _by_name(field.nested) for field in FIELDS if field.nested}


def event_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of one event, for OpenAPI."""
    return _object_schema("CallEvent", "One event of a tenant's own call.", FIELDS)


def parse_fields(content: Mapping[str, Any], now_us: int) -> ParsedFields:
    """Parse a decoded event. Errors name the field; fields of an object are named like `cost.amount`."""
    parsed = ParsedFields({}, [])
    _read_object_by(_FIELDS, content, parsed, now_us)
    del parsed.faults[_MAX_FAULTS:]
    return parsed


def _read_object_by(
    fields: Mapping[str, EventField],
    content: Mapping[str, Any],
    parsed: ParsedFields,
    now_us: int,
    prefix: str = "",
) -> None:
    # Each error lists all valid names: an object with a million unknown names must not make a million errors.
    parsed.faults.extend(islice(_unknown(fields, content, prefix), _MAX_FAULTS))
    parsed.faults.extend(_missing(fields, content, prefix))
    for name, value in content.items():
        # Null means the same as a missing field.
        if value is not None and name in fields:
            _read_field(fields[name], value, parsed, now_us, prefix)


def _read_field(field: EventField, value: object, parsed: ParsedFields, now_us: int, prefix: str) -> None:
    path = prefix + field.name
    try:
        found = field.kind.read(value)
        if field.kind is of.INSTANT:
            check_plausible(found, now_us)
    except ValueError as fault:
        parsed.faults.append(Fault(path, f"{path} {fault}"))
        return
    parsed.values[field.into] = _read_nested(field, found, parsed, now_us) if field.nested else found


def _read_nested(
    field: EventField, content: Mapping[str, Any], parsed: ParsedFields, now_us: int
) -> dict[str, Any]:
    """Return all fields of an object in the table's order, null for missing ones."""
    inner = ParsedFields({}, parsed.faults)
    _read_object_by(_NESTED[field.name], content, inner, now_us, field.name + ".")
    return {part.into: inner.values.get(part.into) for part in field.nested}


def _unknown(fields: Mapping[str, EventField], content: Mapping[str, Any], prefix: str) -> Iterator[Fault]:
    for name in content:
        if name not in fields:
            named = quote_value(prefix + name)
            yield Fault(named[1:-1], f"there is no field {named}; those that exist are {', '.join(fields)}")


def _missing(fields: Mapping[str, EventField], content: Mapping[str, Any], prefix: str) -> Iterator[Fault]:
    for name, field in fields.items():
        if field.required and content.get(name) is None:
            yield Fault(prefix + name, f"{prefix}{name} is missing. Its meaning: {field.meaning}")
