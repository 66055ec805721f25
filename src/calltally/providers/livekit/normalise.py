"""Facts from LiveKit's webhooks: a SIP participant of a room is a call, the room is its session.

Sources: LiveKit, "Webhooks" and "SIP participant" (its attributes).
"""

from typing import Any, Final, cast

from calltally.calls.events import Channel, Fact, StatedFields
from calltally.calls.identity import Node
from calltally.calls.model import Direction, Status
from calltally.providers import json_documents, platform_reports, timestamps, value_parsers, values
from calltally.providers.callback import Callback, RecordSource
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
    room = values.value_of(body, "room.sid", value_parsers.sid)
    statement = cast("StatedFields", {**_state(event, attributes, participant), **_parties(attributes)})
    if room is not None:
        statement["session_id"] = room
    occurred_us = values.instant_of(body, "createdAt", timestamps.epoch_s, callback.received_us)
    report = platform_reports.PlatformReport(
        call_sid=call_sid,
        occurred_us=callback.received_us if occurred_us is None else occurred_us,
        statement=statement,
        event_id=values.value_of(body, "id", value_parsers.sid) or "",
        links=_links(attributes, call_sid),
    )
    return platform_reports.report_fact(words.NAME, report, source, callback.body)


def _state(event: str, attributes: Content, participant: Content) -> StatedFields:
    if event in words.JOIN_EVENTS:
        value = values.value_of(attributes, "sip.callStatus", value_parsers.one_of(words.CALL_STATUSES))
        return {} if value is None else {"status": value}
    reason = _reason(participant)
    statement: StatedFields = platform_reports.end_fields(reason, words.END_REASON_PATTERNS)
    statement["status"] = words.FINAL_STATUSES.get(reason or "", Status.COMPLETED)
    return statement


def _reason(participant: Content) -> str | None:
    value = _enum_value(participant.get("disconnectReason"))
    if isinstance(value, int):
        return (
            words.DISCONNECT_REASONS[value]
            if 0 <= value < len(words.DISCONNECT_REASONS)
            else str(value)[:_MAX_REASON_CHARS]
        )
    return values.value_of(participant, "disconnectReason", value_parsers.word)


def _enum_value(value: object) -> str | int | None:
    return value if isinstance(value, str | int) and not isinstance(value, bool) else None


def _parties(attributes: Content) -> dict[str, Any]:
    """Return the parties and the direction: a call with a dispatch rule is inbound, others are unknown."""
    other = values.value_of(attributes, "sip.phoneNumber", value_parsers.number)
    own = values.value_of(attributes, "sip.trunkPhoneNumber", value_parsers.number)
    if values.value_of(attributes, "sip.ruleID", value_parsers.sid) is None:
        return {}
    named = {"direction": Direction.INBOUND, "from_number": other, "to_number": own}
    return {name: value for name, value in named.items() if value is not None}


def _links(attributes: Content, call_sid: str) -> tuple[Node, ...]:
    """Return links to Twilio's SID for a Twilio trunk, and to the SIP Call-ID for a switch."""
    carrier = platform_reports.carrier_link(
        values.value_of(attributes, "sip.twilio.callSid", value_parsers.sid)
    )
    call_id = values.value_of(attributes, "sip.callIDFull", value_parsers.sid)
    is_other = call_id is not None and call_id != call_sid
    return (*carrier, *((Node(str(call_id), is_carrier=False),) if is_other else ()))
