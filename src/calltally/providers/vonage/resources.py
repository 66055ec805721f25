"""Calls of Vonage's Voice API as facts: from an export or its list; its events have the same words.

Source: Vonage's pages "Voice API: get details of calls" and "Voice API webhooks reference". Times are
RFC 3339; `duration`, `rate` and `price` are strings; numbers have no plus sign.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from calltally.calls.events import Fact, Said
from calltally.providers import json_documents, timestamps, value_parsers, values
from calltally.providers.call_fact import carriers_record
from calltally.providers.callback import Refusal, Source
from calltally.providers.values import Content, Field, Time
from calltally.providers.vonage import words

_FIELDS: Final = (
    Field("status", "status", value_parsers.one_of(words.STATUSES)),
    Field("direction", "direction", value_parsers.one_of(words.DIRECTIONS)),
    # A text in events, an object in lists; SIP addresses and users of apps have no number.
    *(
        Field(f"from{part}", "from_number", value_parsers.bare_number)
        for part in ("", ".user", ".uri", ".number")
    ),
    *(
        Field(f"to{part}", "to_number", value_parsers.bare_number)
        for part in ("", ".user", ".uri", ".number")
    ),
    Field("detail", "end_reason", value_parsers.word),
    Field("sip_code", "sip_code", value_parsers.sip_code),
    Field("recording_url", "recording_url", value_parsers.link),
)
# The length of the talk: it begins at start_time, which is the answer.
_AT_END: Final = (Field("duration", "talk_seconds", value_parsers.seconds),)
_TIMES: Final = (
    Time("start_time", "started_us", timestamps.any_stamp),
    Time("end_time", "ended_us", timestamps.any_stamp),
)
_NAMELESS: Final = "the record does not say which call it is"
# Addresses, which change with the API's version.
_VOLATILE: Final = frozenset({"_links"})


def list_facts(lines: Iterable[bytes], source: Source) -> Iterator[Fact | Refusal]:
    """Each call of a page `{"_embedded": {"calls": […]}}`, an array, NDJSON, or any nest of those."""
    return json_documents.list_facts(lines, source, SHAPE, fact_of)


def fact_of(record: Mapping[str, Any], source: Source) -> Fact:
    """One call as a fact; raises NotUnderstood that names the field and its value."""
    call_sid = values.needed(record, "uuid", value_parsers.sid, _NAMELESS)
    return carriers_record(call_sid, record, said_of(record, source.received_us), source, _VOLATILE)


def said_of(content: Content, received_us: int) -> Said:
    """What an event or a record says; Vonage charges in euros."""
    said: Said = {
        **values.said_of(content, _FIELDS, at_end=_AT_END),
        **values.times_of(content, _TIMES, received_us),
        "provider": words.NAME,
    }
    price = values.value_of(content, "price", value_parsers.amount)
    if price is not None:
        said["cost"] = {"amount": price, "currency": "EUR"}
    return said


def _is_record(value: Mapping[str, Any]) -> bool:
    return "uuid" in value and bool({"status", "direction", "conversation_uuid"} & value.keys())


SHAPE: Final = json_documents.Shape("call of the Voice API", ("calls",), _is_record)
