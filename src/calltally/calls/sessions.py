"""Sessions: the conversation of a call with a voice agent, folded from the same facts as the call.

A fact names its session by `session_id`; what it says of it beside what it says of the call stands in
`session`. Turns and function calls are long, and lie beside the fact: the fold sees how many there are.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

import msgspec

from calltally.calls.conversation import Conversation
from calltally.calls.events import Fact, FactSource, StatedFields
from calltally.calls.lifecycle import FoldedCall
from calltally.calls.model import OPEN, Status
from calltally.calls.times import utc_text


class SessionStatus(StrEnum):
    """Where a session stands."""

    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"


SESSION_STATUSES: Final = tuple(SessionStatus)


class VoiceSession(msgspec.Struct, frozen=True):
    """One session as the list shows it, without `revision` and `updated_at`, which the ledger adds."""

    id: str
    stream_id: str | None
    call_sid: str
    call_id: str
    agent_key: str | None
    status: str
    summary: str | None
    tags: list[str]
    evaluation: dict[str, Any] | None
    function_call_count: int | None
    transcript_turn_count: int | None
    created_at: str
    ended_at: str | None


SESSION_FIELDS: Final = (*VoiceSession.__struct_fields__, "revision", "updated_at")


class FoldedSession(NamedTuple):
    """A session, when it began, and which facts have its turns and its function calls."""

    session: VoiceSession
    created_us: int
    turns: Fact | None
    functions: Fact | None

    def encode(self) -> bytes:
        """Its JSON object up to, and without, its closing brace."""
        return _encoder.encode(self.session)[:-1]


_encoder: Final = msgspec.json.Encoder()
_TURNS: Final = "transcript_turn_count"
_FUNCTIONS: Final = "function_call_count"


def conversation_counts(conversation: Conversation) -> dict[str, int]:
    """What the fold has to know of it."""
    told = ((_TURNS, conversation.transcript), (_FUNCTIONS, conversation.function_calls))
    return {name: len(parts) for name, parts in told if parts is not None}


def any_has_session(facts: Iterable[Fact]) -> bool:
    """Whether there is a session at all."""
    return any(map(has_session, facts))


def has_session(fact: Fact) -> bool:
    """Whether a fact names the session that it is of."""
    return "session_id" in fact.stated


def fold_sessions(folded: FoldedCall, facts: Iterable[Fact]) -> list[FoldedSession]:
    """The sessions of a call by their ids: a pure function of the set of its facts, as the call is."""
    by_id: dict[str, list[Fact]] = {}
    for fact in sorted(facts, key=_order):
        if (session_id := fact.stated.get("session_id")) is not None:
            by_id.setdefault(session_id, []).append(fact)
    return [_fold(folded, session_id, told) for session_id, told in sorted(by_id.items())]


# What the tenant says of its own session outranks what the platform does; a carrier knows nothing of it.
_PLACE: Final = {FactSource.CARRIER: 0, FactSource.PLATFORM: 1, FactSource.OWN: 2}


def _order(fact: Fact) -> tuple[Any, ...]:
    return (_PLACE[fact.source], fact.order)


def _fold(folded: FoldedCall, session_id: str, facts: Sequence[Fact]) -> FoldedSession:
    """`facts` in their order: of what several say, the last stands; tags add up."""
    call, merged = folded.call, StatedFields()
    said: dict[str, Any] = {}
    tags: set[str] = set()
    turns = functions = None
    for fact in facts:
        merged.update(fact.stated)
        tags.update(fact.stated.get("tags", ()))
        told = fact.stated.get("session", {})
        said.update(told)
        turns = fact if _TURNS in told else turns
        functions = fact if _FUNCTIONS in told else functions
    created_us = said.get("started_us", folded.created_us)
    session = VoiceSession(
        id=session_id,
        stream_id=said.get("stream_id"),
        call_sid=call.call_sid,
        call_id=call.id,
        agent_key=said.get("agent_key", call.agent),
        status=said.get("status", _status(call.status)),
        summary=merged.get("summary", call.summary),
        tags=sorted(tags),
        evaluation=said.get("evaluation"),
        function_call_count=said.get(_FUNCTIONS),
        transcript_turn_count=said.get(_TURNS),
        created_at=utc_text(created_us),
        ended_at=utc_text(said["ended_us"]) if "ended_us" in said else call.ended_at,
    )
    return FoldedSession(session, created_us, turns, functions)


def _status(call_status: str) -> str:
    if call_status in OPEN:
        return SessionStatus.ACTIVE
    return SessionStatus.COMPLETED if call_status == Status.COMPLETED else SessionStatus.FAILED
