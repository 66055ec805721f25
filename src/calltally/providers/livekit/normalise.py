"""LiveKit's webhooks as facts: a SIP participant of a room is a call, the room is its session.

Sources: LiveKit, "Webhooks" and "SIP participant" (its attributes).
"""

from typing import Any, Final, cast

from calltally.calls.events import Door, Fact, Said
from calltally.calls.identity import Node
from calltally.calls.model import Direction, Status
from calltally.providers import conversations as talks
from calltally.providers import json_documents, timestamps, value_parsers, values
from calltally.providers.callback import Callback, Source
from calltally.providers.kinds import unread
from calltally.providers.livekit import words
from calltally.providers.values import Content

_ROOM_CHARS: Final = 200


def facts_of(callback: Callback) -> list[Fact]:
    """What an event says of a call; nothing of participants who are on no telephone. Raises NotUnderstood."""
    body = json_documents.object_of(callback.body)
    event = values.needed(body, "event", value_parsers.word, "the body is no event of LiveKit's")
    if event in words.PASSED_OVER:
        return []
    participant = values.nest_at(body, "participant")
    if event not in words.JOINED | words.LEFT:
        names_state = "sip.callStatus" in values.nest_at(participant, "attributes")
        raise unread(event, f"event {event!r} is in no table of LiveKit's events", names_state=names_state)
    if _plain(participant.get("kind")) not in words.SIP:
        return []
    return [_fact(event, body, participant, callback)]


def _fact(event: str, body: Content, participant: Content, callback: Callback) -> Fact:
    source = Source(Door.CALLBACK, callback.received_us)
    attributes = values.nest_at(participant, "attributes")
    missing = "the participant does not say which call it is"
    call_sid = values.needed(attributes, "sip.callID", value_parsers.sid, missing)
    room = values.value_of(body, "room.sid", value_parsers.sid)
    said = cast("Said", {**_state(event, attributes, participant), **_parties(attributes)})
    if room is not None:
        said["session_id"] = room
    occurred_us = values.instant_of(body, "createdAt", timestamps.epoch_s, callback.received_us)
    told = talks.Told(
        call_sid=call_sid,
        occurred_us=callback.received_us if occurred_us is None else occurred_us,
        said=said,
        event_id=values.value_of(body, "id", value_parsers.sid) or "",
        links=_links(attributes, call_sid),
    )
    return talks.fact_of(words.NAME, told, source, callback.body)


def _state(event: str, attributes: Content, participant: Content) -> Said:
    if event in words.JOINED:
        theirs = values.value_of(attributes, "sip.callStatus", value_parsers.one_of(words.CALL_STATUSES))
        return {} if theirs is None else {"status": theirs}
    reason = _reason(participant)
    said: Said = talks.end_of(reason, words.FAMILIES)
    said["status"] = words.FINAL_STATUSES.get(reason or "", Status.COMPLETED)
    return said


def _reason(participant: Content) -> str | None:
    theirs = _plain(participant.get("disconnectReason"))
    if isinstance(theirs, int):
        return words.REASONS[theirs] if 0 <= theirs < len(words.REASONS) else str(theirs)[:_ROOM_CHARS]
    return values.value_of(participant, "disconnectReason", value_parsers.word)


def _plain(value: object) -> str | int | None:
    return value if isinstance(value, str | int) and not isinstance(value, bool) else None


def _parties(attributes: Content) -> dict[str, Any]:
    """A call that a dispatch rule took in came from outside; nothing else says which way it went."""
    other = values.value_of(attributes, "sip.phoneNumber", value_parsers.number)
    own = values.value_of(attributes, "sip.trunkPhoneNumber", value_parsers.number)
    if values.value_of(attributes, "sip.ruleID", value_parsers.sid) is None:
        return {}
    named = {"direction": Direction.INBOUND, "from_number": other, "to_number": own}
    return {name: value for name, value in named.items() if value is not None}


def _links(attributes: Content, call_sid: str) -> tuple[Node, ...]:
    """Twilio's SID where the trunk is Twilio's, and the Call-ID of SIP, by which a switch may know it."""
    carrier = talks.carrier(values.value_of(attributes, "sip.twilio.callSid", value_parsers.sid))
    call_id = values.value_of(attributes, "sip.callIDFull", value_parsers.sid)
    is_other = call_id is not None and call_id != call_sid
    return (*carrier, *((Node(str(call_id), is_carrier=False),) if is_other else ()))
