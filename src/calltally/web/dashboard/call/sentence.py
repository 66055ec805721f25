"""A call summarized in one sentence."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from calltally.calls.end_reasons import EndReason

Record = Mapping[str, Any]

_HOUR_S: Final = 3600
_MINUTE_S: Final = 60
_DAYS_FROM_H: Final = 48
_OUTCOMES: Final[Mapping[str, str]] = {
    "busy": "the called party was busy",
    "failed": "it failed",
    "no-answer": "nobody answered",
    "canceled": "it was canceled before an answer",
    "queued": "it waits in the queue",
    "initiated": "it is being set up",
    "ringing": "it is ringing",
    "in-progress": "they are talking",
}


def sentence(call: Record) -> str:
    """Format as `Outbound to +1 555… on route support by agent vera, answered after 11 s, …`."""
    return f"{_parties(call)}, {', '.join(_course(call))}."


def span(seconds: int | None) -> str:
    """Format as `2 min 22 s`, `11 s`, `1 h 3 min`, `4 days`; empty for None."""
    if seconds is None:
        return ""
    hours, rest = divmod(seconds, _HOUR_S)
    if hours >= _DAYS_FROM_H:
        return f"{hours // 24} days"
    minutes, left = divmod(rest, _MINUTE_S)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {left} s" if minutes else f"{left} s"


def _parties(call: Record) -> str:
    is_inbound = call["direction"] == "inbound"
    number = call["from_number"] if is_inbound else call["to_number"]
    preposition = "from" if is_inbound else "to"
    words = {"inbound": "Inbound", "outbound": "Outbound"}.get(call["direction"], "A call")
    phrases = [
        words,
        f" {preposition} {number}" if number else "",
        f" on route {call['route']}" if call["route"] else "",
        f" by agent {call['agent']}" if call["agent"] else "",
    ]
    return "".join(phrases)


def _course(call: Record) -> Iterator[str]:
    """Yield the course of the call in order of time."""
    if call["answered_at"] is not None:
        ring = span(call["ring_seconds"])
        yield f"answered after {ring}" if ring else "answered"
    if call["status"] == "completed":
        talk = span(call["duration_seconds"])
        yield f"talked {talk}" if talk else "completed"
    else:
        yield _OUTCOMES.get(call["status"], str(call["status"]))
    if call["end_reason"] not in {None, EndReason.UNKNOWN}:
        yield f"ended: {str(call['end_reason']).replace('-', ' ').replace('_', ' ')}"
    if call["sip_code"] and call["status"] != "completed":
        yield f"SIP {call['sip_code']}"
    yield "escalated" if call["escalated"] else "not escalated"
