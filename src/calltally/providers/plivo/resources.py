"""Plivo's calls as facts: from an export or its list.

Source: Plivo's page "The call object". Times are in the account's zone, with their offset; `bill_duration`
is the talk, `billed_duration` what is charged for.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from calltally.calls.events import Fact, Said
from calltally.calls.model import Status
from calltally.providers import json_documents, timestamps, value_parsers, values
from calltally.providers.call_fact import carriers_record
from calltally.providers.callback import Refusal, Source
from calltally.providers.plivo import words
from calltally.providers.values import Field, Time

_FIELDS: Final = (
    Field("call_direction", "direction", value_parsers.one_of(words.DIRECTIONS)),
    Field("from_number", "from_number", value_parsers.bare_number),
    Field("to_number", "to_number", value_parsers.bare_number),
    Field("parent_call_uuid", "parent_call_sid", value_parsers.sid),
    Field("hangup_cause_name", "end_reason", value_parsers.word),
    Field("hangup_cause_code", "error_code", value_parsers.word),
)
_TIMES: Final = (
    Time("initiation_time", "started_us", timestamps.stamp),
    Time("answer_time", "answered_us", timestamps.stamp),
    Time("end_time", "ended_us", timestamps.stamp),
)
_TALK: Final = (Field("bill_duration", "talk_seconds", value_parsers.seconds),)
_NAMELESS: Final = "the record does not say which call it is"
# The request's own id and an address: another each time.
_VOLATILE: Final = frozenset({"api_id", "resource_uri"})


def list_facts(lines: Iterable[bytes], source: Source) -> Iterator[Fact | Refusal]:
    """Each call of a page `{"objects": […]}`, an array, NDJSON, or any nest of those."""
    return json_documents.list_facts(lines, source, SHAPE, fact_of)


def fact_of(record: Mapping[str, Any], source: Source) -> Fact:
    """One call as a fact; raises NotUnderstood that names the field and its value."""
    call_sid = values.needed(record, "call_uuid", value_parsers.sid, _NAMELESS)
    return carriers_record(call_sid, record, _said(record, source), source, _VOLATILE)


def _said(record: Mapping[str, Any], source: Source) -> Said:
    said: Said = {
        **values.said_of(record, _FIELDS),
        **values.times_of(record, _TIMES, source.received_us),
        "provider": words.NAME,
    }
    cost = values.value_of(record, "total_amount", value_parsers.amount)
    if cost is not None:
        said["cost"] = {"amount": cost, "currency": "USD"}
    if "ended_us" in said:
        said.update(_ended(record, said))
    return said


def _ended(record: Mapping[str, Any], said: Said) -> Said:
    """How it ended, which the record says by its times and a code. Without either, that is not said."""
    talk = values.said_of(record, _TALK)
    if "answered_us" in said or talk.get("talk_seconds", 0) > 0:
        return {**talk, "status": Status.COMPLETED}
    code = said.get("error_code")
    return {} if code is None else {"status": words.HANGUP_CODES.get(code, Status.FAILED)}


def _is_record(value: Mapping[str, Any]) -> bool:
    return "call_uuid" in value


SHAPE: Final = json_documents.Shape("call object", ("objects",), _is_record)
