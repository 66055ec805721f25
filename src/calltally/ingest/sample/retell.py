"""Retell's events of a made-up call that somebody else carries: begun, ended, analysed."""

import json
from typing import Any, Final

from calltally.calls.model import FINAL, Status
from calltally.calls.times import SECOND_US
from calltally.ingest.sample.calls import FRONT_DESK_NUMBER, SampleCall, hex_of
from calltally.ingest.sample.messages import Callback, JsonCallback
from calltally.ingest.sample.talks import Tool, begins_s, talk_of
from calltally.providers.retell.words import NAME

_MS_US: Final = SECOND_US // 1_000
_CENTS_A_SECOND: Final = 0.14
_REASONS: Final = {
    Status.COMPLETED: "user_hangup",
    Status.BUSY: "dial_busy",
    Status.NO_ANSWER: "dial_no_answer",
}


def callbacks(call: SampleCall) -> list[Callback]:
    """What the platform sends; nothing of a call that never came to it."""
    events = []
    if Status.IN_PROGRESS in call.told:
        begun = {"start_timestamp": call.at_us(Status.IN_PROGRESS) // _MS_US}
        events.append(_event(call, "call_started", call_status="ongoing", **begun))
    if call.status is Status.COMPLETED:
        ended = {**_ended(call), **_conversation(call)}
        events.append(_event(call, "call_ended", **ended))
        events.append(_event(call, "call_analyzed", **ended, call_analysis=_analysis(call)))
    elif call.status in FINAL and call.status in _REASONS:
        reason = _REASONS[call.status]
        events.append(_event(call, "call_ended", call_status="not_connected", disconnection_reason=reason))
    return events


def _event(call: SampleCall, event: str, **said: Any) -> Callback:  # noqa: ANN401 (JSON)
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
        **said,
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
        "call_summary": talk_of(call).summary,
        "call_successful": not call.is_escalated,
        "in_voicemail": False,
        "user_sentiment": "Neutral" if call.is_escalated else "Positive",
    }


def _conversation(call: SampleCall) -> dict[str, Any]:
    talk = talk_of(call)
    parts = [_turn(call, index) for index in range(len(talk.turns))]
    if talk.tool is not None:
        parts[talk.tool.after : talk.tool.after] = _tool(talk.tool)
    return {"transcript_with_tool_calls": parts}


def _tool(tool: Tool) -> list[dict[str, Any]]:
    asked = {"tool_call_id": "t-1", "name": tool.name, "arguments": json.dumps(tool.arguments)}
    return [
        {"role": "tool_call_invocation", **asked},
        {"role": "tool_call_result", "tool_call_id": "t-1", "content": json.dumps(tool.result)},
    ]


def _turn(call: SampleCall, index: int) -> dict[str, Any]:
    """A turn, with when its first and its last word are said."""
    talk = talk_of(call)
    words = talk.turns[index].split()
    begins_at = begins_s(call, talk, index)
    a_word_s = (begins_s(call, talk, index + 1) - begins_at) * 0.8 / len(words)
    spoken = [
        {
            "word": word,
            "start": round(begins_at + number * a_word_s, 2),
            "end": round(begins_at + (number + 1) * a_word_s, 2),
        }
        for number, word in enumerate(words)
    ]
    return {"role": "user" if index % 2 else "agent", "content": talk.turns[index], "words": spoken}
