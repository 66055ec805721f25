"""The sessions of a call in the hands of a commit: what is stored, what changed, what they are found by."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import msgspec

from calltally.calls.conversation import transcript_text, unpack_conversation
from calltally.calls.events import Fact
from calltally.calls.identity import call_uuid
from calltally.calls.model import finish_record, record_body
from calltally.calls.sessions import FoldedSession, VoiceSession
from calltally.store.db.fact_codec import body_codec
from calltally.store.db.operation import Params, StatementMany, StoreOperation
from calltally.store.ledger.linked_calls import Component, FactKey, StoredSession

# What was said, packed, by (tenant, node, key) of the fact that told it.
Packed: TypeAlias = Mapping[tuple[str, bytes, bytes], bytes]


class State(NamedTuple):
    """What can change of one session: the body of its record, and whose turns and function calls stand."""

    body: bytes
    turns: FactKey | None
    functions: FactKey | None


def stored_states(component: Component, call_id: bytes) -> dict[str, State]:
    """The sessions of a call as their rows have them."""
    if not component.sessions:
        return {}
    rows = component.sessions.items()
    return {sid: _state(stored) for (each_id, sid), stored in rows if each_id == call_id}


def folded_states(tenant: str, sessions: Iterable[FoldedSession]) -> dict[str, State]:
    """The same as the fold has them."""
    return {
        each.session.id: State(each.encode(), fact_key(tenant, each.turns), fact_key(tenant, each.functions))
        for each in sessions
    }


def turns_of(states: Mapping[str, State]) -> tuple[FactKey, ...]:
    """The facts whose turns a call is found by."""
    if not states:
        return ()
    return tuple(state.turns for _id, state in sorted(states.items()) if state.turns is not None)


def session_row(tenant: str, folded: FoldedSession, sealed_at: tuple[int, int]) -> Params:
    """A row for `put_sessions`, sealed with a revision at an instant."""
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


def newly_evaluated(component: Component, sessions: Iterable[FoldedSession]) -> VoiceSession | None:
    """A session whose evaluation is not what was stored of it, under whichever call."""
    before: dict[str, list[Any]] = {}
    for (_call_id, session_id), stored in component.sessions.items():
        before.setdefault(session_id, []).append(_evaluations.decode(stored.record).evaluation)
    for each in sessions:
        evaluation = each.session.evaluation
        if evaluation is not None and evaluation not in before.get(each.session.id, ()):
            return each.session
    return None


def spoken_by(component: Component, sessions: Sequence[FoldedSession], packed: Packed) -> str:
    """All that was said in the sessions of a call."""
    return "\n".join(_texts(component.tenant, sessions, packed))


def missing_turns(tenant: str, sessions: Iterable[FoldedSession]) -> list[Params]:
    """The facts whose turns have to be fetched: those of this commit have theirs with them."""
    keys = [fact_key(tenant, each.turns) for each in sessions if each.turns and not each.turns.conversation]
    return [{"tenant": tenant, "node": key[0], "key": key[1]} for key in keys if key is not None]


def fetch_packed(asked: Sequence[Params]) -> StoreOperation[Packed]:
    """What some facts told of the words."""
    if not asked:
        return {}
    rows = yield StatementMany("conversations_of_facts", asked)
    return {
        (tenant, node, key): body_codec.decompress(packed) for tenant, node, key, packed in rows if packed
    }


def fact_key(tenant: str, fact: Fact | None) -> FactKey | None:
    """Under which node and key a fact lies."""
    return None if fact is None else (call_uuid(tenant, fact.call_sid), fact.key)


def _texts(tenant: str, sessions: Sequence[FoldedSession], packed: Packed) -> Iterator[str]:
    for each in sessions:
        key = fact_key(tenant, each.turns)
        if each.turns is not None and key is not None:
            said = each.turns.conversation or packed.get((tenant, *key), b"")
            yield transcript_text(unpack_conversation(said))


def _state(stored: StoredSession) -> State:
    return State(record_body(stored.record), stored.turns, stored.functions)


class _Evaluated(msgspec.Struct):
    evaluation: dict[str, Any] | None = None


_evaluations = msgspec.json.Decoder(_Evaluated)
