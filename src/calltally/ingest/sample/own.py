"""What the tenant itself tells of a made-up call that was answered, by its own events."""

from collections.abc import Iterator
from typing import Any

from calltally.calls.times import SECOND_US, utc_text
from calltally.ingest.sample.calls import SampleCall
from calltally.ingest.sample.talks import talk_of


def events(call: SampleCall) -> Iterator[dict[str, Any]]:
    """Who asked for a person, and what it was about; the summary too, where no platform makes one."""
    if call.is_escalated:
        yield {
            "call_sid": call.sid,
            "id": f"demo-{call.number}-escalation",
            "occurred_at": utc_text(call.ended_us - 2 * SECOND_US),
            "escalated": True,
            "escalation": {"target": "front-desk", "initiated_by": "caller", "reason": "asked for a person"},
            "transfer": {"target": "front-desk", "outcome": "bridged"},
        }
    talk = talk_of(call)
    yield {
        "call_sid": call.sid,
        "id": f"demo-{call.number}-summary",
        "occurred_at": utc_text(call.ended_us + 5 * SECOND_US),
        "tags": [talk.topic, "inbound-line" if call.is_inbound else "reminder"],
        "metadata": {"language": "en", "turns": len(talk.turns)},
        **({} if call.platform else {"summary": talk.summary}),
    }
