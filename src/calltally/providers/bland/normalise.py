"""Bland's post-call webhook, and the calls of its API, as facts: both have the same fields.

Source: Bland, "Call details" and "Post call webhooks".
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

from calltally.calls.conversation import Conversation, Turn
from calltally.calls.events import Door, Fact, Said
from calltally.calls.model import FINAL, UNANSWERED, Direction
from calltally.providers import conversations as talks
from calltally.providers import json_documents, timestamps, value_parsers, values
from calltally.providers.bland import words
from calltally.providers.callback import Callback, Refusal, Source
from calltally.providers.json_documents import Shape, encode
from calltally.providers.kinds import unread
from calltally.providers.values import Content, Field

_FIELDS: Final = (
    Field("status", "status", value_parsers.one_of(words.STATUSES)),
    Field("from", "from_number", value_parsers.number),
    Field("to", "to_number", value_parsers.number),
    Field("pathway_id", "platform_agent", value_parsers.word),
    Field("summary", "summary", talks.summary),
    Field("recording_url", "recording_url", value_parsers.link),
    Field("answered_by", "answered_by", value_parsers.word),
)
SHAPE: Final = Shape("call", ("calls",), lambda nest: bool({"call_id", "c_id"} & nest.keys()))


def facts_of(callback: Callback) -> list[Fact]:
    """What the webhook says of its call. Raises NotUnderstood."""
    content = json_documents.object_of(callback.body)
    return [_fact(content, Source(Door.CALLBACK, callback.received_us), callback.body)]


def list_facts(lines: Iterable[bytes], source: Source) -> Iterator[Fact | Refusal]:
    """Each call of an export, or of pages of the list."""
    return json_documents.list_facts(lines, source, SHAPE, call_fact)


def call_fact(call: Mapping[str, Any], source: Source) -> Fact:
    """One call of the API."""
    return _fact(call, source, encode(call))


def _fact(call: Content, source: Source, raw: bytes) -> Fact:
    call_sid = _call_sid(call)
    word = _end_word(call)
    said = cast("Said", {**values.said_of(call, _FIELDS), **talks.end_of(word, words.FAMILIES)})
    if (is_inbound := values.flag_at(call, "inbound")) is not None:
        said["direction"] = Direction.INBOUND if is_inbound else Direction.OUTBOUND
    occurred_us = _add_times(said, call, source.received_us)
    if (amount := values.value_of(call, "price", value_parsers.amount)) is not None:
        said["cost"] = {"amount": amount, "currency": "USD"}
    if (target := values.value_of(call, "transferred_to", value_parsers.number)) is not None:
        said["transfer"] = {"target": target, "outcome": "bridged"}
        said["end_reason"] = "transferred"
    told = talks.Told(
        call_sid=call_sid,
        occurred_us=occurred_us,
        said=said,
        conversation=_conversation(call),
        session={"evaluation": _evaluation(call)},
    )
    return talks.fact_of(words.NAME, told, source, raw)


def _call_sid(call: Content) -> str:
    name = "call_id" if values.at(call, "call_id") not in (None, "") else "c_id"
    call_sid = values.value_of(call, name, value_parsers.sid)
    if call_sid is None:
        kind = values.value_of(call, "category", value_parsers.word) or ""
        detail = "call_id is missing: the body does not say which call it is of"
        raise unread(kind, detail, names_state="status" in call)
    return call_sid


def _end_word(call: Content) -> str | None:
    """A mailbox that answered says more than who hung up on it."""
    answered_by = values.value_of(call, "answered_by", value_parsers.word)
    return (
        answered_by
        if answered_by == words.VOICEMAIL
        else values.value_of(call, "call_ended_by", value_parsers.word)
    )


def _add_times(said: Said, call: Content, received_us: int) -> int:
    created_us, started_us, ended_us = (
        values.instant_of(call, name, timestamps.rfc3339, received_us)
        for name in ("created_at", "started_at", "end_at")
    )
    if created_us is not None:
        said["started_us"] = created_us
    if said.get("status") in FINAL:
        if ended_us is not None:
            said["ended_us"] = ended_us
        _add_talk(said, call, started_us)
    found = (ended_us, started_us, created_us)
    return next((instant for instant in found if instant is not None), received_us)


def _add_talk(said: Said, call: Content, started_us: int | None) -> None:
    """`call_length` is in minutes; `corrected_duration` in seconds, as text."""
    if said.get("status") in UNANSWERED or said.get("answered_by") in ("no-answer", "unknown"):
        return
    seconds = values.value_of(call, "corrected_duration", value_parsers.seconds)
    minutes = values.value_of(call, "call_length", value_parsers.seconds)
    if seconds is None and minutes is not None:
        seconds = minutes * 60
    if seconds:
        said["talk_seconds"] = seconds
        if started_us is not None:
            said["answered_us"] = started_us


def _evaluation(call: Content) -> dict[str, Any] | None:
    detail = talks.details(
        disposition=values.at(call, "disposition_tag"),
        analysis=values.at(call, "analysis"),
        pathway_tags=values.at(call, "pathway_tags"),
    )
    return talks.evaluation(None, detail)


def _conversation(call: Content) -> Conversation:
    told = call.get("transcripts")
    if not isinstance(told, list):
        return Conversation()
    return Conversation([each for each in map(_turn, talks.parts(told)) if each is not None])


def _turn(item: Mapping[str, Any]) -> Turn | None:
    return talks.turn(words.ROLES.get(str(item.get("user"))), item.get("text"))
