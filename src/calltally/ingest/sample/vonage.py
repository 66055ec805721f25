"""Vonage's events of a sample call; `completed` follows even if nobody answered."""

from typing import Any, Final

from calltally.calls.model import FINAL, Status
from calltally.calls.times import SECOND_US, utc_text
from calltally.ingest.sample.calls import SampleCall
from calltally.ingest.sample.messages import JsonCallback, ProviderCallback
from calltally.providers.vonage.words import NAME

_WORDS: Final = {
    Status.INITIATED: "started",
    Status.RINGING: "ringing",
    Status.IN_PROGRESS: "answered",
    Status.COMPLETED: "completed",
    Status.BUSY: "busy",
    Status.NO_ANSWER: "timeout",
    Status.CANCELED: "cancelled",
    Status.FAILED: "failed",
}


def callbacks(call: SampleCall) -> list[ProviderCallback]:
    """Return one event per status, and the closing event."""
    events = [_event(call, _WORDS[status], call.at_us(status)) for status in call.reported_statuses]
    if call.status in FINAL and call.status is not Status.COMPLETED:
        events.append(_event(call, _WORDS[Status.COMPLETED], call.ended_us + SECOND_US // 10))
    return [JsonCallback(NAME, event) for event in events]


def _event(call: SampleCall, word: str, at_us: int) -> dict[str, Any]:
    caller, called = (party.removeprefix("+") for party in call.parties)
    event = {
        "from": caller,
        "to": called,
        "uuid": call.sid,
        "conversation_uuid": f"CON-{call.sid}",
        "status": word,
        "direction": "inbound" if call.is_inbound else "outbound",
        "timestamp": utc_text(at_us),
    }
    return event | (_bill(call) if word == _WORDS[Status.COMPLETED] else {})


def _bill(call: SampleCall) -> dict[str, Any]:
    if call.status is not Status.COMPLETED:
        return {"duration": "0", "rate": "0.00450000", "price": "0"}
    return {
        "start_time": utc_text(call.at_us(Status.IN_PROGRESS)),
        "end_time": utc_text(call.ended_us),
        "duration": str(call.talk_s),
        "rate": "0.00450000",
        "price": f"{call.talk_s * 0.0045 / 60:.8f}",
    }
