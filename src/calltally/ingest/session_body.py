"""Body of `PUT /api/v1/voice-sessions/{id}`, and its conversion to a fact."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeAlias, cast

import msgspec
from msgspec import Meta

from calltally.calls.conversation import Conversation, FunctionCall, Turn, pack_conversation
from calltally.calls.errors import InvalidBody
from calltally.calls.events import Channel, Fact, StatedFields, content_digest
from calltally.calls.sessions import SESSION_STATUSES, SessionStatus, conversation_counts
from calltally.calls.times import check_plausible, utc_text
from calltally.ingest import event_values as of
from calltally.ingest.event_fields import MAX_ID_CHARS, MAX_SUMMARY_CHARS, MAX_WORD_CHARS

MAX_TURNS: Final = 10_000
MAX_FUNCTION_CALLS: Final = 2_000
MAX_TEXT_CHARS: Final = 100_000
_MAX_SECONDS: Final = 30 * 86_400
_STORABLE: Final = r"^[^\u0000]*$"

_Id: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_ID_CHARS, pattern=_STORABLE)]
_Word: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_WORD_CHARS, pattern=_STORABLE)]
_Text: TypeAlias = Annotated[str, Meta(max_length=MAX_TEXT_CHARS)]
_Summary: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_SUMMARY_CHARS, pattern=_STORABLE)]
_Seconds: TypeAlias = Annotated[float, Meta(ge=0, le=_MAX_SECONDS)]
_Instant: TypeAlias = Annotated[
    str, Meta(examples=["2026-10-01T09:30:00Z"], extra_json_schema={"format": "date-time"})
]
_Status: TypeAlias = Annotated[str, Meta(extra_json_schema={"enum": list(SESSION_STATUSES)})]
_Tags: TypeAlias = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=of.MAX_TAG_CHARS, pattern=_STORABLE)]],
    Meta(max_length=of.MAX_TAGS),
]


class TurnBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Conversation turn. Seconds count from the session's start."""

    role: _Word
    text: _Text
    start_seconds: _Seconds | None = None
    end_seconds: _Seconds | None = None


class FunctionCallBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Call of a tool: its arguments, and its result or error."""

    name: _Word
    arguments: Any = None
    result: Any = None
    error: _Text | None = None
    start_seconds: _Seconds | None = None
    duration_seconds: _Seconds | None = None


class EvaluationBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Evaluation of the session. `details` is any object of at most 16 KiB."""

    successful: bool | None = None
    score: float | None = None
    reason: _Summary | None = None
    details: dict[str, Any] | None = None


class SessionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Fields to store of a session. A missing or null field leaves the stored value as it is.

    A list replaces the stored list, but tags are added. `call_sid` names the session's call; it may be left
    out once the call is known. `occurred_at` orders several requests; its default is the time of receipt.
    """

    call_sid: _Id | None = None
    stream_id: _Word | None = None
    agent_key: _Word | None = None
    status: _Status | None = None
    started_at: _Instant | None = None
    ended_at: _Instant | None = None
    summary: _Summary | None = None
    tags: _Tags | None = None
    evaluation: EvaluationBody | None = None
    transcript: Annotated[list[TurnBody], Meta(max_length=MAX_TURNS)] | None = None
    function_calls: Annotated[list[FunctionCallBody], Meta(max_length=MAX_FUNCTION_CALLS)] | None = None
    occurred_at: _Instant | None = None


def session_fact(session_id: str, body: SessionBody, call_sid: str, *, raw: bytes, now_us: int) -> Fact:
    """Return the fact of a tenant's session. Raises InvalidBody for values that no session can have.

    Without `occurred_at` each request is a fact of its own: the last request wins, even if it repeats an
    earlier one.
    """
    occurred_us = _instant("occurred_at", body.occurred_at, now_us)
    turns, calls = body.transcript, body.function_calls
    conversation = Conversation(
        None if turns is None else [Turn(*msgspec.structs.astuple(turn)) for turn in turns],
        None if calls is None else [FunctionCall(*msgspec.structs.astuple(call)) for call in calls],
    )
    return Fact(
        call_sid=call_sid,
        channel=Channel.OWN_EVENT,
        provider="",
        account="",
        event_id="" if occurred_us is not None else f"session at {utc_text(now_us)}",
        sequence=None,
        occurred_us=now_us if occurred_us is None else occurred_us,
        received_us=now_us,
        digest=content_digest([session_id, msgspec.to_builtins(body)]),
        stated=_fact_fields(session_id, body, conversation, now_us),
        raw=raw,
        conversation=pack_conversation(conversation),
    )


def _fact_fields(session_id: str, body: SessionBody, conversation: Conversation, now_us: int) -> StatedFields:
    status = body.status
    if status is not None and status not in SESSION_STATUSES:
        raise InvalidBody.of("status", f"status is one of {', '.join(SessionStatus)}, not {status[:80]!r}")
    session = {
        "stream_id": body.stream_id,
        "agent_key": body.agent_key,
        "status": status,
        "started_us": _instant("started_at", body.started_at, now_us),
        "ended_us": _instant("ended_at", body.ended_at, now_us),
        "evaluation": None if body.evaluation is None else _evaluation(body.evaluation),
        **conversation_counts(conversation),
    }
    fields = {
        "session_id": session_id,
        "summary": body.summary,
        "tags": None if body.tags is None else sorted(set(body.tags)),
        "session": _without_nulls(session),
    }
    return cast("StatedFields", _without_nulls(fields))


def _without_nulls(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _evaluation(body: EvaluationBody) -> dict[str, Any]:
    evaluation: dict[str, Any] = msgspec.to_builtins(body)
    if body.details is not None:
        try:
            evaluation["details"] = of.METADATA.read(body.details)
        except ValueError as fault:
            raise InvalidBody.of("evaluation.details", f"evaluation.details {fault}") from fault
    return evaluation


def _instant(name: str, text: str | None, now_us: int) -> int | None:
    if text is None:
        return None
    try:
        instant_us: int = of.INSTANT.read(text)
        check_plausible(instant_us, now_us)
    except ValueError as fault:
        raise InvalidBody.of(name, f"{name} {fault}") from fault
    return instant_us
