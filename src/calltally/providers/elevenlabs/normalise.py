"""Facts from ElevenLabs' webhooks and the conversations of its API.

Sources: ElevenLabs, "Post-call webhooks"; its SDK's conversation models.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from calltally.calls.end_reasons import EndReason
from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Channel, Fact, StatedFields
from calltally.calls.model import FINAL, UNANSWERED, Direction, Status
from calltally.calls.times import SECOND_US
from calltally.providers import json_documents, platform_reports, timestamps, value_parsers, values
from calltally.providers.callback import Callback, RecordSource, UnreadableRecord
from calltally.providers.elevenlabs import words
from calltally.providers.elevenlabs.conversation import conversation_of
from calltally.providers.json_documents import RecordShape, encode
from calltally.providers.message_kinds import unread_kind_error
from calltally.providers.platform_reports import first_value
from calltally.providers.values import Content, FieldRule

_FIELDS: Final = (
    FieldRule("status", "status", value_parsers.one_of(words.STATUSES)),
    FieldRule("agent_id", "platform_agent", value_parsers.word),
    FieldRule("analysis.transcript_summary", "summary", platform_reports.summary),
    FieldRule("transcript_summary", "summary", platform_reports.summary),
    FieldRule("metadata.error.code", "error_code", value_parsers.word),
    FieldRule("metadata.cost_fiat", "cost", value_parsers.cost_in("USD")),
)
# Twilio's parameters, or those of a SIP trunk.
_FAILURE_FIELDS: Final = (
    FieldRule("agent_id", "platform_agent", value_parsers.word),
    FieldRule("metadata.body.SipResponseCode", "sip_code", value_parsers.sip_code),
    FieldRule("metadata.body.sip_status_code", "sip_code", value_parsers.sip_code),
    FieldRule("metadata.body.twirp_code", "error_code", value_parsers.word),
    FieldRule("metadata.body.from_number", "from_number", value_parsers.number),
    FieldRule("metadata.body.to_number", "to_number", value_parsers.number),
    FieldRule("metadata.body.From", "from_number", value_parsers.number),
    FieldRule("metadata.body.To", "to_number", value_parsers.number),
    FieldRule("metadata.body.Direction", "direction", value_parsers.one_of(words.CARRIER_DIRECTIONS)),
)
_NO_CALL_ID: Final = "the body names no conversation"


class _Times(NamedTuple):
    """Start of a conversation, its acceptance, and its length in seconds; None where it states none."""

    started_us: int | None
    accepted_us: int | None
    seconds: float | None


def is_text_chat(data: Content) -> bool:
    """Return whether a conversation was written: a chat or messages, and no call.

    The media of the person's turns decide, where a transcript names them: WhatsApp and the widget carry calls
    and chats. Else `text_only`, `sms` or the source decides.
    """
    is_telephone = bool(values.object_at(data, "metadata.phone_call"))
    if is_telephone or any(values.value_at(data, name) for name in words.RESULT_NAMES):
        return False
    if media := _media_of_person(data):
        return media.isdisjoint(words.SPOKEN_MEDIA)
    if values.flag_at(data, "metadata.text_only") is True or values.object_at(data, "metadata.sms"):
        return True
    names = (f"{prefix}conversation_initiation_source" for prefix in ("metadata.", ""))
    return any(values.value_at(data, name) in words.TEXT_SOURCES for name in names)


def _media_of_person(data: Content) -> set[object]:
    """Return the media of the person's turns; empty unless the transcript names them."""
    transcript = data.get("transcript")
    turns = platform_reports.objects_in(transcript) if isinstance(transcript, list) else []
    media = {turn.get("source_medium") for turn in turns if turn.get("role") == platform_reports.USER}
    return media - {None, ""}


SHAPE: Final = RecordShape(
    "conversation", ("conversations",), lambda nest: "conversation_id" in nest, is_text_chat
)


def facts_of(callback: Callback) -> list[Fact]:
    """Return the fact of an event; none for other kinds of events and for texts. Raise NotUnderstood."""
    body = json_documents.parse_object(callback.body)
    kind = values.required_value(body, "type", value_parsers.word, "the body is not an ElevenLabs event")
    if kind in words.IGNORED_EVENTS:
        return []
    source, data = RecordSource(Channel.CALLBACK, callback.received_us), values.object_at(body, "data")
    sent_us = values.instant_of(body, "event_timestamp", timestamps.epoch_s, callback.received_us)
    if kind == "post_call_transcription":
        return [] if is_text_chat(data) else [_fact(data, sent_us, source, callback.body)]
    if kind == "call_initiation_failure":
        return [_failure_fact(data, sent_us, source, callback.body)]
    names_state = "conversation_id" in data and bool({"status", "failure_reason"} & data.keys())
    raise unread_kind_error(kind, f"type {kind!r} is not a known ElevenLabs event", names_state=names_state)


def list_facts(lines: Iterable[bytes], source: RecordSource) -> Iterator[Fact | UnreadableRecord]:
    """Yield each call of an export or of list pages; written conversations are left out."""
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
    statement = values.merged(
        values.parsed_fields(data, _FAILURE_FIELDS),
        platform_reports.end_fields(word, words.END_REASON_PATTERNS),
    )
    statement["status"] = status
    _add_parties(statement, data)
    if (started_us := _instant(data, "start_time_unix_secs", source.received_us)) is not None:
        statement["started_us"] = started_us
    report = platform_reports.PlatformReport(
        call_sid=values.required_value(data, "conversation_id", value_parsers.sid, _NO_CALL_ID),
        occurred_us=source.received_us if sent_us is None else sent_us,
        statement=statement,
        links=_links(data, statement),
    )
    return platform_reports.report_fact(words.NAME, report, source, raw)


