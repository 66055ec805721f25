"""Turns and tool calls of a conversation in ElevenLabs' reports."""

from collections.abc import Iterator, Mapping
from typing import Any

from calltally.calls.conversation import Conversation, FunctionCall, Turn
from calltally.providers import platform_reports
from calltally.providers.values import Content


def conversation_of(data: Content) -> Conversation:
    transcript = data.get("transcript")
    if not isinstance(transcript, list):
        return Conversation()
    items = platform_reports.objects_in(transcript)
    return Conversation(
        [each for each in map(_turn, items) if each is not None], list(_function_calls(items))
    )


def _turn(item: Mapping[str, Any]) -> Turn | None:
    return platform_reports.turn(item.get("role"), item.get("message"), start=item.get("time_in_call_secs"))


def _function_calls(items: list[Mapping[str, Any]]) -> Iterator[FunctionCall]:
    results = {
        str(result.get("request_id")): result
        for item in items
        for result in platform_reports.objects_in(item.get("tool_results"))
    }
    for item in items:
        for call in platform_reports.objects_in(item.get("tool_calls")):
            result = results.get(str(call.get("request_id")), {})
            given, failed = (
                platform_reports.json_or_text(result.get("result_value")),
                result.get("is_error") is True,
            )
            made = platform_reports.function_call(
                call.get("tool_name"),
                arguments=platform_reports.json_or_text(call.get("params_as_json")),
                result=None if failed else given,
                error=str(given)[:2_000] if failed else None,
                start_seconds=platform_reports.session_seconds(item.get("time_in_call_secs")),
                duration_seconds=platform_reports.session_seconds(result.get("tool_latency_secs")),
            )
            if made is not None:
                yield made
