"""ElevenLabs' webhooks, and the conversations of its API, as facts.

Sources: ElevenLabs, "Post-call webhooks"; its SDK's conversation models.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

from calltally.calls.conversation import Conversation, FunctionCall, Turn
from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Door, Fact, Said
from calltally.calls.model import FINAL, UNANSWERED, Direction
from calltally.calls.times import SECOND_US
from calltally.providers import conversations as talks
from calltally.providers import json_documents, timestamps, value_parsers, values
from calltally.providers.callback import Callback, Refusal, Source
from calltally.providers.elevenlabs import words
from calltally.providers.json_documents import Shape, encode
from calltally.providers.kinds import unread
from calltally.providers.values import Content, Field

_FIELDS: Final = (
    Field("status", "status", value_parsers.one_of(words.STATUSES)),
    Field("agent_id", "platform_agent", value_parsers.word),
    Field("analysis.transcript_summary", "summary", talks.summary),
    Field("transcript_summary", "summary", talks.summary),
)
_FAILED: Final = (Field("metadata.body.SipResponseCode", "sip_code", value_parsers.sip_code),)
_UNNAMED: Final = "the body does not say which conversation it is of"
SHAPE: Final = Shape("conversation", ("conversations",), lambda nest: "conversation_id" in nest)


def facts_of(callback: Callback) -> list[Fact]:
    """What an event says of its call; nothing where it is of another kind. Raises NotUnderstood."""
    body = json_documents.object_of(callback.body)
    kind = values.needed(body, "type", value_parsers.word, "the body is no event of ElevenLabs'")
    if kind in words.PASSED_OVER:
        return []
    source, data = Source(Door.CALLBACK, callback.received_us), values.nest_at(body, "data")
    sent_us = values.instant_of(body, "event_timestamp", timestamps.epoch_s, callback.received_us)
    if kind == "post_call_transcription":
        return [_fact(data, sent_us, source, callback.body)]
    if kind == "call_initiation_failure":
        return [_failure(data, sent_us, source, callback.body)]
    names_state = "conversation_id" in data and bool({"status", "failure_reason"} & data.keys())
    raise unread(kind, f"type {kind!r} is in no table of ElevenLabs' events", names_state=names_state)


def list_facts(lines: Iterable[bytes], source: Source) -> Iterator[Fact | Refusal]:
    """Each conversation of an export, or of pages of the list."""
    return json_documents.list_facts(lines, source, SHAPE, conversation_fact)


def conversation_fact(conversation: Mapping[str, Any], source: Source) -> Fact:
    """One conversation of the API, whole or as its list has it."""
    return _fact(conversation, None, source, encode(conversation))


def _failure(data: Content, sent_us: int | None, source: Source, raw: bytes) -> Fact:
    """A call that never came to a conversation."""
    word = values.needed(data, "failure_reason", value_parsers.word, "the failure has no reason")
    status = words.FAILURES.get(word)
    if status is None:
        raise NotUnderstood(f"failure_reason {word!r}: not one of {', '.join(words.FAILURES)}")
    said = cast("Said", {**values.said_of(data, _FAILED), **talks.end_of(word, words.FAMILIES)})
    said["status"] = status
    if (agent := values.value_of(data, "agent_id", value_parsers.word)) is not None:
        said["platform_agent"] = agent
    told = talks.Told(
        call_sid=values.needed(data, "conversation_id", value_parsers.sid, _UNNAMED),
        occurred_us=source.received_us if sent_us is None else sent_us,
        said=said,
        links=_links(data),
    )
    return talks.fact_of(words.NAME, told, source, raw)


def _fact(data: Content, sent_us: int | None, source: Source, raw: bytes) -> Fact:
    call_sid = values.needed(data, "conversation_id", value_parsers.sid, _UNNAMED)
    word = _first(data, ("metadata.termination_reason", "termination_reason"), value_parsers.word)
    said = cast("Said", {**values.said_of(data, _FIELDS), **talks.end_of(word, words.FAMILIES)})
    occurred_us = _add_times(said, data, source.received_us)
    _add_parties(said, data)
    told = talks.Told(
        call_sid=call_sid,
        occurred_us=next((each for each in (sent_us, occurred_us) if each is not None), source.received_us),
        said=said,
        conversation=_conversation(data),
        session={
            "evaluation": _evaluation(data),
            "stream_id": values.value_of(data, "metadata.phone_call.stream_sid", value_parsers.sid),
        },
        links=_links(data),
    )
    return talks.fact_of(words.NAME, told, source, raw)


def _first(content: Content, names: Iterable[str], parse: value_parsers.Parse[Any]) -> Any:  # noqa: ANN401 (as parsed)
    found = (values.value_of(content, name, parse) for name in names)
    return next((value for value in found if value is not None), None)


def _add_times(said: Said, data: Content, received_us: int) -> int | None:
    """The talk begins when the call is accepted. Returns when what is said happened."""
    started_us, accepted_us = (
        _instant(data, name, received_us) for name in ("start_time_unix_secs", "accepted_time_unix_secs")
    )
    begun_us = started_us if accepted_us is None else accepted_us
    if said.get("status") not in FINAL or said.get("status") in UNANSWERED or begun_us is None:
        return begun_us
    said["answered_us"] = begun_us
    seconds = _first(data, ("metadata.call_duration_secs", "call_duration_secs"), value_parsers.seconds)
    if seconds is None:
        return begun_us
    said["talk_seconds"] = seconds
    said["ended_us"] = begun_us + int(seconds * SECOND_US)
    return said["ended_us"]


def _instant(data: Content, name: str, received_us: int) -> int | None:
    found = (
        values.instant_of(data, each, timestamps.epoch_s, received_us) for each in (f"metadata.{name}", name)
    )
    return next((instant for instant in found if instant is not None), None)


def _add_parties(said: Said, data: Content) -> None:
    call = values.nest_at(data, "metadata.phone_call")
    direction = _first(
        data, ("metadata.phone_call.direction", "direction"), value_parsers.one_of(words.DIRECTIONS)
    )
    if direction is None:
        return
    said["direction"] = direction
    own = values.value_of(call, "agent_number", value_parsers.number)
    other = values.value_of(call, "external_number", value_parsers.number)
    caller, called = (other, own) if direction == Direction.INBOUND else (own, other)
    if caller is not None:
        said["from_number"] = caller
    if called is not None:
        said["to_number"] = called


def _links(data: Content) -> tuple[Any, ...]:
    names = ("metadata.phone_call.call_sid", "metadata.body.CallSid", "metadata.body.call_sid")
    return talks.carrier(_first(data, names, value_parsers.sid))


def _evaluation(data: Content) -> dict[str, Any] | None:
    judged = _first(data, ("analysis.call_successful", "call_successful"), value_parsers.word)
    detail = talks.details(
        criteria=values.at(data, "analysis.evaluation_criteria_results"),
        data=values.at(data, "analysis.data_collection_results"),
    )
    return talks.evaluation(words.SUCCESS.get(judged or ""), detail)


def _conversation(data: Content) -> Conversation:
    told = data.get("transcript")
    if not isinstance(told, list):
        return Conversation()
    items = talks.parts(told)
    return Conversation([each for each in map(_turn, items) if each is not None], list(_functions(items)))


def _turn(item: Mapping[str, Any]) -> Turn | None:
    return talks.turn(item.get("role"), item.get("message"), start=item.get("time_in_call_secs"))


def _functions(items: list[Mapping[str, Any]]) -> Iterator[FunctionCall]:
    results = {
        str(result.get("request_id")): result
        for item in items
        for result in talks.parts(item.get("tool_results"))
    }
    for item in items:
        for call in talks.parts(item.get("tool_calls")):
            result = results.get(str(call.get("request_id")), {})
            given, failed = talks.json_of(result.get("result_value")), result.get("is_error") is True
            made = talks.function_call(
                call.get("tool_name"),
                arguments=talks.json_of(call.get("params_as_json")),
                result=None if failed else given,
                error=str(given)[:2_000] if failed else None,
                start_seconds=talks.number(item.get("time_in_call_secs")),
                duration_seconds=talks.number(result.get("tool_latency_secs")),
            )
            if made is not None:
                yield made
