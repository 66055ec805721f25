"""One event of a dialog as a fact, from a request or from a line of a file."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from calltally.calls.events import Fact, Said, content_digest
from calltally.calls.model import Status
from calltally.providers import json_documents, timestamps, value_parsers, values
from calltally.providers.callback import Callback, Refusal, Source
from calltally.providers.kamailio import words
from calltally.providers.plausibility import check_times
from calltally.providers.values import Field

_FIELDS: Final = (
    Field("event", "status", value_parsers.one_of(words.EVENTS)),
    Field("direction", "direction", value_parsers.one_of(words.DIRECTIONS)),
    Field("from", "from_number", value_parsers.number),
    Field("to", "to_number", value_parsers.number),
    Field("code", "sip_code", value_parsers.sip_code),
)
_TIMES: Final = {"invited_at": "started_us", "ringing_at": "ringing_us", "ended_at": "ended_us"}


def facts_of(callback: Callback) -> list[Fact]:
    """The events of a request: one, or an array of them. Raises NotUnderstood."""
    return json_documents.callback_facts(callback, SHAPE, fact_of)


def list_facts(lines: Iterable[bytes], source: Source) -> Iterator[Fact | Refusal]:
    """The events of a file, one a line, in an array, or one after another."""
    return json_documents.list_facts(lines, source, SHAPE, fact_of)


def fact_of(event: Mapping[str, Any], source: Source) -> Fact:
    """One event; raises NotUnderstood that names the field and its value."""
    call_sid = values.needed(
        event, "call_id", value_parsers.sid, "the event does not say which call it is of"
    )
    values.needed(event, "event", value_parsers.word, "the body does not say what happened")
    said = _said(event, source)
    occurred_us = _instant(event, "ts", source.received_us) or said.get("ended_us") or source.received_us
    return Fact(
        # A SIP Call-ID is unique in the world (RFC 3261 section 8.1.1.4), so that it goes without the
        # account.
        call_sid=call_sid,
        door=source.door,
        provider=words.NAME,
        account=source.account,
        event_id="",  # Kamailio gives none: what it posts again is the same to the byte.
        sequence=words.ORDER[event["event"]],
        occurred_us=occurred_us,
        received_us=source.received_us,
        digest=content_digest(event),
        said=said,
        raw=json_documents.encode(event),
        is_carrier=True,
    )


def _said(event: Mapping[str, Any], source: Source) -> Said:
    said = values.said_of(event, _FIELDS)
    said["provider"] = words.NAME
    if source.account:
        said["provider_account"] = source.account
    for theirs, ours in _TIMES.items():
        if (instant_us := _instant(event, theirs, source.received_us)) is not None:
            said[ours] = instant_us  # type: ignore[literal-required]  # the names are those of Said
    if said.get("status") == Status.FAILED:
        said["status"] = _unanswered(said)
    check_times(said)
    return said


def _unanswered(said: Said) -> Status:
    code = said.get("sip_code", 0)
    if code == words.TIMED_OUT and "ringing_us" in said:
        return Status.NO_ANSWER
    return words.UNANSWERED.get(code, Status.FAILED)


def _instant(event: Mapping[str, Any], name: str, received_us: int) -> int | None:
    return values.instant_of(event, name, timestamps.epoch_s, received_us)


def _is_event(value: Mapping[str, Any]) -> bool:
    return "event" in value


SHAPE: Final = json_documents.Shape("dialog event", ("events",), _is_event)
