"""Turns and tool calls of a conversation in Vapi's reports."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from calltally.calls.conversation import Conversation, FunctionCall, Turn
from calltally.providers import platform_reports, values
from calltally.providers.values import Content

_ROLES: Final = {
    "bot": platform_reports.AGENT,
    "assistant": platform_reports.AGENT,
    "user": platform_reports.USER,
}


def conversation_of(content: Content) -> Conversation:
    """Return the conversation. One list contains turns, tool calls and, after them, their results."""
    messages = values.value_at(content, "artifact.messages")
    if not isinstance(messages, list):
        messages = content.get("messages")
    if not isinstance(messages, list):
        return Conversation()
    items = platform_reports.objects_in(messages)
    return Conversation(
        [each for each in map(_turn, items) if each is not None], list(_function_calls(items))
    )


def _turn(message: Mapping[str, Any]) -> Turn | None:
    role = _ROLES.get(str(message.get("role")))
    start = platform_reports.session_seconds(message.get("secondsFromStart"))
    lasted_ms = platform_reports.session_seconds(message.get("duration"))
    end = start + lasted_ms / 1_000 if start is not None and lasted_ms is not None else None
    return platform_reports.turn(role, message.get("message"), start=start, end=end)


def _function_calls(messages: list[Mapping[str, Any]]) -> Iterator[FunctionCall]:
    results = {
        str(each.get("toolCallId")): each for each in messages if each.get("role") == "tool_call_result"
    }
    for message in messages:
        for call in platform_reports.objects_in(message.get("toolCalls")):
            result = results.get(str(call.get("id")), {})
            called_at = platform_reports.session_seconds(message.get("secondsFromStart"))
            answered_at = platform_reports.session_seconds(result.get("secondsFromStart"))
            made = platform_reports.function_call(
                values.value_at(call, "function.name"),
                arguments=platform_reports.json_or_text(values.value_at(call, "function.arguments")),
                result=platform_reports.json_or_text(result.get("result")),
                start_seconds=called_at,
                duration_seconds=max(0.0, answered_at - called_at)
                if called_at is not None and answered_at is not None
                else None,
            )
            if made is not None:
                yield made
