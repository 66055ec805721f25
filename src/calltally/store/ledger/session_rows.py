"""Session rows of a call within a commit: stored state, changes, and searchable text."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import msgspec

from calltally.calls.conversation import transcript_text, unpack_conversation
from calltally.calls.events import Fact
from calltally.calls.identity import call_uuid
from calltally.calls.model import finish_record, record_body
from calltally.calls.sessions import FoldedSession, ListedSession
from calltally.store.db.fact_codec import body_codec
from calltally.store.db.operation import Params, StatementMany, StoreOperation
from calltally.store.ledger.linked_calls import FactKey, LinkedCall

# Packed conversations by (tenant, node, key) of their facts.
PackedConversations: TypeAlias = Mapping[tuple[str, bytes, bytes], bytes]


class SessionState(NamedTuple):
    """State of a session: the body of its record, and the facts with its turns and function calls."""

    body: bytes
    turns: FactKey | None
    functions: FactKey | None


def stored_states(linked_call: LinkedCall, call_id: bytes) -> dict[str, SessionState]:
    if not linked_call.sessions:
        return {}
    rows = linked_call.sessions.items()
    return {
        sid: SessionState(record_body(stored.record), stored.turns, stored.functions)
        for (each_id, sid), stored in rows
        if each_id == call_id
    }


def folded_states(tenant: str, sessions: Iterable[FoldedSession]) -> dict[str, SessionState]:
    return {
        each.session.id: SessionState(
            each.encode(), fact_key(tenant, each.turns), fact_key(tenant, each.functions)
        )
        for each in sessions
    }


def turns_of(states: Mapping[str, SessionState]) -> tuple[FactKey, ...]:
    """Return the facts whose turns are the searchable text of a call."""
    if not states:
        return ()
    return tuple(state.turns for _id, state in sorted(states.items()) if state.turns is not None)


def session_row(tenant: str, folded: FoldedSession, sealed_at: tuple[int, int]) -> Params:
    """Return a row for `put_sessions`, completed by a revision and a time."""
    session, (revision, updated_us) = folded.session, sealed_at
    turns_node, turns_key = fact_key(tenant, folded.turns) or (None, None)
    functions_node, functions_key = fact_key(tenant, folded.functions) or (None, None)
    return {
        "tenant": tenant,
        "session_id": session.id,
        "created_us": folded.created_us,
        "status": session.status,
        "stream_id": session.stream_id,
        "agent_key": session.agent_key,
        "revision": revision,
        "record": finish_record(folded.encode(), revision, updated_us),
        "turns_node": turns_node,
        "turns_key": turns_key,
        "functions_node": functions_node,
        "functions_key": functions_key,
    }


def newly_evaluated(linked_call: LinkedCall, sessions: Iterable[FoldedSession]) -> ListedSession | None:
    """Return a session whose evaluation differs from the stored one, under any call."""
    before: dict[str, list[Any]] = {}
    for (_call_id, session_id), stored in linked_call.sessions.items():
        before.setdefault(session_id, []).append(_evaluations.decode(stored.record).evaluation)
    for each in sessions:
        evaluation = each.session.evaluation
        if evaluation is not None and evaluation not in before.get(each.session.id, ()):
            return each.session
    return None


def transcript_of(
    linked_call: LinkedCall, sessions: Sequence[FoldedSession], packed: PackedConversations
) -> str:
    texts = []
    for each in sessions:
        key = fact_key(linked_call.tenant, each.turns)
        if each.turns is not None and key is not None:
            conversation = each.turns.conversation or packed.get((linked_call.tenant, *key), b"")
            texts.append(transcript_text(unpack_conversation(conversation)))
    return "\n".join(texts)


def missing_turns(tenant: str, sessions: Iterable[FoldedSession]) -> list[Params]:
    """Return the facts whose turns have to be fetched; facts of this commit include theirs."""
    keys = [fact_key(tenant, each.turns) for each in sessions if each.turns and not each.turns.conversation]
    return [{"tenant": tenant, "node": key[0], "key": key[1]} for key in keys if key is not None]


def fetch_conversations(facts: Sequence[Params]) -> StoreOperation[PackedConversations]:
    if not facts:
        return {}
    rows = yield StatementMany("conversations_of_facts", facts)
    return {
        (tenant, node, key): body_codec.decompress(packed) for tenant, node, key, packed in rows if packed
    }


def fact_key(tenant: str, fact: Fact | None) -> FactKey | None:
    return None if fact is None else (call_uuid(tenant, fact.call_sid), fact.key)


class _Evaluated(msgspec.Struct):
    evaluation: dict[str, Any] | None = None


_evaluations = msgspec.json.Decoder(_Evaluated)
