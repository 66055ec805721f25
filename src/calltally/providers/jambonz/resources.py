"""Facts from recent calls of jambonz, from an export or its list.

Source: jambonz's page "Recent calls". Times are milliseconds since 1970. In some records `duration`
starts at the attempt, so the talk time is computed from answer to end.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from calltally.calls.events import Fact, StatedFields
from calltally.calls.model import Status
from calltally.providers import json_documents, timestamps, value_parsers, values
from calltally.providers.callback import RecordSource, UnreadableRecord
from calltally.providers.carrier_facts import carrier_record_fact, sip_call_link
from calltally.providers.jambonz import words
from calltally.providers.values import FieldRule, TimeRule

_FIELDS: Final = (
    FieldRule("call_status", "status", value_parsers.one_of(words.STATUSES)),
    FieldRule("direction", "direction", value_parsers.one_of(words.DIRECTIONS)),
    FieldRule("from", "from_number", value_parsers.number),
    FieldRule("to", "to_number", value_parsers.number),
    FieldRule("account_sid", "provider_account", value_parsers.sid),
    FieldRule("parent_call_sid", "parent_call_sid", value_parsers.sid),
    FieldRule("sip_status", "sip_code", value_parsers.sip_code),
    FieldRule("termination_reason", "end_reason", value_parsers.word),
    FieldRule("termination_reason", "hung_up_by", value_parsers.known(words.RECORD_LINE_ENDS)),
    FieldRule("recording_url", "recording_url", value_parsers.link),
)
_TIMES: Final = (
    TimeRule("attempted_at", "started_us", timestamps.epoch_ms_or_stamp),
    TimeRule("answered_at", "answered_us", timestamps.epoch_ms_or_stamp),
    TimeRule("terminated_at", "ended_us", timestamps.epoch_ms_or_stamp),
)
_NO_CALL_ID: Final = "the record names no call"


def list_facts(lines: Iterable[bytes], source: RecordSource) -> Iterator[Fact | UnreadableRecord]:
    """Yield each call of a page `{"data": […]}`, an array, NDJSON, or any nesting of these."""
    return json_documents.list_facts(lines, source, SHAPE, fact_of)


def fact_of(record: Mapping[str, Any], source: RecordSource) -> Fact:
    """Return one call as a fact; raise NotUnderstood with the name and value of an unreadable field."""
    call_sid = values.required_value(record, "call_sid", value_parsers.sid, _NO_CALL_ID)
    fact = carrier_record_fact(call_sid, record, _statement(record, source), source)
    return msgspec.structs.replace(fact, links=sip_call_link(record, "sip_callid", call_sid, fact.stated))


def _statement(record: Mapping[str, Any], source: RecordSource) -> StatedFields:
    statement = values.merged(
        values.parsed_fields(record, _FIELDS),
        values.times_of(record, _TIMES, source.received_us),
        {"provider": words.NAME},
    )
    if "status" not in statement and "ended_us" in statement:
        statement["status"] = _final_status(record, statement)
    if statement.get("status") != Status.COMPLETED:
        statement.pop("answered_us", None)
    return statement


def _final_status(record: Mapping[str, Any], statement: StatedFields) -> Status:
    """Return the final status by `answered` and the SIP response."""
    is_answered = values.flag_at(record, "answered")
    if is_answered or (is_answered is None and "answered_us" in statement):
        return Status.COMPLETED
    return words.SIP_STATUSES.get(statement.get("sip_code", 0), Status.FAILED)


def _is_record(value: Mapping[str, Any]) -> bool:
    return "call_sid" in value


SHAPE: Final = json_documents.RecordShape("recent call", ("data",), _is_record)
