"""Facts from calls of Vonage's Voice API, from an export or its list. Events have the same words.

Source: Vonage's pages "Voice API: get details of calls" and "Voice API webhooks reference". Times are
RFC 3339; `duration`, `rate` and `price` are strings; numbers have no plus sign.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from calltally.calls.events import Fact, StatedFields
from calltally.providers import json_documents, timestamps, value_parsers, values
from calltally.providers.callback import RecordSource, UnreadableRecord
from calltally.providers.carrier_facts import carrier_record_fact, end_fields
from calltally.providers.values import Content, FieldRule, TimeRule
from calltally.providers.vonage import words

_FIELDS: Final = (
    FieldRule("status", "status", value_parsers.one_of(words.STATUSES)),
    FieldRule("direction", "direction", value_parsers.one_of(words.DIRECTIONS)),
    # Text in events, an object in lists. SIP addresses and app users have no number.
    *(
        FieldRule(f"from{part}", "from_number", value_parsers.bare_number)
        for part in ("", ".user", ".uri", ".number")
    ),
    *(
        FieldRule(f"to{part}", "to_number", value_parsers.bare_number)
        for part in ("", ".user", ".uri", ".number")
    ),
    FieldRule("conversation_uuid", "metadata", value_parsers.labelled("conversation_uuid")),
    FieldRule("disconnected_by", "hung_up_by", value_parsers.one_of(words.LINE_ENDS)),
    FieldRule("sip_code", "sip_code", value_parsers.sip_code),
    FieldRule("recording_url", "recording_url", value_parsers.link),
    FieldRule("price", "cost", value_parsers.cost_in("EUR")),
)
# Talk time: it starts at start_time, which is the time of the answer.
_FINAL_FIELDS: Final = (FieldRule("duration", "talk_seconds", value_parsers.seconds),)
_TIMES: Final = (
    TimeRule("start_time", "started_us", timestamps.any_stamp),
    TimeRule("end_time", "ended_us", timestamps.any_stamp),
)
_END_PARTS: Final = ("", ".type", ".uri")
_SOCKET_SCHEMES: Final = ("ws:", "wss:")
_NO_CALL_ID: Final = "the record names no call"
# Links, which change with the version of the API.
_VOLATILE_FIELDS: Final = frozenset({"_links"})


def list_facts(lines: Iterable[bytes], source: RecordSource) -> Iterator[Fact | UnreadableRecord]:
    """Yield each call of a page `{"_embedded": {"calls": […]}}`, an array, NDJSON, or a nesting of these."""
    return json_documents.list_facts(lines, source, SHAPE, fact_of)


def fact_of(record: Mapping[str, Any], source: RecordSource) -> Fact:
    """Return one call as a fact; raise NotUnderstood with the name and value of an unreadable field."""
    call_sid = values.required_value(record, "uuid", value_parsers.sid, _NO_CALL_ID)
    return carrier_record_fact(
        call_sid, record, statement_of(record, source.received_us), source, _VOLATILE_FIELDS
    )


def is_media_leg(content: Content) -> bool:
    """Return whether a leg leads to a web socket: it is the media stream of a call, and no second call."""
    ends = [values.value_at(content, f"{side}{part}") for side in ("to", "from") for part in _END_PARTS]
    texts = [each for each in ends if isinstance(each, str)]
    return words.WEBSOCKET in texts or any(each.startswith(_SOCKET_SCHEMES) for each in texts)


def statement_of(content: Content, received_us: int) -> StatedFields:
    """Return the fields of an event or a record. Vonage charges in euros."""
    statement = values.merged(
        values.parsed_fields(content, _FIELDS, at_end=_FINAL_FIELDS),
        values.times_of(content, _TIMES, received_us),
        {"provider": words.NAME},
    )
    detail = values.optional_value(content, "detail", value_parsers.word, statement)
    statement.update(end_fields(detail, words.END_REASONS))
    return statement


def _is_record(value: Mapping[str, Any]) -> bool:
    return "uuid" in value and bool({"status", "direction", "conversation_uuid"} & value.keys())


SHAPE: Final = json_documents.RecordShape("call of the Voice API", ("calls",), _is_record, is_media_leg)
