"""Requests that Kamailio sends in examples/live-sip, for a sample call."""

from collections.abc import Mapping
from typing import Final

from calltally.calls.model import Status
from calltally.calls.times import SECOND_US
from calltally.ingest.sample.calls import SIP_CODES, SampleCall
from calltally.ingest.sample.messages import JsonCallback, ProviderCallback
from calltally.providers.kamailio.words import NAME

_EVENTS: Final[Mapping[Status, str]] = {
    Status.INITIATED: "started",
    Status.RINGING: "ringing",
    Status.IN_PROGRESS: "answered",
    Status.COMPLETED: "ended",
}


def callbacks(call: SampleCall) -> list[ProviderCallback]:
    """Return one event per status."""
    return [JsonCallback(NAME, _event(call, status)) for status in call.reported_statuses]


def _event(call: SampleCall, status: Status) -> dict[str, str]:
    caller, called = call.parties
    event = {
        "event": _EVENTS.get(status, "failed"),
        "call_id": call.sid,
        "direction": "inbound" if call.is_inbound else "outbound",
        "from": caller,
        "to": called,
        "ts": str(call.at_us(status) // SECOND_US),
    }
    if event["event"] != "failed":
        return event
    # 408 means no answer if the phone rang.
    code = "408" if status == Status.NO_ANSWER else SIP_CODES[status]
    return {**event, "code": code, "ringing_at": str(call.started_us // SECOND_US + 2)}
