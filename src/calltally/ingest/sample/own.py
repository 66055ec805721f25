"""Own events of the tenant for an answered sample call."""

from collections.abc import Iterator
from typing import Any

from calltally.calls.times import SECOND_US, utc_text
from calltally.ingest.sample.calls import SampleCall
from calltally.ingest.sample.conversations import conversation_of


def events(call: SampleCall) -> Iterator[dict[str, Any]]:
    """Yield the escalation and the topic of a call; the summary too if no platform makes one."""
    if call.is_escalated:
        yield {
            "call_sid": call.sid,
            "id": f"demo-{call.number}-escalation",
            "occurred_at": utc_text(call.ended_us - 2 * SECOND_US),
            "escalated": True,
            "escalation": {"target": "front-desk", "initiated_by": "caller", "reason": "asked for a person"},
            "transfer": {"target": "front-desk", "outcome": "bridged"},
        }
    conversation = conversation_of(call)
    yield {
        "call_sid": call.sid,
        "id": f"demo-{call.number}-summary",
        "occurred_at": utc_text(call.ended_us + 5 * SECOND_US),
        "tags": [conversation.topic, "inbound-line" if call.is_inbound else "reminder"],
        "metadata": {"language": "en", "turns": len(conversation.turns)},
        **({} if call.platform else {"summary": conversation.summary}),
    }
