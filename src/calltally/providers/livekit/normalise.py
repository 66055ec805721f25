"""Facts from LiveKit's webhooks: a SIP participant of a room is a call, the room is its session.

Sources: LiveKit, "Webhooks" and "SIP participant" (its attributes).
"""

from typing import Final

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Channel, Fact, StatedFields
from calltally.calls.identity import Node
from calltally.calls.model import Direction, Status
from calltally.providers import json_documents, platform_reports, timestamps, value_parsers, values
from calltally.providers.callback import Callback, RecordSource
from calltally.providers.carrier_facts import sip_call_link
from calltally.providers.livekit import words
from calltally.providers.message_kinds import unread_kind_error
from calltally.providers.values import Content

_MAX_REASON_CHARS: Final = 200


def facts_of(callback: Callback) -> list[Fact]:
    """Return the fact of an event; none for participants without SIP. Raise NotUnderstood."""
    body = json_documents.parse_object(callback.body)
    event = values.required_value(body, "event", value_parsers.word, "the body is not a LiveKit event")
    if event in words.IGNORED_EVENTS:
        return []
    participant = values.object_at(body, "participant")
    if event not in words.JOIN_EVENTS | words.LEAVE_EVENTS:
        names_state = "sip.callStatus" in values.object_at(participant, "attributes")
        raise unread_kind_error(
            event, f"event {event!r} is not a known LiveKit event", names_state=names_state
        )
    if _enum_value(participant.get("kind")) not in words.SIP_KINDS:
        return []
    return [_fact(event, body, participant, callback)]


def _fact(event: str, body: Content, participant: Content, callback: Callback) -> Fact:
    source = RecordSource(Channel.CALLBACK, callback.received_us)
    attributes = values.object_at(participant, "attributes")
    missing = "the participant names no call"
    call_sid = values.required_value(attributes, "sip.callID", value_parsers.sid, missing)
    statement = _state(event, attributes, participant)
    _add_start(statement, participant, callback.received_us)
    _add_parties(statement, attributes)
    _add_session(statement, body, participant)
    occurred_us = values.instant_of(body, "createdAt", timestamps.epoch_s, callback.received_us)
    report = platform_reports.PlatformReport(
        call_sid=call_sid,
        occurred_us=callback.received_us if occurred_us is None else occurred_us,
        statement=statement,
        event_id=values.optional_value(body, "id", value_parsers.sid, statement) or "",
        links=_links(attributes, call_sid, statement),
    )
    return platform_reports.report_fact(words.NAME, report, source, callback.body)


def _state(event: str, attributes: Content, participant: Content) -> StatedFields:
    state = values.value_of(attributes, "sip.callStatus", value_parsers.word)
    if event in words.JOIN_EVENTS:
        return {} if state is None else {"status": _open_status(state)}
    unread: StatedFields = {}
    reason = _reason(participant, unread)
    statement = values.merged(unread, platform_reports.end_fields(reason, words.END_REASON_PATTERNS))
    statement["status"] = _final(state, reason)
    return statement


def _open_status(state: str) -> Status:
    if state not in words.CALL_STATUSES:
        raise NotUnderstood(f"sip.callStatus {state!r}: not one of {', '.join(words.CALL_STATUSES)}")
    return words.CALL_STATUSES[state]


def _final(state: str | None, reason: str | None) -> Status:
    """Return the final state: a call is completed only if it was active.

    An earlier message of an active call makes any final state `completed`.
    """
    was_active = state in words.ACTIVE_STATES or (state, reason) == words.ENDED_BY_PARTICIPANT
    if reason in words.FINAL_STATUSES:
        return words.FINAL_STATUSES[str(reason)]
    return Status.COMPLETED if was_active else words.NEVER_ACTIVE.get(reason or "", Status.FAILED)


def _add_start(statement: StatedFields, participant: Content, received_us: int) -> None:
    """Add the start: the time at which the participant joined the room."""
    names = (("joinedAtMs", timestamps.epoch_ms), ("joinedAt", timestamps.epoch_s))
    found = (values.instant_of(participant, name, read, received_us) for name, read in names)
    joined_us = next((instant for instant in found if instant is not None), None)
    if joined_us is not None:
        statement["started_us"] = joined_us


def _add_session(statement: StatedFields, body: Content, participant: Content) -> None:
    """Add the room as the session, and the participant's metadata if they are a JSON object."""
    room = values.optional_value(body, "room.sid", value_parsers.sid, statement)
    if room is not None:
        statement["session_id"] = room
    metadata = platform_reports.metadata_of(platform_reports.json_or_text(participant.get("metadata")))
    if metadata is not None:
        statement["metadata"] = metadata


def _reason(participant: Content, statement: StatedFields) -> str | None:
    value = _enum_value(participant.get("disconnectReason"))
    if isinstance(value, int):
        return (
            words.DISCONNECT_REASONS[value]
            if 0 <= value < len(words.DISCONNECT_REASONS)
            else str(value)[:_MAX_REASON_CHARS]
        )
    return values.optional_value(participant, "disconnectReason", value_parsers.word, statement)


def _enum_value(value: object) -> str | int | None:
    return value if isinstance(value, str | int) and not isinstance(value, bool) else None


def _add_parties(statement: StatedFields, attributes: Content) -> None:
    """Add the direction and the parties: only a call that a dispatch rule accepts is inbound."""
    other, own = (
        values.optional_value(attributes, name, value_parsers.number, statement)
        for name in ("sip.phoneNumber", "sip.trunkPhoneNumber")
    )
    is_inbound = values.value_at(attributes, "sip.ruleID") not in (None, "")
    statement["direction"] = Direction.INBOUND if is_inbound else Direction.OUTBOUND
    caller, called = (other, own) if is_inbound else (own, other)
    if caller is not None:
        statement["from_number"] = caller
    if called is not None:
        statement["to_number"] = called


def _links(attributes: Content, call_sid: str, statement: StatedFields) -> tuple[Node, ...]:
    """Return links to Twilio's SID for a Twilio trunk, and to the SIP Call-ID for a switch."""
    twilio_sid = values.optional_value(attributes, "sip.twilio.callSid", value_parsers.sid, statement)
    call_id = sip_call_link(attributes, "sip.callIDFull", call_sid, statement)
    return (*platform_reports.carrier_link(twilio_sid), *call_id)
