"""Vapi's messages of a made-up call that somebody else carries: that it was answered, and the report."""

import json
from typing import Any, Final
from uuid import UUID

from calltally.calls.model import Status
from calltally.calls.times import SECOND_US, utc_text
from calltally.ingest.sample.calls import FRONT_DESK_NUMBER, SampleCall, hex_of
from calltally.ingest.sample.messages import Callback, JsonCallback
from calltally.ingest.sample.talks import Tool, begins_s, talk_of
from calltally.providers.vapi.normalise import REPORT, UPDATE
from calltally.providers.vapi.words import ENDED, NAME

_MS_US: Final = SECOND_US // 1_000
_USD_A_SECOND: Final = 0.0012
_REASONS: Final = {
    Status.COMPLETED: "customer-ended-call",
    Status.BUSY: "customer-busy",
    Status.NO_ANSWER: "customer-did-not-answer",
}
_HANDED_OVER: Final = "assistant-forwarded-call"


def callbacks(call: SampleCall) -> list[Callback]:
    """What the platform sends; nothing of a call that never came to it."""
    answered = [_update(call, Status.IN_PROGRESS)] if Status.IN_PROGRESS in call.told else []
    return [*answered, *([_report(call)] if call.status in _REASONS else [])]


def _update(call: SampleCall, status: Status) -> Callback:
    return _message(call, UPDATE, call.at_us(status), status=status.value)


def _message(call: SampleCall, kind: str, at_us: int, **said: Any) -> Callback:  # noqa: ANN401 (JSON)
    caller, called = call.parties
    customer, own = (caller, called) if call.is_inbound else (called, caller)
    whole = {
        "id": str(UUID(hex_of(f"vapi {call.number}"))),
        "orgId": str(UUID(hex_of("vapi organisation"))),
        "type": "inboundPhoneCall" if call.is_inbound else "outboundPhoneCall",
        "status": said.get("status", ENDED),
        "assistantId": str(UUID(hex_of("vapi assistant"))),
        "phoneCallProvider": call.carrier,
        "phoneCallProviderId": call.sid,
        "customer": {"number": customer},
    }
    told = {"type": kind, "timestamp": at_us // _MS_US, "call": whole, "phoneNumber": {"number": own}}
    return JsonCallback(NAME, {"message": {**told, **said}})


def _report(call: SampleCall) -> Callback:
    """It comes some seconds after the end, when the summary is made."""
    reason = _HANDED_OVER if call.is_escalated else _REASONS[call.status]
    said: dict[str, Any] = {"endedReason": reason, "endedAt": utc_text(call.ended_us)}
    if call.status is Status.COMPLETED:
        said |= {"startedAt": utc_text(call.at_us(Status.IN_PROGRESS)), "durationSeconds": call.talk_s}
        said |= _conversation(call)
    if call.is_escalated:
        said["destination"] = {"type": "number", "number": FRONT_DESK_NUMBER}
    return _message(call, REPORT, call.ended_us + 8 * SECOND_US, **said)


def _conversation(call: SampleCall) -> dict[str, Any]:
    talk = talk_of(call)
    messages = [_turn(call, index) for index in range(len(talk.turns))]
    if talk.tool is not None:
        messages[talk.tool.after : talk.tool.after] = _tool(talk.tool, begins_s(call, talk, talk.tool.after))
    return {
        "cost": round(call.talk_s * _USD_A_SECOND, 4),
        "analysis": {"summary": talk.summary, "successEvaluation": str(not call.is_escalated).lower()},
        "artifact": {"messages": messages},
    }


def _turn(call: SampleCall, index: int) -> dict[str, Any]:
    talk = talk_of(call)
    begins, ends = (begins_s(call, talk, each) for each in (index, index + 1))
    return {
        "role": "user" if index % 2 else "bot",
        "message": talk.turns[index],
        "secondsFromStart": begins,
        "duration": round((ends - begins) * 800),
    }


def _tool(tool: Tool, answered_s: float) -> list[dict[str, Any]]:
    asked = {"id": "t-1", "function": {"name": tool.name, "arguments": json.dumps(tool.arguments)}}
    return [
        {"role": "tool_calls", "secondsFromStart": answered_s - 0.9, "toolCalls": [asked]},
        {
            "role": "tool_call_result",
            "toolCallId": "t-1",
            "result": json.dumps(tool.result),
            "secondsFromStart": answered_s - 0.2,
        },
    ]