def _fact(data: Content, sent_us: int | None, source: RecordSource, raw: bytes) -> Fact:
    call_sid = values.required_value(data, "conversation_id", value_parsers.sid, _NO_CALL_ID)
    statement = values.parsed_fields(data, _FIELDS)
    names = ("metadata.termination_reason", "termination_reason", "metadata.error.reason")
    word = first_value(data, names, value_parsers.word, statement)
    statement = values.merged(statement, platform_reports.end_fields(word, words.END_REASON_PATTERNS))
    occurred_us = _add_state(statement, data, source.received_us)
    _add_parties(statement, data)
    _add_metadata(statement, data)
    stream_id = values.optional_value(data, "metadata.phone_call.stream_sid", value_parsers.sid, statement)
    report = platform_reports.PlatformReport(
        call_sid=call_sid,
        occurred_us=next((each for each in (sent_us, occurred_us) if each is not None), source.received_us),
        statement=statement,
        conversation=conversation_of(data),
        session={"evaluation": _evaluation(data), "stream_id": stream_id},
        links=_links(data, statement),
    )
    return platform_reports.report_fact(words.NAME, report, source, raw)


def _add_state(statement: StatedFields, data: Content, received_us: int) -> int | None:
    """Add the final state and the times. Return the time of the fact."""
    seconds = first_value(
        data, ("metadata.call_duration_secs", "call_duration_secs"), value_parsers.seconds, statement
    )
    times = _Times(
        _instant(data, "start_time_unix_secs", received_us),
        _instant(data, "accepted_time_unix_secs", received_us),
        seconds,
    )
    if times.started_us is not None:
        statement["started_us"] = times.started_us
    if statement.get("status") not in FINAL:
        return times.accepted_us or times.started_us
    statement["status"] = _final(statement, data, times)
    return _add_end(statement, times)


def _final(statement: StatedFields, data: Content, times: _Times) -> str:
    """Return the final state: the carrier's result counts first, then a talk before a failure."""
    result = first_value(data, words.RESULT_NAMES, value_parsers.word, statement)
    if result in words.MACHINE_RESULTS or statement.get("end_reason") == EndReason.VOICEMAIL:
        statement["answered_by"] = platform_reports.MACHINE
    if result in words.UNANSWERED_RESULTS and times.accepted_us is None:
        return words.UNANSWERED_RESULTS[str(result)]
    if statement["status"] != Status.FAILED:
        return statement["status"]
    has_talk = times.accepted_us is not None or result in words.ANSWERED_RESULTS
    turns = () if has_talk else conversation_of(data).transcript or ()
    return (
        Status.COMPLETED
        if has_talk or any(turn.role == platform_reports.USER for turn in turns)
        else Status.FAILED
    )


def _add_end(statement: StatedFields, times: _Times) -> int | None:
    """Add the end, and the talk of an answered call. It starts when the call is accepted."""
    talk_start_us = times.started_us if times.accepted_us is None else times.accepted_us
    if talk_start_us is None:
        return None
    is_answered = statement["status"] not in UNANSWERED
    if is_answered:
        statement["answered_us"] = talk_start_us
    if times.seconds is None:
        return talk_start_us
    if is_answered:
        statement["talk_seconds"] = times.seconds
    statement["ended_us"] = talk_start_us + int(times.seconds * SECOND_US)
    return statement["ended_us"]


def _instant(data: Content, name: str, received_us: int) -> int | None:
    found = (
        values.instant_of(data, each, timestamps.epoch_s, received_us) for each in (f"metadata.{name}", name)
    )
    return next((instant for instant in found if instant is not None), None)


def _add_parties(statement: StatedFields, data: Content) -> None:
    names = ("metadata.phone_call.direction", "direction")
    direction = first_value(data, names, value_parsers.one_of(words.DIRECTIONS), statement)
    if direction is None:
        return
    statement["direction"] = direction
    own, other = (
        values.optional_value(data, f"metadata.phone_call.{name}", value_parsers.number, statement)
        for name in ("agent_number", "external_number")
    )
    caller, called = (other, own) if direction == Direction.INBOUND else (own, other)
    if caller is not None:
        statement["from_number"] = caller
    if called is not None:
        statement["to_number"] = called


def _add_metadata(statement: StatedFields, data: Content) -> None:
    """Add the dynamic variables, and the tenant's own id of the person."""
    given = values.object_at(data, "conversation_initiation_client_data")
    user_id = data.get("user_id") or given.get("user_id")
    metadata = platform_reports.metadata_of(
        {"user_id": user_id} if isinstance(user_id, str) and user_id else None,
        dynamic_variables=given.get("dynamic_variables"),
    )
    if metadata is not None:
        statement["metadata"] = metadata


def _links(data: Content, statement: StatedFields) -> tuple[Any, ...]:
    names = ("metadata.phone_call.call_sid", "metadata.body.CallSid", "metadata.body.call_sid")
    return platform_reports.carrier_link(first_value(data, names, value_parsers.sid, statement))


def _evaluation(data: Content) -> dict[str, Any] | None:
    names = ("analysis.call_successful", "call_successful")
    verdict = next((each for each in (values.value_at(data, name) for name in names) if each), None)
    detail = platform_reports.evaluation_details(
        criteria=values.value_at(data, "analysis.evaluation_criteria_results"),
        data=values.value_at(data, "analysis.data_collection_results"),
    )
    return platform_reports.evaluation(words.SUCCESS.get(str(verdict)), detail)
