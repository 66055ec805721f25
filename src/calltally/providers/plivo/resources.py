"""Facts from Plivo's calls, from an export or its list.

Source: Plivo's page "The call object". Times are in the account's zone, with their offset. `bill_duration`
is the talk time, `billed_duration` the charged time.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from calltally.calls.events import Fact, StatedFields
from calltally.calls.model import Status
from calltally.providers import json_documents, timestamps, value_parsers, values
from calltally.providers.callback import RecordSource, UnreadableRecord
from calltally.providers.carrier_facts import carrier_record_fact
from calltally.providers.plivo import words
from calltally.providers.values import FieldRule, TimeRule

_FIELDS: Final = (
    FieldRule("call_direction", "direction", value_parsers.one_of(words.DIRECTIONS)),
    FieldRule("from_number", "from_number", value_parsers.bare_number),
    FieldRule("to_number", "to_number", value_parsers.bare_number),
    FieldRule("parent_call_uuid", "parent_call_sid", value_parsers.sid),
    FieldRule("hangup_cause_code", "error_code", value_parsers.word),
    FieldRule("hangup_source", "hung_up_by", value_parsers.one_of(words.LINE_ENDS)),
    FieldRule("total_amount", "cost", value_parsers.cost_in("USD")),
)
_TIMES: Final = (
    TimeRule("initiation_time", "started_us", timestamps.stamp),
    TimeRule("answer_time", "answered_us", timestamps.stamp),
    TimeRule("end_time", "ended_us", timestamps.stamp),
)
_TALK: Final = (FieldRule("bill_duration", "talk_seconds", value_parsers.seconds),)
_NO_CALL_ID: Final = "the record names no call"
# The id of the request, and a link: they differ each time.
_VOLATILE_FIELDS: Final = frozenset({"api_id", "resource_uri"})


def list_facts(lines: Iterable[bytes], source: RecordSource) -> Iterator[Fact | UnreadableRecord]:
    """Yield each call of a page `{"objects": […]}`, an array, NDJSON, or any nesting of these."""
    return json_documents.list_facts(lines, source, SHAPE, fact_of)


def fact_of(record: Mapping[str, Any], source: RecordSource) -> Fact:
    """Return one call as a fact; raise NotUnderstood with the name and value of an unreadable field."""
    call_sid = values.required_value(record, "call_uuid", value_parsers.sid, _NO_CALL_ID)
    return carrier_record_fact(call_sid, record, _statement(record, source), source, _VOLATILE_FIELDS)


def _statement(record: Mapping[str, Any], source: RecordSource) -> StatedFields:
    statement = values.merged(
        values.parsed_fields(record, _FIELDS),
        values.times_of(record, _TIMES, source.received_us),
        {"provider": words.NAME},
    )
    name = values.optional_value(record, "hangup_cause_name", value_parsers.word, statement)
    statement.update(words.end_of(statement.get("error_code"), None, name))
    return values.merged(statement, _end(record, statement)) if "ended_us" in statement else statement


def _end(record: Mapping[str, Any], statement: StatedFields) -> StatedFields:
    """Return the end by the times and the code of the record; a call without either did not connect."""
    talk = values.parsed_fields(record, _TALK)
    if "answered_us" in statement or talk.get("talk_seconds", 0) > 0:
        return {**talk, "status": Status.COMPLETED}
    return {"status": words.HANGUP_CODES.get(statement.get("error_code", ""), Status.FAILED)}


def _is_record(value: Mapping[str, Any]) -> bool:
    return "call_uuid" in value


SHAPE: Final = json_documents.RecordShape("call object", ("objects",), _is_record)
