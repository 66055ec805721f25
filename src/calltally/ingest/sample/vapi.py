"""Vapi's messages of a sample call on another carrier: the answer and the report."""

import json
from typing import Any, Final
from uuid import UUID

from calltally.calls.model import Status
from calltally.calls.times import SECOND_US, utc_text
from calltally.ingest.sample.calls import FRONT_DESK_NUMBER, SampleCall, hex_of
from calltally.ingest.sample.conversations import SampleTool, conversation_of, turn_start_s
from calltally.ingest.sample.messages import JsonCallback, ProviderCallback
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


def callbacks(call: SampleCall) -> list[ProviderCallback]:
    """Return the platform's messages; none for a call that did not reach it."""
    answered = [_update(call, Status.IN_PROGRESS)] if Status.IN_PROGRESS in call.reported_statuses else []
    return [*answered, *([_report(call)] if call.status in _REASONS else [])]


def _update(call: SampleCall, status: Status) -> ProviderCallback:
    return _message(call, UPDATE, call.at_us(status), status=status.value)


def _message(call: SampleCall, kind: str, at_us: int, **fields: Any) -> ProviderCallback:  # noqa: ANN401 (JSON)
    caller, called = call.parties
    customer, own = (caller, called) if call.is_inbound else (called, caller)
    whole = {
        "id": str(UUID(hex_of(f"vapi {call.number}"))),
        "orgId": str(UUID(hex_of("vapi organisation"))),
        "type": "inboundPhoneCall" if call.is_inbound else "outboundPhoneCall",
        "status": fields.get("status", ENDED),
        "assistantId": str(UUID(hex_of("vapi assistant"))),
        "phoneCallProvider": call.carrier,
        "phoneCallProviderId": call.sid,
        "customer": {"number": customer},
    }
    message = {"type": kind, "timestamp": at_us // _MS_US, "call": whole, "phoneNumber": {"number": own}}
    return JsonCallback(NAME, {"message": {**message, **fields}})


def _report(call: SampleCall) -> ProviderCallback:
    """Return the report; it is sent some seconds after the end, when the summary is ready."""
    reason = _HANDED_OVER if call.is_escalated else _REASONS[call.status]
    fields: dict[str, Any] = {"endedReason": reason, "endedAt": utc_text(call.ended_us)}
    if call.status is Status.COMPLETED:
        fields |= {"startedAt": utc_text(call.at_us(Status.IN_PROGRESS)), "durationSeconds": call.talk_s}
        fields |= _conversation(call)
    if call.is_escalated:
        fields["destination"] = {"type": "number", "number": FRONT_DESK_NUMBER}
    return _message(call, REPORT, call.ended_us + 8 * SECOND_US, **fields)


def _conversation(call: SampleCall) -> dict[str, Any]:
    conversation = conversation_of(call)
    messages = [_turn(call, index) for index in range(len(conversation.turns))]
    if conversation.tool is not None:
        messages[conversation.tool.after : conversation.tool.after] = _tool(
            conversation.tool, turn_start_s(call, conversation, conversation.tool.after)
        )
    return {
        "cost": round(call.talk_s * _USD_A_SECOND, 4),
        "analysis": {
            "summary": conversation.summary,
            "successEvaluation": str(not call.is_escalated).lower(),
        },
        "artifact": {"messages": messages},
    }


def _turn(call: SampleCall, index: int) -> dict[str, Any]:
    conversation = conversation_of(call)
    begins, ends = (turn_start_s(call, conversation, each) for each in (index, index + 1))
    return {
        "role": "user" if index % 2 else "bot",
        "message": conversation.turns[index],
        "secondsFromStart": begins,
        "duration": round((ends - begins) * 800),
    }


def _tool(tool: SampleTool, answered_s: float) -> list[dict[str, Any]]:
    tool_call = {"id": "t-1", "function": {"name": tool.name, "arguments": json.dumps(tool.arguments)}}
    return [
        {"role": "tool_calls", "secondsFromStart": answered_s - 0.9, "toolCalls": [tool_call]},
        {
            "role": "tool_call_result",
            "toolCallId": "t-1",
            "result": json.dumps(tool.result),
            "secondsFromStart": answered_s - 0.2,
        },
    ]
