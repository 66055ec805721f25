"""Vapi's server messages, and Call objects of its API, as facts.

Source: Vapi, "Server events" and the Call object of its API reference.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

from calltally.calls.conversation import Conversation, FunctionCall, Turn
from calltally.calls.end_reasons import EndReason
from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Door, Fact, Said
from calltally.calls.failure_causes import Side
from calltally.calls.model import FINAL, UNANSWERED, Direction, Status
from calltally.providers import conversations as talks
from calltally.providers import json_documents, timestamps, value_parsers, values
from calltally.providers.callback import Callback, Refusal, Source
from calltally.providers.json_documents import Shape, encode
from calltally.providers.kinds import unread
from calltally.providers.values import Content, Field
from calltally.providers.vapi import words

REPORT: Final = "end-of-call-report"
UPDATE: Final = "status-update"
_CURRENCY: Final = "USD"
_ROLES: Final = {"bot": talks.AGENT, "assistant": talks.AGENT, "user": talks.USER}

_FIELDS: Final = (
    Field("call.type", "direction", value_parsers.one_of(words.DIRECTIONS)),
    Field("call.orgId", "provider_account", value_parsers.sid),
    Field("call.assistantId", "platform_agent", value_parsers.word),
    Field("analysis.summary", "summary", talks.summary),
    Field("artifact.recordingUrl", "recording_url", value_parsers.link),
)
SHAPE: Final = Shape(
    "call", ("results", "calls"), lambda nest: "id" in nest and bool({"assistantId", "orgId"} & nest.keys())
)


def facts_of(callback: Callback) -> list[Fact]:
    """What a message says of a call; nothing where it is of another kind. Raises NotUnderstood."""
    message = values.nest_at(json_documents.object_of(callback.body), "message")
    kind = values.needed(message, "type", value_parsers.word, "the body is no message of Vapi's")
    if kind in words.PASSED_OVER or kind.startswith("transcript"):
        return []
    if kind not in (REPORT, UPDATE):
        detail = f"type {kind!r} is in no table of Vapi's messages"
        raise unread(kind, detail, names_state=_names_state(message))
    source = Source(Door.CALLBACK, callback.received_us)
    return [_fact(message, source, callback.body)]


def _names_state(message: Content) -> bool:
    """Every message has the call, in the state that others told of; a message's own state may be news."""
    theirs = message.get("status")
    return "endedReason" in message or theirs == words.ENDED or theirs in words.OPEN_STATUSES


def list_facts(lines: Iterable[bytes], source: Source) -> Iterator[Fact | Refusal]:
    """Each Call object of an export, or of pages of the list."""
    return json_documents.list_facts(lines, source, SHAPE, call_fact)


def call_fact(call: Mapping[str, Any], source: Source) -> Fact:
    """A Call object says at its top what a report says around it."""
    return _fact({**call, "call": call}, source, encode(call))


def _fact(content: Content, source: Source, raw: bytes) -> Fact:
    call_sid = values.needed(
        content, "call.id", value_parsers.sid, "the message does not say which call it is of"
    )
    word = _first(content, ("endedReason", "call.endedReason"), value_parsers.word)
    said = cast("Said", {**values.said_of(content, _FIELDS), **talks.end_of(word, words.FAMILIES)})
    _add_state(said, content, word, source.received_us)
    _add_parties(said, content)
    _add_transfer(said, content, word)
    _add_money(said, content)
    told = talks.Told(
        call_sid=call_sid,
        occurred_us=_occurred_us(content, said, source.received_us),
        said=said,
        conversation=_conversation(content),
        session={"evaluation": _evaluation(content)},
        account=said.get("provider_account", ""),
        links=talks.carrier(values.value_of(content, "call.phoneCallProviderId", value_parsers.sid)),
    )
    return talks.fact_of(words.NAME, told, source, raw)


def _first(content: Content, names: Iterable[str], parse: value_parsers.Parse[Any]) -> Any:  # noqa: ANN401 (as parsed)
    found = (values.value_of(content, name, parse) for name in names)
    return next((value for value in found if value is not None), None)


def _add_state(said: Said, content: Content, word: str | None, received_us: int) -> None:
    """An end is `completed`, unless its reason says that nobody answered."""
    theirs = _first(content, ("status", "call.status"), value_parsers.word)
    has_ended = theirs == words.ENDED or content.get("type") == REPORT
    if not has_ended:
        if theirs is not None:
            said["status"] = _open_status(theirs)
        return
    started_us, ended_us = (
        values.instant_of(content, name, timestamps.rfc3339, received_us) for name in ("startedAt", "endedAt")
    )
    status = _final(word, started_us)
    said["status"] = status
    if ended_us is not None:
        said["ended_us"] = ended_us
    if status not in UNANSWERED and started_us is not None:
        said["answered_us"] = started_us
        seconds = values.value_of(content, "durationSeconds", value_parsers.seconds)
        if seconds is not None:
            said["talk_seconds"] = seconds


