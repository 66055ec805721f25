"""Facts from dialog events, in requests or lines of a file."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from calltally.calls.events import Fact, StatedFields, content_digest
from calltally.calls.model import Status
from calltally.providers import json_documents, timestamps, value_parsers, values
from calltally.providers.callback import Callback, RecordSource, UnreadableRecord
from calltally.providers.kamailio import words
from calltally.providers.plausibility import check_times
from calltally.providers.values import FieldRule

_FIELDS: Final = (
    FieldRule("event", "status", value_parsers.one_of(words.EVENTS)),
    FieldRule("direction", "direction", value_parsers.one_of(words.DIRECTIONS)),
    FieldRule("from", "from_number", value_parsers.number),
    FieldRule("to", "to_number", value_parsers.number),
    FieldRule("code", "sip_code", value_parsers.sip_code),
)
_TIMES: Final = {"invited_at": "started_us", "ringing_at": "ringing_us", "ended_at": "ended_us"}


def facts_of(callback: Callback) -> list[Fact]:
    """Return the facts of a request: one event or an array. Raise NotUnderstood."""
    return json_documents.callback_facts(callback, SHAPE, fact_of)


def list_facts(lines: Iterable[bytes], source: RecordSource) -> Iterator[Fact | UnreadableRecord]:
    """Yield the events of a file: one per line, in an array, or one after another."""
    return json_documents.list_facts(lines, source, SHAPE, fact_of)


def fact_of(event: Mapping[str, Any], source: RecordSource) -> Fact:
    """Return one event as a fact; raise NotUnderstood with the name and value of an unreadable field."""
    call_sid = values.required_value(event, "call_id", value_parsers.sid, "the event names no call")
    values.required_value(event, "event", value_parsers.word, "the body names no event")
    statement = _statement(event, source)
    occurred_us = _instant(event, "ts", source.received_us) or statement.get("ended_us") or source.received_us
    return Fact(
        # A SIP Call-ID is globally unique (RFC 3261 section 8.1.1.4), so it needs no account prefix.
        call_sid=call_sid,
        channel=source.channel,
        provider=words.NAME,
        account=source.account,
        event_id="",  # Kamailio has none: a repeat is identical to the byte.
        sequence=words.ORDER[event["event"]],
        occurred_us=occurred_us,
        received_us=source.received_us,
        digest=content_digest(event),
        stated=statement,
        raw=json_documents.encode(event),
        is_carrier=True,
    )


def _statement(event: Mapping[str, Any], source: RecordSource) -> StatedFields:
    statement = values.parsed_fields(event, _FIELDS)
    statement["provider"] = words.NAME
    if source.account:
        statement["provider_account"] = source.account
    for name, target in _TIMES.items():
        if (instant_us := _instant(event, name, source.received_us)) is not None:
            statement[target] = instant_us  # type: ignore[literal-required]  # _TIMES has keys of the TypedDict
    if statement.get("status") == Status.FAILED:
        statement["status"] = _unanswered(statement)
    check_times(statement)
    return statement


def _unanswered(statement: StatedFields) -> Status:
    code = statement.get("sip_code", 0)
    if code == words.REQUEST_TIMEOUT and "ringing_us" in statement:
        return Status.NO_ANSWER
    return words.UNANSWERED.get(code, Status.FAILED)


def _instant(event: Mapping[str, Any], name: str, received_us: int) -> int | None:
    return values.instant_of(event, name, timestamps.epoch_s, received_us)


def _is_event(value: Mapping[str, Any]) -> bool:
    return "event" in value


SHAPE: Final = json_documents.RecordShape("dialog event", ("events",), _is_event)
