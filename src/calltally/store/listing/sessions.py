"""Sessions: list, look-up, and the call that a session belongs to."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from calltally.calls.conversation import Conversation, unpack_conversation
from calltally.calls.model import check_documents
from calltally.store.db.fact_codec import body_codec
from calltally.store.db.operation import Row, Statement, StatementMany, StoreOperation
from calltally.store.ledger.linked_calls import StoredSession, stored_session
from calltally.store.ledger.lookup import find_call

# SQL of each filter.
_CONDITIONS: Final = {
    "status": "AND s.status = :status",
    "stream_id": "AND s.stream_id = :stream_id",
    "agent_key": "AND s.agent_key = :agent_key",
}


class SessionQuery(NamedTuple):
    """Query of a tenant's sessions, newest first."""

    limit: int
    offset: int
    status: str | None = None
    stream_id: str | None = None
    agent_key: str | None = None


class SessionPage(NamedTuple):
    """Page of finished records, and the number of sessions that match."""

    records: list[bytes]
    total: int


class FoundSession(NamedTuple):
    """Session with the id of its call, its finished record and its conversation."""

    call_id: bytes
    record: bytes
    conversation: Conversation


def list_sessions(tenant: str, query: SessionQuery) -> StoreOperation[SessionPage]:
    """Return one page; linear in the sessions that match."""
    values = query._asdict()
    named = {name: values[name] for name in _CONDITIONS if values[name] is not None}
    filters = (("filters", " ".join(_CONDITIONS[name] for name in named)),)
    [(total,)] = yield Statement("session_total", {"tenant": tenant, **named}, filters)
    if query.offset >= total:
        return SessionPage([], total)
    window = {"tenant": tenant, "most": query.limit, "skip": query.offset, **named}
    rows = yield Statement("session_records", window, filters)
    return SessionPage([check_documents(record) for (record,) in rows], total)


def find_session(tenant: str, session_id: str) -> StoreOperation[FoundSession | None]:
    """Return the whole session of an id; if several calls name the id, the newest call's."""
    rows = yield Statement("sessions_of_name", {"tenant": tenant, "session_id": session_id})
    return (yield from _whole(tenant, rows))


def session_of_call(tenant: str, call_id: bytes, session_id: str) -> StoreOperation[FoundSession | None]:
    """Return the whole session of an id in one call."""
    params = {"tenant": tenant, "session_id": session_id, "id": call_id}
    return (yield from _whole(tenant, (yield Statement("session_of_call", params))))


def _whole(tenant: str, rows: Sequence[Row]) -> StoreOperation[FoundSession | None]:
    if not rows:
        return None
    call_id, *row = rows[0]
    stored = stored_session(row)
    return FoundSession(call_id, stored.record, (yield from _conversation(tenant, stored)))


def _conversation(tenant: str, stored: StoredSession) -> StoreOperation[Conversation]:
    """Return the turns of one fact and the function calls of the same or another fact."""
    keys = sorted({key for key in (stored.turns, stored.functions) if key is not None})
    if not keys:
        return Conversation()
    params = [{"tenant": tenant, "node": node, "key": key} for node, key in keys]
    rows = yield StatementMany("conversations_of_facts", params)
    by_fact = {
        (node, key): unpack_conversation(body_codec.decompress(packed)) for _t, node, key, packed in rows
    }
    nothing = Conversation()
    turns = by_fact.get(stored.turns, nothing) if stored.turns else nothing
    functions = by_fact.get(stored.functions, nothing) if stored.functions else nothing
    return Conversation(turns.transcript, functions.function_calls)


def call_sid_of(tenant: str, session_id: str) -> StoreOperation[str | None]:
    """Return the SID of a session's call: a call that names it, else the call with this SID."""
    rows = yield Statement("sessions_of_name", {"tenant": tenant, "session_id": session_id})
    if rows:
        return _call_names.decode(rows[0][1]).call_sid
    record = yield from find_call(tenant, session_id)
    return None if record is None else _call_names.decode(record).call_sid


class _CallNames(msgspec.Struct):
    call_sid: str


_call_names: Final = msgspec.json.Decoder(_CallNames)
