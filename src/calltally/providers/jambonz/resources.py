"""Recent calls of jambonz as facts: from an export or its list.

Source: jambonz's page "Recent calls". Times are milliseconds since 1970; `duration` reaches from the
attempt to the end in some records, so the talk is what lies between answer and end.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from calltally.calls.events import Fact, Said
from calltally.calls.model import Status
from calltally.providers import json_documents, timestamps, value_parsers, values
from calltally.providers.call_fact import carriers_record, sip_call_id
from calltally.providers.callback import Refusal, Source
from calltally.providers.jambonz import words
from calltally.providers.values import Field, Time

_FIELDS: Final = (
    Field("call_status", "status", value_parsers.one_of(words.STATUSES)),
    Field("direction", "direction", value_parsers.one_of(words.DIRECTIONS)),
    Field("from", "from_number", value_parsers.number),
    Field("to", "to_number", value_parsers.number),
    Field("account_sid", "provider_account", value_parsers.sid),
    Field("parent_call_sid", "parent_call_sid", value_parsers.sid),
    Field("sip_status", "sip_code", value_parsers.sip_code),
    Field("termination_reason", "end_reason", value_parsers.word),
    Field("recording_url", "recording_url", value_parsers.link),
)
_TIMES: Final = (
    Time("attempted_at", "started_us", timestamps.epoch_ms_or_stamp),
    Time("answered_at", "answered_us", timestamps.epoch_ms_or_stamp),
    Time("terminated_at", "ended_us", timestamps.epoch_ms_or_stamp),
)
_NAMELESS: Final = "the record does not say which call it is"


def list_facts(lines: Iterable[bytes], source: Source) -> Iterator[Fact | Refusal]:
    """Each call of a page `{"data": […]}`, an array, NDJSON, or any nest of those."""
    return json_documents.list_facts(lines, source, SHAPE, fact_of)


def fact_of(record: Mapping[str, Any], source: Source) -> Fact:
    """One recent call as a fact; raises NotUnderstood that names the field and its value."""
    call_sid = values.needed(record, "call_sid", value_parsers.sid, _NAMELESS)
    fact = carriers_record(call_sid, record, _said(record, source), source)
    return msgspec.structs.replace(fact, links=sip_call_id(record, "sip_callid", call_sid))


def _said(record: Mapping[str, Any], source: Source) -> Said:
    said: Said = {
        **values.said_of(record, _FIELDS),
        **values.times_of(record, _TIMES, source.received_us),
        "provider": words.NAME,
    }
    if "status" not in said and "ended_us" in said:
        said["status"] = _ended(record, said)
    if said.get("status") != Status.COMPLETED:
        said.pop("answered_us", None)
    return said


def _ended(record: Mapping[str, Any], said: Said) -> Status:
    """How it ended: a record says whether it was answered, and the SIP response."""
    is_answered = values.flag_at(record, "answered")
    if is_answered or (is_answered is None and "answered_us" in said):
        return Status.COMPLETED
    return words.SIP_STATUSES.get(said.get("sip_code", 0), Status.FAILED)


def _is_record(value: Mapping[str, Any]) -> bool:
    return "call_sid" in value


SHAPE: Final = json_documents.Shape("recent call", ("data",), _is_record)
