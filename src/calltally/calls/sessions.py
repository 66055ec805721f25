"""Sessions: conversations of a call with a voice agent, folded from the same facts as the call.

A fact names its session by `session_id`; `session` has the fields that concern the session alone. Turns and
function calls are long and stored beside the fact: the fold reads only their counts.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

import msgspec

from calltally.calls.conversation import Conversation
from calltally.calls.events import Fact, FactSource, StatedFields
from calltally.calls.fold import FoldedCall
from calltally.calls.model import OPEN, Status
from calltally.calls.times import utc_text


class SessionStatus(StrEnum):
    """State of a session."""

    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"


SESSION_STATUSES: Final = tuple(SessionStatus)


class ListedSession(msgspec.Struct, frozen=True):
    """Session as the list returns it, without `revision` and `updated_at`, which the ledger adds."""

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


class FoldedSession(NamedTuple):
    """Session, its creation time, and the facts with its turns and its function calls."""

    session: ListedSession
    created_us: int
    turns: Fact | None
    functions: Fact | None

    def encode(self) -> bytes:
        """Return the session's JSON object without its closing brace."""
        return _encoder.encode(self.session)[:-1]


_encoder: Final = msgspec.json.Encoder()
_TURNS: Final = "transcript_turn_count"
_FUNCTIONS: Final = "function_call_count"


def conversation_counts(conversation: Conversation) -> dict[str, int]:
    """Return the counts of turns and function calls, which the fold reads."""
    lists = ((_TURNS, conversation.transcript), (_FUNCTIONS, conversation.function_calls))
    return {name: len(items) for name, items in lists if items is not None}


def any_has_session(facts: Iterable[Fact]) -> bool:
    return any("session_id" in fact.stated for fact in facts)


def fold_sessions(folded: FoldedCall, facts: Iterable[Fact]) -> list[FoldedSession]:
    """Return the sessions of a call in the order of their ids: a pure function of the set of its facts."""
    by_id: dict[str, list[Fact]] = {}
    for fact in sorted(facts, key=lambda fact: (_RANK[fact.source], fact.order)):
        if (session_id := fact.stated.get("session_id")) is not None:
            by_id.setdefault(session_id, []).append(fact)
    return [_fold(folded, session_id, of_session) for session_id, of_session in sorted(by_id.items())]


# The tenant's statements about its own session outrank the platform's; a carrier knows no sessions.
_RANK: Final = {FactSource.CARRIER: 0, FactSource.PLATFORM: 1, FactSource.OWN: 2}


def _fold(folded: FoldedCall, session_id: str, facts: Sequence[Fact]) -> FoldedSession:
    """Merge sorted facts: the last statement of each field wins; tags accumulate."""
    call, merged = folded.call, StatedFields()
    stated: dict[str, Any] = {}
    tags: set[str] = set()
    turns = functions = None
    for fact in facts:
        merged.update(fact.stated)
        tags.update(fact.stated.get("tags", ()))
        fields = fact.stated.get("session", {})
        stated.update(fields)
        turns = fact if _TURNS in fields else turns
        functions = fact if _FUNCTIONS in fields else functions
    created_us = stated.get("started_us", folded.created_us)
    session = ListedSession(
        id=session_id,
        stream_id=stated.get("stream_id"),
        call_sid=call.call_sid,
        call_id=call.id,
        agent_key=stated.get("agent_key", call.agent),
        status=stated.get("status", _status(call.status)),
        summary=merged.get("summary", call.summary),
        tags=sorted(tags),
        evaluation=stated.get("evaluation"),
        function_call_count=stated.get(_FUNCTIONS),
        transcript_turn_count=stated.get(_TURNS),
        created_at=utc_text(created_us),
        ended_at=utc_text(stated["ended_us"]) if "ended_us" in stated else call.ended_at,
    )
    return FoldedSession(session, created_us, turns, functions)


def _status(call_status: str) -> str:
    if call_status in OPEN:
        return SessionStatus.ACTIVE
    return SessionStatus.COMPLETED if call_status == Status.COMPLETED else SessionStatus.FAILED
