"""Facts from detail records of Telnyx calls, from an export or its search.

Source: Telnyx's pages "Detail record search" and "Retrieve a call status". Times are RFC 3339. `call_sec` is
the talk time, `billed_sec` the charged time. Telnyx does not document whether `call_duration` includes the
ringing.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Fact, StatedFields
from calltally.calls.identity import Node
from calltally.calls.model import Status
from calltally.providers import json_documents, timestamps, value_parsers, values
from calltally.providers.callback import RecordSource, UnreadableRecord
from calltally.providers.carrier_facts import carrier_record_fact
from calltally.providers.telnyx import words
from calltally.providers.values import FieldRule, TimeRule

# Products use different names for the same ids. The first one present counts.
_CONTROL_IDS: Final = ("call_control_id", "telnyx_call_control_id")
_LEG_IDS: Final = ("call_leg_id", "telnyx_leg_id", "leg_id")
_FIELDS: Final = (
    FieldRule("direction", "direction", value_parsers.one_of(words.DIRECTIONS)),
    FieldRule("from", "from_number", value_parsers.number),
    FieldRule("cli", "from_number", value_parsers.number),
    FieldRule("to", "to_number", value_parsers.number),
    FieldRule("cld", "to_number", value_parsers.number),
    FieldRule("hangup_cause", "end_reason", value_parsers.word),
    FieldRule("hangup_source", "hung_up_by", value_parsers.one_of(words.LINE_ENDS)),
)
_TIMES: Final = (
    TimeRule("start_time", "started_us", timestamps.any_stamp),
    TimeRule("started_at", "started_us", timestamps.any_stamp),
    TimeRule("answered_at", "answered_us", timestamps.any_stamp),
    TimeRule("end_time", "ended_us", timestamps.any_stamp),
    TimeRule("finished_at", "ended_us", timestamps.any_stamp),
)
_LASTED: Final = (FieldRule("call_duration", "talk_seconds", value_parsers.seconds),)
_TALK: Final = (FieldRule("call_sec", "talk_seconds", value_parsers.seconds),)


def list_facts(lines: Iterable[bytes], source: RecordSource) -> Iterator[Fact | UnreadableRecord]:
    """Yield each call of a record, a page `{"data": […]}`, an array, NDJSON, or any nesting of these."""
    return json_documents.list_facts(lines, source, SHAPE, fact_of)


def fact_of(record: Mapping[str, Any], source: RecordSource) -> Fact:
    """Return a detail record or a call status as a fact; raise NotUnderstood."""
    control_id, leg_id = _first(record, _CONTROL_IDS), _first(record, _LEG_IDS)
    call_sid = control_id or leg_id
    if call_sid is None:
        raise NotUnderstood("call_control_id is missing: the record names no call")
    fact = carrier_record_fact(call_sid, record, _statement(record, source), source)
    links = () if leg_id is None or leg_id == call_sid else (Node(leg_id, is_carrier=False),)
    return msgspec.structs.replace(fact, links=links)


def _first(record: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    found = (values.value_of(record, name, value_parsers.sid) for name in names)
    return next((each for each in found if each is not None), None)


def _statement(record: Mapping[str, Any], source: RecordSource) -> StatedFields:
    statement = values.merged(
        values.parsed_fields(record, _FIELDS),
        values.times_of(record, _TIMES, source.received_us),
        values.cost_of(record, "cost", "currency"),
        {"provider": words.NAME},
    )
    return values.merged(statement, _end(record, statement)) if "ended_us" in statement else statement


def _end(record: Mapping[str, Any], statement: StatedFields) -> StatedFields:
    """Return the end: completed if there is a talk time, else by the cause; a call without either failed."""
    talk = values.parsed_fields(record, _TALK)
    cause = statement.get("end_reason", "")
    if "answered_us" in statement or talk.get("talk_seconds", 0) > 0:
        return {**talk, "status": Status.COMPLETED}
    # Telnyx does not document whether this one includes the ringing, so it is no talk time.
    lasted = values.parsed_fields(record, _LASTED).get("talk_seconds", 0)
    default = Status.COMPLETED if lasted > 0 and not cause else Status.FAILED
    return {"status": words.HANGUP_CAUSES.get(cause, default)}


def _is_record(value: Mapping[str, Any]) -> bool:
    return any(name in value for name in (*_CONTROL_IDS, *_LEG_IDS))


SHAPE: Final = json_documents.RecordShape("detail record of a call", ("data",), _is_record)
