"""Facts from Bland's post-call webhook and the calls of its API, which have the same fields.

Source: Bland, "Call details" and "Post call webhooks".
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from calltally.calls.conversation import Conversation, Turn
from calltally.calls.events import Channel, Fact, StatedFields
from calltally.calls.model import FINAL, UNANSWERED, Direction, Status
from calltally.providers import json_documents, platform_reports, timestamps, value_parsers, values
from calltally.providers.bland import words
from calltally.providers.callback import Callback, RecordSource, UnreadableRecord
from calltally.providers.json_documents import RecordShape, encode
from calltally.providers.message_kinds import unread_kind_error
from calltally.providers.values import Content, FieldRule

_FIELDS: Final = (
    FieldRule("status", "status", value_parsers.one_of(words.STATUSES)),
    FieldRule("from", "from_number", value_parsers.number),
    FieldRule("to", "to_number", value_parsers.number),
    FieldRule("pathway_id", "platform_agent", value_parsers.word),
    FieldRule("summary", "summary", platform_reports.summary),
    FieldRule("recording_url", "recording_url", value_parsers.link),
    FieldRule("answered_by", "answered_by", value_parsers.word),
    FieldRule("price", "cost", value_parsers.cost_in("USD")),
)
SHAPE: Final = RecordShape("call", ("calls",), lambda nest: bool({"call_id", "c_id"} & nest.keys()))


def facts_of(callback: Callback) -> list[Fact]:
    """Return the fact of a webhook; raise NotUnderstood."""
    content = json_documents.parse_object(callback.body)
    return [_fact(content, RecordSource(Channel.CALLBACK, callback.received_us), callback.body)]


def list_facts(lines: Iterable[bytes], source: RecordSource) -> Iterator[Fact | UnreadableRecord]:
    """Yield each call of an export or of list pages."""
    return json_documents.list_facts(lines, source, SHAPE, call_fact)


def call_fact(call: Mapping[str, Any], source: RecordSource) -> Fact:
    """Return one call of the API as a fact."""
    return _fact(call, source, encode(call))


def _fact(call: Content, source: RecordSource, raw: bytes) -> Fact:
    call_sid = _call_sid(call)
    statement = values.parsed_fields(call, _FIELDS)
    word = _end_word(call, statement)
    statement = values.merged(statement, platform_reports.end_fields(word, words.END_REASON_PATTERNS))
    if (is_inbound := values.flag_at(call, "inbound")) is not None:
        statement["direction"] = Direction.INBOUND if is_inbound else Direction.OUTBOUND
    _add_final(statement, call)
    occurred_us = _add_times(statement, call, source.received_us)
    target = values.optional_value(call, "transferred_to", value_parsers.number, statement)
    if target is not None:
        statement["transfer"] = {"target": target, "outcome": "bridged"}
        statement["end_reason"] = "transferred"
    metadata = platform_reports.metadata_of(call.get("metadata"), variables=call.get("variables"))
    if metadata is not None:
        statement["metadata"] = metadata
    report = platform_reports.PlatformReport(
        call_sid=call_sid,
        occurred_us=occurred_us,
        statement=statement,
        conversation=_conversation(call),
        session={"evaluation": _evaluation(call)},
    )
    return platform_reports.report_fact(words.NAME, report, source, raw)


def _add_final(statement: StatedFields, call: Content) -> None:
    """Add the final state of a call that only its flag describes, or that nobody answered."""
    if "status" not in statement and values.flag_at(call, "completed") is True:
        has_failed = bool(call.get("error_message")) and not call.get("started_at")
        statement["status"] = Status.FAILED if has_failed else Status.COMPLETED
    is_unanswered = statement.get("answered_by") == words.UNANSWERED
    if is_unanswered and statement.get("status") == Status.COMPLETED:
        statement["status"] = Status.NO_ANSWER


def _call_sid(call: Content) -> str:
    name = "call_id" if values.value_at(call, "call_id") not in (None, "") else "c_id"
    call_sid = values.value_of(call, name, value_parsers.sid)
    if call_sid is None:
        kind = values.value_of(call, "category", value_parsers.word) or ""
        detail = "call_id is missing: the body names no call"
        raise unread_kind_error(kind, detail, names_state="status" in call)
    return call_sid


def _end_word(call: Content, statement: StatedFields) -> str | None:
    """Return the end word: a mailbox that answered is more specific than the side that hung up."""
    if (answered_by := statement.get("answered_by")) == words.VOICEMAIL:
        return answered_by
    return values.optional_value(call, "call_ended_by", value_parsers.word, statement)


def _add_times(statement: StatedFields, call: Content, received_us: int) -> int:
    created_us, started_us, ended_us = (
        values.instant_of(call, name, timestamps.stamp, received_us)
        for name in ("created_at", "started_at", "end_at")
    )
    if created_us is not None:
        statement["started_us"] = created_us
    if statement.get("status") in FINAL:
        if ended_us is not None:
            statement["ended_us"] = ended_us
        _add_talk(statement, call, started_us)
    found = (ended_us, started_us, created_us)
    return next((instant for instant in found if instant is not None), received_us)


def _add_talk(statement: StatedFields, call: Content, started_us: int | None) -> None:
    """Add the talk time: `call_length` is in minutes, `corrected_duration` is text in seconds."""
    if statement.get("status") in UNANSWERED:
        return
    seconds, minutes = (
        values.optional_value(call, name, value_parsers.seconds, statement)
        for name in ("corrected_duration", "call_length")
    )
    if seconds is None and minutes is not None:
        seconds = minutes * 60
    if seconds:
        statement["talk_seconds"] = seconds
        if started_us is not None:
            statement["answered_us"] = started_us


def _evaluation(call: Content) -> dict[str, Any] | None:
    detail = platform_reports.evaluation_details(
        disposition=values.value_at(call, "disposition_tag"),
        analysis=values.value_at(call, "analysis"),
        pathway_tags=values.value_at(call, "pathway_tags"),
    )
    return platform_reports.evaluation(None, detail)


def _conversation(call: Content) -> Conversation:
    transcripts = call.get("transcripts")
    if not isinstance(transcripts, list):
        return Conversation()
    return Conversation(
        [each for each in map(_turn, platform_reports.objects_in(transcripts)) if each is not None]
    )


def _turn(item: Mapping[str, Any]) -> Turn | None:
    return platform_reports.turn(words.ROLES.get(str(item.get("user"))), item.get("text"))
