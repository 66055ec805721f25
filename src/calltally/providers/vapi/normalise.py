"""Facts from Vapi's server messages and the Call objects of its API.

Source: Vapi, "Server events" and the Call object of its API reference.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from calltally.calls.end_reasons import EndReason
from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Channel, Fact, StatedFields
from calltally.calls.failure_causes import FaultSide
from calltally.calls.model import FINAL, UNANSWERED, Direction, Status
from calltally.providers import json_documents, platform_reports, timestamps, value_parsers, values
from calltally.providers.callback import Callback, RecordSource, UnreadableRecord
from calltally.providers.json_documents import RecordShape, encode
from calltally.providers.message_kinds import unread_kind_error
from calltally.providers.platform_reports import first_value
from calltally.providers.values import Content, FieldRule
from calltally.providers.vapi import words
from calltally.providers.vapi.conversation import conversation_of

REPORT: Final = "end-of-call-report"
UPDATE: Final = "status-update"
_CURRENCY: Final = "USD"

_FIELDS: Final = (
    FieldRule("call.type", "direction", value_parsers.one_of(words.DIRECTIONS)),
    FieldRule("call.orgId", "provider_account", value_parsers.sid),
    # The last one that is present counts.
    FieldRule("call.workflowId", "platform_agent", value_parsers.word),
    FieldRule("call.squadId", "platform_agent", value_parsers.word),
    FieldRule("call.assistantId", "platform_agent", value_parsers.word),
    FieldRule("analysis.summary", "summary", platform_reports.summary),
    FieldRule("artifact.recordingUrl", "recording_url", value_parsers.link),
    FieldRule("artifact.recording.stereoUrl", "recording_url", value_parsers.link),
    FieldRule("artifact.recording.mono.combinedUrl", "recording_url", value_parsers.link),
)
SHAPE: Final = RecordShape(
    "call", ("results", "calls"), lambda nest: "id" in nest and bool({"assistantId", "orgId"} & nest.keys())
)


def facts_of(callback: Callback) -> list[Fact]:
    """Return the fact of a message; none for other kinds of messages. Raise NotUnderstood."""
    message = values.object_at(json_documents.parse_object(callback.body), "message")
    kind = values.required_value(message, "type", value_parsers.word, "the body is not a Vapi message")
    if kind in words.IGNORED_EVENTS or kind.startswith("transcript"):
        return []
    if kind not in (REPORT, UPDATE):
        detail = f"type {kind!r} is not a known Vapi message"
        raise unread_kind_error(kind, detail, names_state=_names_state(message))
    source = RecordSource(Channel.CALLBACK, callback.received_us)
    return [_fact(message, source, callback.body)]


def _names_state(message: Content) -> bool:
    """Return whether the message itself has a state: the nested call repeats the state of others."""
    status_word = message.get("status")
    return "endedReason" in message or status_word == words.ENDED or status_word in words.OPEN_STATUSES


def list_facts(lines: Iterable[bytes], source: RecordSource) -> Iterator[Fact | UnreadableRecord]:
    """Yield each Call object of an export or of list pages."""
    return json_documents.list_facts(lines, source, SHAPE, call_fact)


def call_fact(call: Mapping[str, Any], source: RecordSource) -> Fact:
    """Return a Call object as a fact: its top level has the fields that a report has around the call."""
    return _fact({**call, "call": call}, source, encode(call))


def _fact(content: Content, source: RecordSource, raw: bytes) -> Fact:
    call_sid = values.required_value(content, "call.id", value_parsers.sid, "the message names no call")
    statement = values.parsed_fields(content, _FIELDS)
    word = first_value(content, ("endedReason", "call.endedReason"), value_parsers.word, statement)
    statement = values.merged(statement, platform_reports.end_fields(word, words.END_REASON_PATTERNS))
    _add_start(statement, content, source.received_us)
    _add_state(statement, content, word, source.received_us)
    _add_parties(statement, content)
    _add_transfer(statement, content, word)
    _add_cost(statement, content)
    _add_metadata(statement, content)
    report = platform_reports.PlatformReport(
        call_sid=call_sid,
        occurred_us=_occurred_us(content, statement, source.received_us),
        statement=statement,
        conversation=conversation_of(content),
        session={"evaluation": _evaluation(content)},
        account=statement.get("provider_account", ""),
        links=platform_reports.carrier_link(
            values.optional_value(content, "call.phoneCallProviderId", value_parsers.sid, statement)
        ),
    )
    return platform_reports.report_fact(words.NAME, report, source, raw)


def _add_state(statement: StatedFields, content: Content, word: str | None, received_us: int) -> None:
    """Add the state: an end is `completed`, unless its reason proves an unanswered call."""
    named = (values.value_of(content, name, value_parsers.word) for name in ("status", "call.status"))
    status_word = next((each for each in named if each is not None), None)
    has_ended = status_word == words.ENDED or content.get("type") == REPORT
    if not has_ended:
        if status_word is not None and status_word not in words.NO_STATES:
            statement["status"] = _open_status(status_word)
        return
    started_us, ended_us = (_instant(content, name, received_us) for name in ("startedAt", "endedAt"))
    status = _final(word, started_us)
    statement["status"] = status
    if ended_us is not None:
        statement["ended_us"] = ended_us
    if statement.get("end_reason") == EndReason.VOICEMAIL:
        statement["answered_by"] = platform_reports.MACHINE
    if status not in UNANSWERED and started_us is not None:
        statement["answered_us"] = started_us
        seconds = values.optional_value(content, "durationSeconds", value_parsers.seconds, statement)
        if seconds is not None:
            statement["talk_seconds"] = seconds


def _add_start(statement: StatedFields, content: Content, received_us: int) -> None:
    """Add the start: the creation, or the connection of a call that was scheduled for a later time."""
    names = ("startedAt",) if values.object_at(content, "call.schedulePlan") else ("createdAt", "startedAt")
    found = [_instant(content, name, received_us) for name in names]
    if stated := [instant for instant in found if instant is not None]:
        statement["started_us"] = min(stated)


def _instant(content: Content, name: str, received_us: int) -> int | None:
    """Return a time of the message, or of the call in it."""
    found = (
        values.instant_of(content, each, timestamps.rfc3339, received_us) for each in (name, f"call.{name}")
    )
    return next((instant for instant in found if instant is not None), None)


def _open_status(status_word: str) -> Status:
    if status_word not in words.OPEN_STATUSES:
        statuses = ", ".join((*words.OPEN_STATUSES, words.ENDED))
        raise NotUnderstood(f"status {status_word!r}: not one of {statuses}")
    return words.OPEN_STATUSES[status_word]


def _final(word: str | None, started_us: int | None) -> Status:
    never = (status for pattern, status in words.NEVER_CONNECTED if word and pattern.match(word))
    if (status := next(never, None)) is not None:
        return status
    why = platform_reports.match_end_reason(word, words.END_REASON_PATTERNS)
    was_talked = started_us is not None or _is_failed_transfer(word)
    if was_talked and (why is None or why.reason not in words.UNANSWERED):
        return Status.COMPLETED
    return Status.COMPLETED if why is None else words.FINAL_BY_REASON.get(why.reason, Status.FAILED)


def _add_parties(statement: StatedFields, content: Content) -> None:
    customer, own = (
        first_value(content, (name, f"call.{name}"), value_parsers.number, statement)
        for name in ("customer.number", "phoneNumber.number")
    )
    caller, called = (customer, own) if statement.get("direction") == Direction.INBOUND else (own, customer)
    if statement.get("direction") is None:
        return
    if caller is not None:
        statement["from_number"] = caller
    if called is not None:
        statement["to_number"] = called


def _add_transfer(statement: StatedFields, content: Content, word: str | None) -> None:
    """Add the outcome of a transfer to an ended call."""
    last: Content = next(
        reversed(platform_reports.objects_in(values.value_at(content, "artifact.transfers"))), {}
    )
    outcome = _transfer_outcome(statement, last, word)
    if outcome is None or statement.get("status") not in FINAL:
        return
    names = ("destination.number", "destination.sipUri")
    named = (first_value(each, names, value_parsers.number, statement) for each in (last, content))
    target = next((number for number in named if number is not None), None)
    statement["transfer"] = {"target": target, "outcome": outcome}
    if outcome == "failed" and statement.get("end_reason") == EndReason.TRANSFERRED:
        statement["end_reason"] = words.FAILED_TRANSFER_REASON.reason.value
        statement["end_side"] = FaultSide.TENANT.value


def _transfer_outcome(statement: StatedFields, last: Content, word: str | None) -> str | None:
    """Return the outcome by the end word, then by the last transfer: forwarding alone proves no answer."""
    if _is_failed_transfer(word):
        return "failed"
    forwarded = None
    if statement.get("end_reason") == EndReason.TRANSFERRED:
        # A call that is forwarded before it is answered proves only the request.
        forwarded = "requested" if statement.get("status") in UNANSWERED else "bridged"
    return words.TRANSFER_OUTCOMES.get(str(last.get("status")), forwarded)


def _is_failed_transfer(word: str | None) -> bool:
    return word is not None and words.FAILED_TRANSFER.match(word) is not None


def _add_cost(statement: StatedFields, content: Content) -> None:
    cost = first_value(content, ("cost", "call.cost"), value_parsers.cost_in(_CURRENCY), statement)
    if cost is not None:
        statement["cost"] = cost


def _add_metadata(statement: StatedFields, content: Content) -> None:
    """Add the metadata that the tenant gave to the call, and its variables, under `variables`."""
    metadata = platform_reports.metadata_of(
        values.value_at(content, "call.assistantOverrides.metadata"),
        variables=values.value_at(content, "artifact.variableValues")
        or values.value_at(content, "call.assistantOverrides.variableValues"),
    )
    if metadata is not None:
        statement["metadata"] = metadata


def _occurred_us(content: Content, statement: StatedFields, received_us: int) -> int:
    """Return the time of the message, or of the last change of a Call object."""
    for name, read in (("timestamp", timestamps.epoch_ms), ("updatedAt", timestamps.rfc3339)):
        instant_us = values.instant_of(content, name, read, received_us)
        if instant_us is not None:
            return instant_us
    return statement.get("ended_us", received_us)


def _evaluation(content: Content) -> dict[str, Any] | None:
    verdict = values.value_at(content, "analysis.successEvaluation")
    successful = words.SUCCESS.get(str(verdict).lower()) if isinstance(verdict, str | bool) else None
    detail = platform_reports.evaluation_details(
        success_evaluation=verdict if isinstance(verdict, str | int | float) else None,
        structured_data=values.value_at(content, "analysis.structuredData"),
    )
    return platform_reports.evaluation(successful, detail)
