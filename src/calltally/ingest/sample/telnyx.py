"""Telnyx's events of a sample call: no ringing, and a hangup with its source and cause."""

from typing import Any, Final

from calltally.calls.model import FINAL, Status
from calltally.calls.times import utc_text
from calltally.ingest.sample.calls import SIP_CODES, SampleCall, hex_of
from calltally.ingest.sample.messages import JsonCallback, ProviderCallback
from calltally.providers.telnyx.words import HANGUP, NAME

_EVENTS: Final = {Status.INITIATED: "call.initiated", Status.IN_PROGRESS: "call.answered"}
_CAUSES: Final = {
    Status.COMPLETED: "normal_clearing",
    Status.BUSY: "user_busy",
    Status.NO_ANSWER: "timeout",
    Status.CANCELED: "originator_cancel",
    Status.FAILED: "call_rejected",
}


def callbacks(call: SampleCall) -> list[ProviderCallback]:
    """Return the events of the call's statuses from its start on, in both directions."""
    statuses = dict.fromkeys([Status.INITIATED, *call.reported_statuses])
    reported = [status for status in statuses if status in _EVENTS or status in FINAL]
    return [JsonCallback(NAME, _event(call, status)) for status in reported]


def _event(call: SampleCall, status: Status) -> dict[str, Any]:
    kind = _EVENTS.get(status, HANGUP)
    caller, called = call.parties
    payload = {
        "call_control_id": call.sid,
        "call_leg_id": "leg-" + call.sid[3:15],
        "call_session_id": "session-" + call.sid[3:15],
        "connection_id": str(int(hex_of("connection")[:15], 16)),
        "direction": "incoming" if call.is_inbound else "outgoing",
        "from": caller,
        "to": called,
        "start_time": utc_text(call.started_us),
    }
    event = {
        "record_type": "event",
        "event_type": kind,
        "id": f"{call.sid[3:15]}-{kind}",
        "occurred_at": utc_text(call.at_us(status)),
        "payload": payload | _outcome(call, status),
    }
    return {"data": event, "meta": {"attempt": 1}}


def _outcome(call: SampleCall, status: Status) -> dict[str, Any]:
    if status not in FINAL:
        return {}
    by_caller = status is Status.CANCELED or (status is Status.COMPLETED and call.is_inbound)
    return {
        "state": "hangup",
        "hangup_cause": _CAUSES[status],
        "hangup_source": "caller" if by_caller else "callee",
        "sip_hangup_cause": "603" if status is Status.FAILED else SIP_CODES[status],
    }
