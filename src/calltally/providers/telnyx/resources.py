"""Detail records of Telnyx calls as facts, from an export or its search.

Source: Telnyx's pages "Detail record search" and "Retrieve a call status". Times are RFC 3339; `call_sec` is
the talk, `billed_sec` what is charged for; of `call_duration` it is not said whether it holds the ringing.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Fact, Said
from calltally.calls.identity import Node
from calltally.calls.model import Status
from calltally.providers import json_documents, timestamps, value_parsers, values
from calltally.providers.call_fact import carriers_record
from calltally.providers.callback import Refusal, Source
from calltally.providers.telnyx import words
from calltally.providers.values import Field, Time

# Products differ in how they name the same ids; the first that is there counts.
_CONTROL_IDS: Final = ("call_control_id", "telnyx_call_control_id")
_LEG_IDS: Final = ("call_leg_id", "telnyx_leg_id", "leg_id")
_FIELDS: Final = (
    Field("direction", "direction", value_parsers.one_of(words.DIRECTIONS)),
    Field("from", "from_number", value_parsers.number),
    Field("cli", "from_number", value_parsers.number),
    Field("to", "to_number", value_parsers.number),
    Field("cld", "to_number", value_parsers.number),
    Field("hangup_cause", "end_reason", value_parsers.word),
)
_TIMES: Final = (
    Time("start_time", "started_us", timestamps.any_stamp),
    Time("started_at", "started_us", timestamps.any_stamp),
    Time("answered_at", "answered_us", timestamps.any_stamp),
    Time("end_time", "ended_us", timestamps.any_stamp),
    Time("finished_at", "ended_us", timestamps.any_stamp),
)
_TALK: Final = (Field("call_sec", "talk_seconds", value_parsers.seconds),)


def list_facts(lines: Iterable[bytes], source: Source) -> Iterator[Fact | Refusal]:
    """Each call of a detail record, a page `{"data": […]}`, an array, NDJSON, or any nest of those."""
    return json_documents.list_facts(lines, source, SHAPE, fact_of)


def fact_of(record: Mapping[str, Any], source: Source) -> Fact:
    """One detail record, or the status of one call; raises NotUnderstood."""
    control_id, leg_id = _first(record, _CONTROL_IDS), _first(record, _LEG_IDS)
    call_sid = control_id or leg_id
    if call_sid is None:
        raise NotUnderstood("call_control_id is missing: the record does not say which call it is")
    fact = carriers_record(call_sid, record, _said(record, source), source)
    links = () if leg_id is None or leg_id == call_sid else (Node(leg_id, is_carrier=False),)
    return msgspec.structs.replace(fact, links=links)


def _first(record: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    found = (values.value_of(record, name, value_parsers.sid) for name in names)
    return next((each for each in found if each is not None), None)


def _said(record: Mapping[str, Any], source: Source) -> Said:
    said: Said = {
        **values.said_of(record, _FIELDS),
        **values.times_of(record, _TIMES, source.received_us),
        **values.cost_of(record, "cost", "currency"),
        "provider": words.NAME,
    }
    if "ended_us" in said:
        said.update(_ended(record, said))
    return said


def _ended(record: Mapping[str, Any], said: Said) -> Said:
    """How it ended: answered if it has a talk, else by its cause. Without either, that is not said."""
    talk = values.said_of(record, _TALK)
    cause = said.get("end_reason", "")
    if "answered_us" in said or talk.get("talk_seconds", 0) > 0:
        return {**talk, "status": Status.COMPLETED}
    return {"status": words.HANGUP_CAUSES[cause]} if cause in words.HANGUP_CAUSES else {}


def _is_record(value: Mapping[str, Any]) -> bool:
    return any(name in value for name in (*_CONTROL_IDS, *_LEG_IDS))


SHAPE: Final = json_documents.Shape("detail record of a call", ("data",), _is_record)