def _open_status(theirs: str) -> Status:
    if theirs not in words.OPEN_STATUSES:
        known = ", ".join((*words.OPEN_STATUSES, words.ENDED))
        raise NotUnderstood(f"status {theirs!r}: not one of {known}")
    return words.OPEN_STATUSES[theirs]


def _final(word: str | None, started_us: int | None) -> Status:
    never = (status for pattern, status in words.NEVER_CONNECTED if word and pattern.match(word))
    if (status := next(never, None)) is not None:
        return status
    why = talks.why_of(word, words.FAMILIES)
    was_talked = started_us is not None or _is_failed_hand_over(word)
    if was_talked and (why is None or why.reason not in words.UNANSWERED):
        return Status.COMPLETED
    return Status.COMPLETED if why is None else words.FINAL_BY_REASON.get(why.reason, Status.FAILED)


def _add_parties(said: Said, content: Content) -> None:
    customer = _first(content, ("customer.number", "call.customer.number"), value_parsers.number)
    own = _first(content, ("phoneNumber.number", "call.phoneNumber.number"), value_parsers.number)
    caller, called = (customer, own) if said.get("direction") == Direction.INBOUND else (own, customer)
    if said.get("direction") is None:
        return
    if caller is not None:
        said["from_number"] = caller
    if called is not None:
        said["to_number"] = called


def _add_transfer(said: Said, content: Content, word: str | None) -> None:
    """What became of a hand-over, where there was one and the call is over."""
    last: Content = next(reversed(talks.parts(values.at(content, "artifact.transfers"))), {})
    outcome = _transfer_outcome(said, last, word)
    if outcome is None or said.get("status") not in FINAL:
        return
    named = (values.value_of(each, "destination.number", value_parsers.number) for each in (last, content))
    target = next((number for number in named if number is not None), None)
    said["transfer"] = {"target": target, "outcome": outcome}
    if outcome == "failed" and said.get("end_reason") == EndReason.TRANSFERRED:
        said["end_reason"] = words.HAND_OVER_FAILED.reason.value
        said["end_side"] = Side.TENANT.value


def _transfer_outcome(said: Said, last: Content, word: str | None) -> str | None:
    """By the word, then by the record of the last hand-over: that a call was forwarded proves no answer."""
    if _is_failed_hand_over(word):
        return "failed"
    forwarded = "bridged" if said.get("end_reason") == EndReason.TRANSFERRED else None
    return words.TRANSFER_OUTCOMES.get(str(last.get("status")), forwarded)


def _is_failed_hand_over(word: str | None) -> bool:
    return word is not None and words.FAILED_HAND_OVER.match(word) is not None


def _add_money(said: Said, content: Content) -> None:
    amount = _first(content, ("cost", "call.cost"), value_parsers.amount)
    if amount is not None:
        said["cost"] = {"amount": amount, "currency": _CURRENCY}


def _occurred_us(content: Content, said: Said, received_us: int) -> int:
    """When the message was sent; a Call object was last changed then."""
    for name, read in (("timestamp", timestamps.epoch_ms), ("updatedAt", timestamps.rfc3339)):
        instant_us = values.instant_of(content, name, read, received_us)
        if instant_us is not None:
            return instant_us
    return said.get("ended_us", received_us)


def _evaluation(content: Content) -> dict[str, Any] | None:
    judged = values.at(content, "analysis.successEvaluation")
    successful = words.SUCCESS.get(str(judged).lower()) if isinstance(judged, str | bool) else None
    detail = talks.details(
        success_evaluation=judged if isinstance(judged, str | int | float) else None,
        structured_data=values.at(content, "analysis.structuredData"),
    )
    return talks.evaluation(successful, detail)


def _conversation(content: Content) -> Conversation:
    """Turns and tools stand in one list of messages, results behind their calls."""
    messages = values.at(content, "artifact.messages")
    if not isinstance(messages, list):
        messages = content.get("messages")
    if not isinstance(messages, list):
        return Conversation()
    told = talks.parts(messages)
    return Conversation([each for each in map(_turn, told) if each is not None], list(_functions(told)))


def _turn(message: Mapping[str, Any]) -> Turn | None:
    role = _ROLES.get(str(message.get("role")))
    start = talks.number(message.get("secondsFromStart"))
    lasted_ms = talks.number(message.get("duration"))
    end = start + lasted_ms / 1_000 if start is not None and lasted_ms is not None else None
    return talks.turn(role, message.get("message"), start=start, end=end)


def _functions(messages: list[Mapping[str, Any]]) -> Iterator[FunctionCall]:
    results = {
        str(each.get("toolCallId")): each for each in messages if each.get("role") == "tool_call_result"
    }
    for message in messages:
        for call in talks.parts(message.get("toolCalls")):
            result = results.get(str(call.get("id")), {})
            asked = talks.number(message.get("secondsFromStart"))
            answered = talks.number(result.get("secondsFromStart"))
            made = talks.function_call(
                values.at(call, "function.name"),
                arguments=talks.json_of(values.at(call, "function.arguments")),
                result=talks.json_of(result.get("result")),
                start_seconds=asked,
                duration_seconds=max(0.0, answered - asked)
                if asked is not None and answered is not None
                else None,
            )
            if made is not None:
                yield made
