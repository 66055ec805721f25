"""Retell's events of a sample call on another carrier: started, ended, analyzed."""

import json
from typing import Any, Final

from calltally.calls.model import FINAL, Status
from calltally.calls.times import SECOND_US
from calltally.ingest.sample.calls import FRONT_DESK_NUMBER, SampleCall, hex_of
from calltally.ingest.sample.conversations import SampleTool, conversation_of, turn_start_s
from calltally.ingest.sample.messages import JsonCallback, ProviderCallback
from calltally.providers.retell.words import NAME

_MS_US: Final = SECOND_US // 1_000
_CENTS_A_SECOND: Final = 0.14
_REASONS: Final = {
    Status.COMPLETED: "user_hangup",
    Status.BUSY: "dial_busy",
    Status.NO_ANSWER: "dial_no_answer",
}


def callbacks(call: SampleCall) -> list[ProviderCallback]:
    """Return the platform's messages; none for a call that did not reach it."""
    events = []
    if Status.IN_PROGRESS in call.reported_statuses:
        started = {"start_timestamp": call.at_us(Status.IN_PROGRESS) // _MS_US}
        events.append(_event(call, "call_started", call_status="ongoing", **started))
    if call.status is Status.COMPLETED:
        ended = {**_ended(call), **_conversation(call)}
        events.append(_event(call, "call_ended", **ended))
        events.append(_event(call, "call_analyzed", **ended, call_analysis=_analysis(call)))
    elif call.status in FINAL and call.status in _REASONS:
        reason = _REASONS[call.status]
        events.append(_event(call, "call_ended", call_status="not_connected", disconnection_reason=reason))
    return events


def _event(call: SampleCall, event: str, **fields: Any) -> ProviderCallback:  # noqa: ANN401 (JSON)
    caller, called = call.parties
    whole = {
        "call_type": "phone_call",
        "call_id": "call_" + hex_of(f"retell {call.number}")[:24],
        "agent_id": "agent_" + hex_of("retell agent")[:24],
        "call_status": "ended",
        "direction": "inbound" if call.is_inbound else "outbound",
        "from_number": caller,
        "to_number": called,
        "telephony_identifier": {"twilio_call_sid": call.sid},
        **fields,
    }
    return JsonCallback(NAME, {"event": event, "call": whole})


def _ended(call: SampleCall) -> dict[str, Any]:
    return {
        "start_timestamp": call.at_us(Status.IN_PROGRESS) // _MS_US,
        "end_timestamp": call.ended_us // _MS_US,
        "duration_ms": call.talk_s * 1_000,
        "disconnection_reason": "call_transfer" if call.is_escalated else _REASONS[call.status],
        **({"transfer_destination": FRONT_DESK_NUMBER} if call.is_escalated else {}),
        "call_cost": {"combined_cost": round(call.talk_s * _CENTS_A_SECOND, 3)},
    }


def _analysis(call: SampleCall) -> dict[str, Any]:
    return {
        "call_summary": conversation_of(call).summary,
        "call_successful": not call.is_escalated,
        "in_voicemail": False,
        "user_sentiment": "Neutral" if call.is_escalated else "Positive",
    }


def _conversation(call: SampleCall) -> dict[str, Any]:
    conversation = conversation_of(call)
    messages = [_turn(call, index) for index in range(len(conversation.turns))]
    if conversation.tool is not None:
        messages[conversation.tool.after : conversation.tool.after] = _tool(conversation.tool)
    return {"transcript_with_tool_calls": messages}


def _tool(tool: SampleTool) -> list[dict[str, Any]]:
    invocation = {"tool_call_id": "t-1", "name": tool.name, "arguments": json.dumps(tool.arguments)}
    return [
        {"role": "tool_call_invocation", **invocation},
        {"role": "tool_call_result", "tool_call_id": "t-1", "content": json.dumps(tool.result)},
    ]


def _turn(call: SampleCall, index: int) -> dict[str, Any]:
    """Return a conversation turn with the times of its words."""
    conversation = conversation_of(call)
    words = conversation.turns[index].split()
    begins_at = turn_start_s(call, conversation, index)
    a_word_s = (turn_start_s(call, conversation, index + 1) - begins_at) * 0.8 / len(words)
    spoken = [
        {
            "word": word,
            "start": round(begins_at + number * a_word_s, 2),
            "end": round(begins_at + (number + 1) * a_word_s, 2),
        }
        for number, word in enumerate(words)
    ]
    return {"role": "user" if index % 2 else "agent", "content": conversation.turns[index], "words": spoken}
