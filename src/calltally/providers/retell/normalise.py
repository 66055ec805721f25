"""Retell's webhooks, and the calls of its API, as facts.

Sources: Retell, "Webhook overview"; its SDK's PhoneCallResponse.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, cast

from calltally.calls.conversation import Conversation, FunctionCall, Turn
from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Door, Fact, Said
from calltally.calls.model import UNANSWERED, Status
from calltally.providers import conversations as talks
from calltally.providers import json_documents, timestamps, value_parsers, values
from calltally.providers.callback import Callback, Refusal, Source
from calltally.providers.json_documents import Shape, encode
from calltally.providers.kinds import unread
from calltally.providers.retell import words
from calltally.providers.values import Content, Field

_FIELDS: Final = (
    Field("direction", "direction", value_parsers.one_of(words.DIRECTIONS)),
    Field("from_number", "from_number", value_parsers.number),
    Field("to_number", "to_number", value_parsers.number),
    Field("agent_id", "platform_agent", value_parsers.word),
    Field("call_analysis.call_summary", "summary", talks.summary),
    Field("recording_url", "recording_url", value_parsers.link),
)
_UNNAMED: Final = "the body does not say which call it is of"
SHAPE: Final = Shape("call", ("items", "calls"), lambda nest: "call_id" in nest and "call_status" in nest)


def facts_of(callback: Callback) -> list[Fact]:
    """What an event says of its call; nothing where it is of another kind. Raises NotUnderstood."""
    body = json_documents.object_of(callback.body)
    event = values.needed(body, "event", value_parsers.word, "the body is no event of Retell's")
    if event in words.PASSED_OVER or event.startswith("chat_"):
        return []
    source, call = Source(Door.CALLBACK, callback.received_us), values.nest_at(body, "call")
    if event in words.CALL_EVENTS:
        return [_fact(call, source, callback.body)]
    if event not in words.TRANSFERS:
        # Most events carry the whole call: a state in one of them may be news.
        names_state = values.at(call, "call_status") is not None
        raise unread(event, f"event {event!r} is in no table of Retell's events", names_state=names_state)
    return [_transfer(body, words.TRANSFERS[event], source, callback.body)]


def list_facts(lines: Iterable[bytes], source: Source) -> Iterator[Fact | Refusal]:
    """Each call of an export, or of pages of the list."""
    return json_documents.list_facts(lines, source, SHAPE, call_fact)


def call_fact(call: Mapping[str, Any], source: Source) -> Fact:
    """One call of the API."""
    return _fact(call, source, encode(call))


def _transfer(body: Content, outcome: str, source: Source, raw: bytes) -> Fact:
    call = values.nest_at(body, "call")
    target = values.value_of(body, "transfer_destination.number", value_parsers.number)
    transfer = {
        "target": target or values.value_of(call, "transfer_destination", value_parsers.number),
        "outcome": outcome,
    }
    told = talks.Told(
        call_sid=values.needed(call, "call_id", value_parsers.sid, _UNNAMED),
        occurred_us=source.received_us,
        said={"transfer": transfer},
        links=_links(call),
    )
    return talks.fact_of(words.NAME, told, source, raw)


def _fact(call: Content, source: Source, raw: bytes) -> Fact:
    call_sid = values.needed(call, "call_id", value_parsers.sid, _UNNAMED)
    reason = values.value_of(call, "disconnection_reason", value_parsers.word)
    said = cast("Said", {**values.said_of(call, _FIELDS), **talks.end_of(reason, words.FAMILIES)})
    occurred_us = _add_state(said, call, reason, source.received_us)
    if (amount := values.value_of(call, "call_cost.combined_cost", value_parsers.amount)) is not None:
        # In cents.
        said["cost"] = {"amount": f"{Decimal(amount) / 100:f}", "currency": "USD"}
    if said.get("end_reason") == "transferred":
        target = values.value_of(call, "transfer_destination", value_parsers.number)
        said["transfer"] = {"target": target, "outcome": "bridged"}
    told = talks.Told(
        call_sid=call_sid,
        occurred_us=occurred_us,
        said=said,
        conversation=_conversation(call),
        session={"evaluation": _evaluation(call)},
        links=_links(call),
    )
    return talks.fact_of(words.NAME, told, source, raw)


def _add_state(said: Said, call: Content, reason: str | None, received_us: int) -> int:
    """The state and its times; returns when what is said happened."""
    theirs = values.needed(call, "call_status", value_parsers.word, "the call has no state")
    started_us, ended_us = (
        values.instant_of(call, name, timestamps.epoch_ms, received_us)
        for name in ("start_timestamp", "end_timestamp")
    )
    if theirs in words.OPEN_STATUSES:
        said["status"] = words.OPEN_STATUSES[theirs]
        return started_us or received_us
    if theirs not in words.ENDED:
        known = ", ".join((*words.OPEN_STATUSES, *sorted(words.ENDED)))
        raise NotUnderstood(f"call_status {theirs!r}: not one of {known}")
    said["status"] = status = _final(theirs, reason, started_us)
    if ended_us is not None:
        said["ended_us"] = ended_us
    if status not in UNANSWERED and started_us is not None:
        said["answered_us"] = started_us
        if (seconds := values.value_of(call, "duration_ms", value_parsers.milliseconds)) is not None:
            said["talk_seconds"] = seconds
    return ended_us or started_us or received_us


def _final(theirs: str, reason: str | None, started_us: int | None) -> Status:
    if reason in words.UNANSWERED:
        return words.UNANSWERED[str(reason)]
    return Status.FAILED if started_us is None and theirs != "ended" else Status.COMPLETED


def _links(call: Content) -> tuple[Any, ...]:
    """Retell names Twilio's SID alone; of another trunk it hands on the headers of SIP."""
    told = talks.carrier(values.value_of(call, "telephony_identifier.twilio_call_sid", value_parsers.sid))
    return tuple(dict.fromkeys((*told, *talks.carrier_in_headers(call.get("custom_sip_headers")))))


