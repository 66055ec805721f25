"""Sessions: a page of them, one of them, and which call one belongs to."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from calltally.calls.conversation import Conversation, unpack_conversation
from calltally.store.db.fact_codec import body_codec
from calltally.store.db.operation import Row, Statement, StatementMany, StoreOperation
from calltally.store.ledger.linked_calls import FactKey, StoredSession, stored_session
from calltally.store.ledger.lookup import find_call

# What each filter is in SQL.
_CONDITIONS: Final = {
    "status": "AND s.status = :status",
    "stream_id": "AND s.stream_id = :stream_id",
    "agent_key": "AND s.agent_key = :agent_key",
}


class SessionQuery(NamedTuple):
    """Which sessions of a tenant, newest first."""

    limit: int
    offset: int
    status: str | None = None
    stream_id: str | None = None
    agent_key: str | None = None


class SessionPage(NamedTuple):
    """Sealed records, and how many there are in all."""

    records: list[bytes]
    total: int


class FoundSession(NamedTuple):
    """One session: the id of its call, its sealed record, and what was said in it."""

    call_id: bytes
    record: bytes
    conversation: Conversation


def list_sessions(tenant: str, query: SessionQuery) -> StoreOperation[SessionPage]:
    """One page; linear in the sessions that match."""
    asked = query._asdict()
    named = {name: asked[name] for name in _CONDITIONS if asked[name] is not None}
    filters = (("filters", " ".join(_CONDITIONS[name] for name in named)),)
    [(total,)] = yield Statement("session_total", {"tenant": tenant, **named}, filters)
    if query.offset >= total:
        return SessionPage([], total)
    window = {"tenant": tenant, "most": query.limit, "skip": query.offset, **named}
    rows = yield Statement("session_records", window, filters)
    return SessionPage([record for (record,) in rows], total)


def find_session(tenant: str, session_id: str) -> StoreOperation[FoundSession | None]:
    """The session of an id, whole; of several calls that name one id, the newest one's."""
    rows = yield Statement("sessions_of_name", {"tenant": tenant, "session_id": session_id})
    return (yield from _whole(tenant, rows))


def session_of_call(tenant: str, call_id: bytes, session_id: str) -> StoreOperation[FoundSession | None]:
    """The session of an id in one call, whole."""
    asked = {"tenant": tenant, "session_id": session_id, "id": call_id}
    rows = yield Statement("session_of_call", asked)
    return (yield from _whole(tenant, rows))


def _whole(tenant: str, rows: Sequence[Row]) -> StoreOperation[FoundSession | None]:
    if not rows:
        return None
    call_id, *row = rows[0]
    stored = stored_session(row)
    return FoundSession(call_id, stored.record, (yield from _conversation(tenant, stored)))


def _conversation(tenant: str, stored: StoredSession) -> StoreOperation[Conversation]:
    """The turns of one fact and the function calls of another, or of the same."""
    keys = sorted({key for key in (stored.turns, stored.functions) if key is not None})
    if not keys:
        return Conversation()
    asked = [{"tenant": tenant, "node": node, "key": key} for node, key in keys]
    rows = yield StatementMany("conversations_of_facts", asked)
    told = {(node, key): unpack_conversation(body_codec.decompress(packed)) for _t, node, key, packed in rows}
    return Conversation(_part(told, stored.turns).transcript, _part(told, stored.functions).function_calls)


def _part(told: dict[FactKey, Conversation], key: FactKey | None) -> Conversation:
    return Conversation() if key is None else told.get(key, Conversation())


def call_sid_of(tenant: str, session_id: str) -> StoreOperation[str | None]:
    """The SID of the call that a session is of: one that names it, else the one whose own SID it is."""
    rows = yield Statement("sessions_of_name", {"tenant": tenant, "session_id": session_id})
    if rows:
        return _named.decode(rows[0][1]).call_sid
    record = yield from find_call(tenant, session_id)
    return None if record is None else _named.decode(record).call_sid


class _Named(msgspec.Struct):
    call_sid: str


_named: Final = msgspec.json.Decoder(_Named)
