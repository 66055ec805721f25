"""Turns and tool calls of a conversation in Retell's calls."""

from collections.abc import Iterator, Mapping
from typing import Any

from calltally.calls.conversation import Conversation, FunctionCall, Turn
from calltally.providers import platform_reports
from calltally.providers.values import Content


def conversation_of(call: Content) -> Conversation:
    """Return the conversation. The transcript with tool calls includes the turns, so it comes first."""
    with_tools = call.get("transcript_with_tool_calls")
    turns = with_tools if isinstance(with_tools, list) and with_tools else call.get("transcript_object")
    return Conversation(
        [each for each in map(_turn, platform_reports.objects_in(turns)) if each is not None]
        if isinstance(turns, list)
        else None,
        list(_function_calls(platform_reports.objects_in(with_tools)))
        if isinstance(with_tools, list)
        else None,
    )


def _turn(item: Mapping[str, Any]) -> Turn | None:
    if item.get("role") not in (platform_reports.AGENT, platform_reports.USER, "transfer_target"):
        return None
    statement = platform_reports.objects_in(item.get("words"))
    start, end = (statement[0].get("start"), statement[-1].get("end")) if statement else (None, None)
    return platform_reports.turn(item.get("role"), item.get("content"), start=start, end=end)


def _function_calls(items: list[Mapping[str, Any]]) -> Iterator[FunctionCall]:
    results = {
        str(each.get("tool_call_id")): each for each in items if each.get("role") == "tool_call_result"
    }
    for item in items:
        if item.get("role") != "tool_call_invocation":
            continue
        result = results.get(str(item.get("tool_call_id")), {})
        made = platform_reports.function_call(
            item.get("name"),
            arguments=platform_reports.json_or_text(item.get("arguments")),
            result=platform_reports.json_or_text(result.get("content")),
        )
        if made is not None:
            yield made