def _evaluation(call: Content) -> dict[str, Any] | None:
    detail = talks.details(
        user_sentiment=values.at(call, "call_analysis.user_sentiment"),
        in_voicemail=values.at(call, "call_analysis.in_voicemail"),
        custom=values.at(call, "call_analysis.custom_analysis_data"),
    )
    return talks.evaluation(values.flag_at(call, "call_analysis.call_successful"), detail)


def _conversation(call: Content) -> Conversation:
    """Where tools are told among the turns, the turns are theirs too."""
    told = call.get("transcript_with_tool_calls")
    turns = told if isinstance(told, list) and told else call.get("transcript_object")
    return Conversation(
        [each for each in map(_turn, talks.parts(turns)) if each is not None]
        if isinstance(turns, list)
        else None,
        list(_functions(talks.parts(told))) if isinstance(told, list) else None,
    )


def _turn(item: Mapping[str, Any]) -> Turn | None:
    if item.get("role") not in (talks.AGENT, talks.USER, "transfer_target"):
        return None
    said = talks.parts(item.get("words"))
    start, end = (said[0].get("start"), said[-1].get("end")) if said else (None, None)
    return talks.turn(item.get("role"), item.get("content"), start=start, end=end)


def _functions(items: list[Mapping[str, Any]]) -> Iterator[FunctionCall]:
    results = {
        str(each.get("tool_call_id")): each for each in items if each.get("role") == "tool_call_result"
    }
    for item in items:
        if item.get("role") != "tool_call_invocation":
            continue
        result = results.get(str(item.get("tool_call_id")), {})
        made = talks.function_call(
            item.get("name"),
            arguments=talks.json_of(item.get("arguments")),
            result=talks.json_of(result.get("content")),
        )
        if made is not None:
            yield made
