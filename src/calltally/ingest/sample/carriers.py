"""Callbacks of the carriers about a sample call.

Twilio numbers its callbacks. Telnyx reports no ringing, and a hangup with its source and cause. Vonage sends
`completed` even if nobody answered.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from email.utils import format_datetime
from typing import Any, Final

from calltally.calls.model import FINAL, Status
from calltally.calls.times import EPOCH, SECOND_US, utc_text
from calltally.ingest.sample.calls import SIP_CODES, SampleCall, SampleMessage, hex_of
from calltally.providers.telnyx.words import HANGUP
from calltally.providers.telnyx.words import NAME as TELNYX
from calltally.providers.twilio.words import NAME as TWILIO
from calltally.providers.vonage.words import NAME as VONAGE


def _twilio_callbacks(call: SampleCall) -> list[SampleMessage]:
    """Return one callback per status, numbered as Twilio does."""
    return [
        SampleMessage(TWILIO, call.at_us(status), _twilio_fields(call, status, number), is_form=True)
        for number, status in enumerate(call.reported_statuses)
    ]


def _twilio_fields(call: SampleCall, status: Status, sequence: int) -> dict[str, str]:
    caller, called = call.parties
    fields = {
        "CallSid": call.sid,
        "AccountSid": "AC" + hex_of("account"),
        "ApiVersion": "2010-04-01",
        "CallStatus": status.value,
        "Direction": "inbound" if call.route.is_inbound else "outbound-api",
        "From": caller,
        "To": called,
        "CallbackSource": "call-progress-events",
        "SequenceNumber": str(sequence),
        "Timestamp": format_datetime(EPOCH + timedelta(microseconds=call.at_us(status))),
    }
    return fields | _twilio_outcome(call, status)


def _twilio_outcome(call: SampleCall, status: Status) -> dict[str, str]:
    if status not in SIP_CODES:
        return {}
    talk_s = call.talk_s if status == Status.COMPLETED else 0
    ended = {
        "CallDuration": str(talk_s),
        "Duration": str(-(-talk_s // 60)),
        "SipResponseCode": SIP_CODES[status],
    }
    return ended | ({"AnsweredBy": "human"} if talk_s and not call.route.is_inbound else {})


_TELNYX_EVENTS: Final = {Status.INITIATED: "call.initiated", Status.IN_PROGRESS: "call.answered"}
_TELNYX_CAUSES: Final = {
    Status.COMPLETED: "normal_clearing",
    Status.BUSY: "user_busy",
    Status.NO_ANSWER: "timeout",
    Status.CANCELED: "originator_cancel",
    Status.FAILED: "call_rejected",
}


def _telnyx_callbacks(call: SampleCall) -> list[SampleMessage]:
    """Return the events of the call's statuses from its start on, in both directions."""
    statuses = dict.fromkeys([Status.INITIATED, *call.reported_statuses])
    reported = [status for status in statuses if status in _TELNYX_EVENTS or status in FINAL]
    return [SampleMessage(TELNYX, call.at_us(status), _telnyx_event(call, status)) for status in reported]


def _telnyx_event(call: SampleCall, status: Status) -> dict[str, Any]:
    kind = _TELNYX_EVENTS.get(status, HANGUP)
    caller, called = call.parties
    payload = {
        "call_control_id": call.sid,
        "call_leg_id": "leg-" + call.sid[3:15],
        "call_session_id": "session-" + call.sid[3:15],
        "connection_id": str(int(hex_of("connection")[:15], 16)),
        "direction": "incoming" if call.route.is_inbound else "outgoing",
        "from": caller,
        "to": called,
        "start_time": utc_text(call.started_us),
    }
    event = {
        "record_type": "event",
        "event_type": kind,
        "id": f"{call.sid[3:15]}-{kind}",
        "occurred_at": utc_text(call.at_us(status)),
        "payload": payload | _telnyx_outcome(call, status),
    }
    return {"data": event, "meta": {"attempt": 1}}


def _telnyx_outcome(call: SampleCall, status: Status) -> dict[str, Any]:
    if status not in FINAL:
        return {}
    by_caller = status is Status.CANCELED or (status is Status.COMPLETED and call.route.is_inbound)
    return {
        "state": "hangup",
        "hangup_cause": _TELNYX_CAUSES[status],
        "hangup_source": "caller" if by_caller else "callee",
        "sip_hangup_cause": "603" if status is Status.FAILED else SIP_CODES[status],
    }


_VONAGE_WORDS: Final = {
    Status.INITIATED: "started",
    Status.RINGING: "ringing",
    Status.IN_PROGRESS: "answered",
    Status.COMPLETED: "completed",
    Status.BUSY: "busy",
    Status.NO_ANSWER: "timeout",
    Status.CANCELED: "cancelled",
    Status.FAILED: "failed",
}


def _vonage_callbacks(call: SampleCall) -> list[SampleMessage]:
    """Return one event per status, and the closing event."""
    times = [(status, call.at_us(status)) for status in call.reported_statuses]
    if call.status is not Status.COMPLETED:
        times.append((Status.COMPLETED, call.ended_us + SECOND_US // 10))
    return [
        SampleMessage(VONAGE, at_us, _vonage_event(call, _VONAGE_WORDS[status], at_us))
        for status, at_us in times
    ]


def _vonage_event(call: SampleCall, word: str, at_us: int) -> dict[str, Any]:
    caller, called = (party.removeprefix("+") for party in call.parties)
    event = {
        "from": caller,
        "to": called,
        "uuid": call.sid,
        "conversation_uuid": f"CON-{call.sid}",
        "status": word,
        "direction": call.route.direction.value,
        "timestamp": utc_text(at_us),
    }
    return event | (_vonage_bill(call) if word == _VONAGE_WORDS[Status.COMPLETED] else {})


def _vonage_bill(call: SampleCall) -> dict[str, Any]:
    if call.status is not Status.COMPLETED:
        return {"duration": "0", "rate": "0.00450000", "price": "0"}
    return {
        "start_time": utc_text(call.at_us(Status.IN_PROGRESS)),
        "end_time": utc_text(call.ended_us),
        "duration": str(call.talk_s),
        "rate": "0.00450000",
        "price": f"{call.talk_s * 0.0045 / 60:.8f}",
    }


CALLBACKS: Final[Mapping[str, Callable[[SampleCall], list[SampleMessage]]]] = {
    TWILIO: _twilio_callbacks,
    TELNYX: _telnyx_callbacks,
    VONAGE: _vonage_callbacks,
}
