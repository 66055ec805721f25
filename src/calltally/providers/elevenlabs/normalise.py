"""Facts from ElevenLabs' webhooks and the conversations of its API.

Sources: ElevenLabs, "Post-call webhooks"; its SDK's conversation models.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Channel, Fact, StatedFields
from calltally.calls.model import FINAL, UNANSWERED, Direction
from calltally.calls.times import SECOND_US
from calltally.providers import json_documents, platform_reports, timestamps, value_parsers, values
from calltally.providers.callback import Callback, RecordSource, UnreadableRecord
from calltally.providers.elevenlabs import words
from calltally.providers.elevenlabs.conversation import conversation_of
from calltally.providers.json_documents import RecordShape, encode
from calltally.providers.message_kinds import unread_kind_error
from calltally.providers.values import Content, FieldRule

_FIELDS: Final = (
    FieldRule("status", "status", value_parsers.one_of(words.STATUSES)),
    FieldRule("agent_id", "platform_agent", value_parsers.word),
    FieldRule("analysis.transcript_summary", "summary", platform_reports.summary),
    FieldRule("transcript_summary", "summary", platform_reports.summary),
)
_FAILED: Final = (FieldRule("metadata.body.SipResponseCode", "sip_code", value_parsers.sip_code),)
_NO_CALL_ID: Final = "the body names no conversation"
SHAPE: Final = RecordShape("conversation", ("conversations",), lambda nest: "conversation_id" in nest)


def facts_of(callback: Callback) -> list[Fact]:
    """Return the fact of an event; none for other kinds of events. Raise NotUnderstood."""
    body = json_documents.parse_object(callback.body)
    kind = values.required_value(body, "type", value_parsers.word, "the body is not an ElevenLabs event")
    if kind in words.IGNORED_EVENTS:
        return []
    source, data = RecordSource(Channel.CALLBACK, callback.received_us), values.object_at(body, "data")
    sent_us = values.instant_of(body, "event_timestamp", timestamps.epoch_s, callback.received_us)
    if kind == "post_call_transcription":
        return [_fact(data, sent_us, source, callback.body)]
    if kind == "call_initiation_failure":
        return [_failure_fact(data, sent_us, source, callback.body)]
    names_state = "conversation_id" in data and bool({"status", "failure_reason"} & data.keys())
    raise unread_kind_error(kind, f"type {kind!r} is not a known ElevenLabs event", names_state=names_state)


def list_facts(lines: Iterable[bytes], source: RecordSource) -> Iterator[Fact | UnreadableRecord]:
    """Yield each conversation of an export or of list pages."""
    return json_documents.list_facts(lines, source, SHAPE, conversation_fact)


def conversation_fact(conversation: Mapping[str, Any], source: RecordSource) -> Fact:
    """Return one conversation of the API as a fact, whole or in the form of the list."""
    return _fact(conversation, None, source, encode(conversation))


def _failure_fact(data: Content, sent_us: int | None, source: RecordSource, raw: bytes) -> Fact:
    """Return the fact of a call that did not reach a conversation."""
    word = values.required_value(data, "failure_reason", value_parsers.word, "the failure has no reason")
    status = words.FAILURES.get(word)
    if status is None:
        raise NotUnderstood(f"failure_reason {word!r}: not one of {', '.join(words.FAILURES)}")
    statement = cast(
        "StatedFields",
        {
            **values.parsed_fields(data, _FAILED),
            **platform_reports.end_fields(word, words.END_REASON_PATTERNS),
        },
    )
    statement["status"] = status
    if (agent := values.value_of(data, "agent_id", value_parsers.word)) is not None:
        statement["platform_agent"] = agent
    report = platform_reports.PlatformReport(
        call_sid=values.required_value(data, "conversation_id", value_parsers.sid, _NO_CALL_ID),
        occurred_us=source.received_us if sent_us is None else sent_us,
        statement=statement,
        links=_links(data),
    )
    return platform_reports.report_fact(words.NAME, report, source, raw)


def _fact(data: Content, sent_us: int | None, source: RecordSource, raw: bytes) -> Fact:
    call_sid = values.required_value(data, "conversation_id", value_parsers.sid, _NO_CALL_ID)
    word = _first(data, ("metadata.termination_reason", "termination_reason"), value_parsers.word)
    statement = cast(
        "StatedFields",
        {
            **values.parsed_fields(data, _FIELDS),
            **platform_reports.end_fields(word, words.END_REASON_PATTERNS),
        },
    )
    occurred_us = _add_times(statement, data, source.received_us)
    _add_parties(statement, data)
    report = platform_reports.PlatformReport(
        call_sid=call_sid,
        occurred_us=next((each for each in (sent_us, occurred_us) if each is not None), source.received_us),
        statement=statement,
        conversation=conversation_of(data),
        session={
            "evaluation": _evaluation(data),
            "stream_id": values.value_of(data, "metadata.phone_call.stream_sid", value_parsers.sid),
        },
        links=_links(data),
    )
    return platform_reports.report_fact(words.NAME, report, source, raw)


def _first(content: Content, names: Iterable[str], parse: value_parsers.Parse[Any]) -> Any:  # noqa: ANN401 (as parsed)
    found = (values.value_of(content, name, parse) for name in names)
    return next((value for value in found if value is not None), None)


def _add_times(statement: StatedFields, data: Content, received_us: int) -> int | None:
    """Add the times; the talk starts when the call is accepted. Return the time of the fact."""
    started_us, accepted_us = (
        _instant(data, name, received_us) for name in ("start_time_unix_secs", "accepted_time_unix_secs")
    )
    talk_started_us = started_us if accepted_us is None else accepted_us
    if (
        statement.get("status") not in FINAL
        or statement.get("status") in UNANSWERED
        or talk_started_us is None
    ):
        return talk_started_us
    statement["answered_us"] = talk_started_us
    seconds = _first(data, ("metadata.call_duration_secs", "call_duration_secs"), value_parsers.seconds)
    if seconds is None:
        return talk_started_us
    statement["talk_seconds"] = seconds
    statement["ended_us"] = talk_started_us + int(seconds * SECOND_US)
    return statement["ended_us"]


def _instant(data: Content, name: str, received_us: int) -> int | None:
    found = (
        values.instant_of(data, each, timestamps.epoch_s, received_us) for each in (f"metadata.{name}", name)
    )
    return next((instant for instant in found if instant is not None), None)


def _add_parties(statement: StatedFields, data: Content) -> None:
    call = values.object_at(data, "metadata.phone_call")
    direction = _first(
        data, ("metadata.phone_call.direction", "direction"), value_parsers.one_of(words.DIRECTIONS)
    )
    if direction is None:
        return
    statement["direction"] = direction
    own = values.value_of(call, "agent_number", value_parsers.number)
    other = values.value_of(call, "external_number", value_parsers.number)
    caller, called = (other, own) if direction == Direction.INBOUND else (own, other)
    if caller is not None:
        statement["from_number"] = caller
    if called is not None:
        statement["to_number"] = called


def _links(data: Content) -> tuple[Any, ...]:
    names = ("metadata.phone_call.call_sid", "metadata.body.CallSid", "metadata.body.call_sid")
    return platform_reports.carrier_link(_first(data, names, value_parsers.sid))


def _evaluation(data: Content) -> dict[str, Any] | None:
    verdict = _first(data, ("analysis.call_successful", "call_successful"), value_parsers.word)
    detail = platform_reports.evaluation_details(
        criteria=values.value_at(data, "analysis.evaluation_criteria_results"),
        data=values.value_at(data, "analysis.data_collection_results"),
    )
    return platform_reports.evaluation(words.SUCCESS.get(verdict or ""), detail)
