"""Messages of the agents' platforms about a sample call on another carrier.

Vapi sends the answer and the report; Retell sends that a call started, ended and was analyzed.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias
from uuid import UUID

from calltally.calls.model import Status
from calltally.calls.times import SECOND_US, utc_text
from calltally.ingest.sample.calls import FRONT_DESK_NUMBER, SampleCall, SampleMessage, hex_of
from calltally.ingest.sample.conversations import SampleTool, conversation_of, turn_start_s
from calltally.providers.retell.words import NAME as RETELL
from calltally.providers.vapi.normalise import REPORT, UPDATE
from calltally.providers.vapi.words import ENDED
from calltally.providers.vapi.words import NAME as VAPI

_Messages: TypeAlias = list[dict[str, Any]]

_MS_US: Final = SECOND_US // 1_000
_VAPI_USD_A_SECOND: Final = 0.0012
_VAPI_REASONS: Final = {
    Status.COMPLETED: "customer-ended-call",
    Status.BUSY: "customer-busy",
    Status.NO_ANSWER: "customer-did-not-answer",
}
_VAPI_HANDED_OVER: Final = "assistant-forwarded-call"


def _vapi_callbacks(call: SampleCall) -> list[SampleMessage]:
    """Return the platform's messages; none for a call that did not reach it."""
    messages = []
    if Status.IN_PROGRESS in call.reported_statuses:
        at_us = call.at_us(Status.IN_PROGRESS)
        messages.append(_vapi_message(call, UPDATE, at_us, status=Status.IN_PROGRESS.value))
    if call.status in _VAPI_REASONS:
        messages.append(_vapi_report(call))
    return messages


