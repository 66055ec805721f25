"""Facts from Retell's webhooks and the calls of its API.

Sources: Retell, "Webhook overview"; its SDK's PhoneCallResponse.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from calltally.calls.end_reasons import EndReason
from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Channel, Fact, StatedFields
from calltally.calls.model import UNANSWERED, Status
from calltally.providers import json_documents, platform_reports, timestamps, value_parsers, values
from calltally.providers.callback import Callback, RecordSource, UnreadableRecord
from calltally.providers.json_documents import RecordShape, encode
from calltally.providers.message_kinds import unread_kind_error
from calltally.providers.retell import words
from calltally.providers.retell.conversation import conversation_of
from calltally.providers.values import Content, FieldRule

_FIELDS: Final = (
    FieldRule("direction", "direction", value_parsers.one_of(words.DIRECTIONS)),
    FieldRule("from_number", "from_number", value_parsers.number),
    FieldRule("to_number", "to_number", value_parsers.number),
    FieldRule("agent_id", "platform_agent", value_parsers.word),
    FieldRule("call_analysis.call_summary", "summary", platform_reports.summary),
    # The last one that is present counts. Without personal data there is only the scrubbed recording.
    FieldRule("scrubbed_recording_url", "recording_url", value_parsers.link),
    FieldRule("recording_url", "recording_url", value_parsers.link),
)
_NO_CALL_ID: Final = "the body names no call"
SHAPE: Final = RecordShape(
    "call", ("items", "calls"), lambda nest: "call_id" in nest and "call_status" in nest
)


def facts_of(callback: Callback) -> list[Fact]:
    """Return the fact of an event; none for other kinds of events. Raise NotUnderstood."""
    body = json_documents.parse_object(callback.body)
    event = values.required_value(body, "event", value_parsers.word, "the body is not a Retell event")
    if event in words.IGNORED_EVENTS or event.startswith("chat_"):
        return []
    source, call = RecordSource(Channel.CALLBACK, callback.received_us), values.object_at(body, "call")
    if event in words.CALL_EVENTS:
        return [_fact(call, source, callback.body)]
    if event not in words.TRANSFER_OUTCOMES:
        # Most events contain the whole call, so an unknown event may bring a new state.
        names_state = values.value_at(call, "call_status") is not None
        raise unread_kind_error(
            event, f"event {event!r} is not a known Retell event", names_state=names_state
        )
    return [_transfer(body, words.TRANSFER_OUTCOMES[event], source, callback.body)]


def list_facts(lines: Iterable[bytes], source: RecordSource) -> Iterator[Fact | UnreadableRecord]:
    """Yield each call of an export or of list pages."""
    return json_documents.list_facts(lines, source, SHAPE, call_fact)


def call_fact(call: Mapping[str, Any], source: RecordSource) -> Fact:
    """Return one call of the API as a fact."""
    return _fact(call, source, encode(call))


def _transfer(body: Content, outcome: str, source: RecordSource, raw: bytes) -> Fact:
    call = values.object_at(body, "call")
    statement: StatedFields = {}
    target = values.optional_value(
        body, "transfer_destination.number", value_parsers.number, statement
    ) or values.optional_value(call, "transfer_destination", value_parsers.number, statement)
    statement["transfer"] = {"target": target, "outcome": outcome}
    report = platform_reports.PlatformReport(
        call_sid=values.required_value(call, "call_id", value_parsers.sid, _NO_CALL_ID),
        occurred_us=source.received_us,
        statement=statement,
        links=_links(call, statement),
    )
    return platform_reports.report_fact(words.NAME, report, source, raw)


def _fact(call: Content, source: RecordSource, raw: bytes) -> Fact:
    call_sid = values.required_value(call, "call_id", value_parsers.sid, _NO_CALL_ID)
    statement = values.parsed_fields(call, _FIELDS)
    reason = values.optional_value(call, "disconnection_reason", value_parsers.word, statement)
    statement = values.merged(statement, platform_reports.end_fields(reason, words.END_REASON_PATTERNS))
    occurred_us = _add_state(statement, call, reason, source.received_us)
    cents = values.optional_value(call, "call_cost.combined_cost", value_parsers.amount, statement)
    if cents is not None:
        statement["cost"] = {"amount": f"{Decimal(cents) / 100:f}", "currency": "USD"}
    _add_transfer(statement, call, reason)
    _add_metadata(statement, call)
    report = platform_reports.PlatformReport(
        call_sid=call_sid,
        occurred_us=occurred_us,
        statement=statement,
        conversation=conversation_of(call),
        session={"evaluation": _evaluation(call)},
        links=_links(call, statement),
    )
    return platform_reports.report_fact(words.NAME, report, source, raw)


def _add_state(statement: StatedFields, call: Content, reason: str | None, received_us: int) -> int:
    """Add the state and its times. Return the time of the fact."""
    status_word = values.required_value(call, "call_status", value_parsers.word, "the call has no status")
    started_us, ended_us = (
        values.instant_of(call, name, timestamps.epoch_ms, received_us)
        for name in ("start_timestamp", "end_timestamp")
    )
    if started_us is not None:
        statement["started_us"] = started_us
    if status_word in words.OPEN_STATUSES:
        statement["status"] = words.OPEN_STATUSES[status_word]
        return started_us or received_us
    if status_word not in words.ENDED:
        statuses = ", ".join((*words.OPEN_STATUSES, *sorted(words.ENDED)))
        raise NotUnderstood(f"call_status {status_word!r}: not one of {statuses}")
    statement["status"] = status = _final(status_word, reason, started_us)
    if ended_us is not None:
        statement["ended_us"] = ended_us
    if status in UNANSWERED:
        return ended_us or started_us or received_us
    if reason == words.VOICEMAIL or values.flag_at(call, "call_analysis.in_voicemail"):
        statement["answered_by"] = platform_reports.MACHINE
    if started_us is not None:
        statement["answered_us"] = started_us
        seconds = values.optional_value(call, "duration_ms", value_parsers.milliseconds, statement)
        if seconds is not None:
            statement["talk_seconds"] = seconds
    return ended_us or started_us or received_us


def _final(status_word: str, reason: str | None, started_us: int | None) -> Status:
    if reason in words.UNANSWERED:
        return words.UNANSWERED[str(reason)]
    is_connected = status_word == words.CONNECTED or (
        status_word != words.NOT_CONNECTED and started_us is not None
    )
    return Status.COMPLETED if is_connected else Status.FAILED


def _add_transfer(statement: StatedFields, call: Content, reason: str | None) -> None:
    """Add the outcome of a transfer that ended the call."""
    is_failed = reason == words.CANCELED_TRANSFER
    if not is_failed and statement.get("end_reason") != EndReason.TRANSFERRED:
        return
    target = values.optional_value(call, "transfer_destination", value_parsers.number, statement)
    statement["transfer"] = {"target": target, "outcome": "failed" if is_failed else "bridged"}


def _add_metadata(statement: StatedFields, call: Content) -> None:
    """Add the metadata of the call, and under `dynamic_variables` those given and collected."""
    given, collected = (
        values.object_at(call, name)
        for name in ("retell_llm_dynamic_variables", "collected_dynamic_variables")
    )
    metadata = platform_reports.metadata_of(call.get("metadata"), dynamic_variables={**given, **collected})
    if metadata is not None:
        statement["metadata"] = metadata


def _links(call: Content, statement: StatedFields) -> tuple[Any, ...]:
    """Return links to the carrier: Twilio's SID, or the SIP headers of another trunk."""
    carrier = platform_reports.carrier_link(
        values.optional_value(call, "telephony_identifier.twilio_call_sid", value_parsers.sid, statement)
    )
    return tuple(
        dict.fromkeys((*carrier, *platform_reports.carrier_links_in_headers(call.get("custom_sip_headers"))))
    )


def _evaluation(call: Content) -> dict[str, Any] | None:
    detail = platform_reports.evaluation_details(
        user_sentiment=values.value_at(call, "call_analysis.user_sentiment"),
        in_voicemail=values.value_at(call, "call_analysis.in_voicemail"),
        custom=values.value_at(call, "call_analysis.custom_analysis_data"),
    )
    return platform_reports.evaluation(values.flag_at(call, "call_analysis.call_successful"), detail)