def _vapi_message(call: SampleCall, kind: str, at_us: int, **fields: Any) -> SampleMessage:  # noqa: ANN401 (JSON)
    caller, called = call.parties
    customer, own = (caller, called) if call.route.is_inbound else (called, caller)
    whole = {
        "id": str(UUID(hex_of(f"vapi {call.sid}"))),
        "type": "inboundPhoneCall" if call.route.is_inbound else "outboundPhoneCall",
        "status": fields.get("status", ENDED),
        "assistantId": str(UUID(hex_of("vapi assistant"))),
        "phoneCallProvider": call.route.carrier,
        "phoneCallProviderId": call.sid,
        "customer": {"number": customer},
    }
    message = {"type": kind, "timestamp": at_us // _MS_US, "call": whole, "phoneNumber": {"number": own}}
    return SampleMessage(VAPI, at_us, {"message": {**message, **fields}})


def _vapi_report(call: SampleCall) -> SampleMessage:
    """Return the report; it is sent some seconds after the end, when the summary is ready."""
    reason = _VAPI_HANDED_OVER if call.is_escalated else _VAPI_REASONS[call.status]
    fields: dict[str, Any] = {"endedReason": reason, "endedAt": utc_text(call.ended_us)}
    if call.status is Status.COMPLETED:
        fields |= {"startedAt": utc_text(call.at_us(Status.IN_PROGRESS)), "durationSeconds": call.talk_s}
        fields |= _vapi_conversation(call)
    if call.is_escalated:
        fields["destination"] = {"type": "number", "number": FRONT_DESK_NUMBER}
    return _vapi_message(call, REPORT, call.ended_us + 8 * SECOND_US, **fields)


def _vapi_conversation(call: SampleCall) -> dict[str, Any]:
    return {
        "cost": round(call.talk_s * _VAPI_USD_A_SECOND, 4),
        "analysis": {
            "summary": conversation_of(call).summary,
            "successEvaluation": str(not call.is_escalated).lower(),
        },
        "artifact": {"messages": _messages(call, _vapi_turn, _vapi_tool)},
    }


def _vapi_turn(call: SampleCall, index: int) -> dict[str, Any]:
    conversation = conversation_of(call)
    begins, ends = (turn_start_s(call, conversation, each) for each in (index, index + 1))
    return {
        "role": "user" if index % 2 else "bot",
        "message": conversation.turns[index],
        "secondsFromStart": begins,
        "duration": round((ends - begins) * 800),
    }


def _vapi_tool(call: SampleCall, tool: SampleTool) -> _Messages:
    answered_s = turn_start_s(call, conversation_of(call), tool.after)
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


_RETELL_CENTS_A_SECOND: Final = 0.14
_RETELL_REASONS: Final = {
    Status.COMPLETED: "user_hangup",
    Status.BUSY: "dial_busy",
    Status.NO_ANSWER: "dial_no_answer",
}


def _retell_callbacks(call: SampleCall) -> list[SampleMessage]:
    """Return the platform's messages; none for a call that did not reach it."""
    events = []
    if call.status is Status.COMPLETED:
        ended, answered_us = _retell_ended(call), call.at_us(Status.IN_PROGRESS)
        ended["transcript_with_tool_calls"] = _messages(call, _retell_turn, _retell_tool)
        started = {"call_status": "ongoing", "start_timestamp": answered_us // _MS_US}
        events.append(_retell_event(call, "call_started", answered_us, **started))
        events.append(_retell_event(call, "call_ended", call.ended_us + SECOND_US, **ended))
        analysis = {"call_analysis": _retell_analysis(call)}
        events.append(
            _retell_event(call, "call_analyzed", call.ended_us + 6 * SECOND_US, **ended, **analysis)
        )
    elif call.status in _RETELL_REASONS:
        ended = {"call_status": "not_connected", "disconnection_reason": _RETELL_REASONS[call.status]}
        events.append(_retell_event(call, "call_ended", call.ended_us + SECOND_US, **ended))
    return events


def _retell_event(call: SampleCall, event: str, at_us: int, **fields: Any) -> SampleMessage:  # noqa: ANN401 (JSON)
    caller, called = call.parties
    whole = {
        "call_type": "phone_call",
        "call_id": "call_" + hex_of(f"retell {call.sid}")[:24],
        "agent_id": "agent_" + hex_of("retell agent")[:24],
        "call_status": "ended",
        "direction": call.route.direction.value,
        "from_number": caller,
        "to_number": called,
        "telephony_identifier": {"twilio_call_sid": call.sid},
        **fields,
    }
    return SampleMessage(RETELL, at_us, {"event": event, "call": whole})


def _retell_ended(call: SampleCall) -> dict[str, Any]:
    return {
        "start_timestamp": call.at_us(Status.IN_PROGRESS) // _MS_US,
        "end_timestamp": call.ended_us // _MS_US,
        "duration_ms": call.talk_s * 1_000,
        "disconnection_reason": "call_transfer" if call.is_escalated else _RETELL_REASONS[call.status],
        **({"transfer_destination": FRONT_DESK_NUMBER} if call.is_escalated else {}),
        "call_cost": {"combined_cost": round(call.talk_s * _RETELL_CENTS_A_SECOND, 3)},
    }


def _retell_analysis(call: SampleCall) -> dict[str, Any]:
    return {
        "call_summary": conversation_of(call).summary,
        "call_successful": not call.is_escalated,
        "in_voicemail": False,
        "user_sentiment": "Neutral" if call.is_escalated else "Positive",
    }


def _retell_tool(_call: SampleCall, tool: SampleTool) -> _Messages:
    invocation = {"tool_call_id": "t-1", "name": tool.name, "arguments": json.dumps(tool.arguments)}
    return [
        {"role": "tool_call_invocation", **invocation},
        {"role": "tool_call_result", "tool_call_id": "t-1", "content": json.dumps(tool.result)},
    ]


def _retell_turn(call: SampleCall, index: int) -> dict[str, Any]:
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


def _messages(
    call: SampleCall,
    turn: Callable[[SampleCall, int], dict[str, Any]],
    tool: Callable[[SampleCall, SampleTool], _Messages],
) -> _Messages:
    conversation = conversation_of(call)
    messages = [turn(call, index) for index in range(len(conversation.turns))]
    if conversation.tool is not None:
        messages[conversation.tool.after : conversation.tool.after] = tool(call, conversation.tool)
    return messages


CALLBACKS: Final[Mapping[str, Callable[[SampleCall], list[SampleMessage]]]] = {
    VAPI: _vapi_callbacks,
    RETELL: _retell_callbacks,
}
