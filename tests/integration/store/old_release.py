"""A node of the release before, of schema 0001: its statements as they were, and what it said with them.

`release_0001/` holds that release's SQL, unchanged. The code around it is gone, so this writes down what
it did with a fact: the columns are the ones that it named.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from calltally.calls.events import Fact
from calltally.calls.fold import FoldedCall, fold
from calltally.calls.identity import Node, call_uuid
from calltally.calls.model import DIRECTION_NUMBER, STATUS_NUMBER, encode_body, finish_record
from calltally.store.db import statements
from calltally.store.db.fact_codec import body_codec, pack_fact, unpack_fact
from calltally.store.db.operation import Row, StatementMany, StoreOperation
from calltally.store.db.statements import Statements
from calltally.store.rollups.call_counters import CallDimensions, CounterDeltas
from calltally.store.rollups.call_counters import counter_statements as counting
from tests.conftest import NOW_US, TENANT, Bench

FOLDER = Path(__file__).parent / "release_0001"
_PARTIES = ("escalated", "from_number", "to_number")
_FACT = {"outcome": "applied", "reason": None, "repeats": 0}


def old_statements(dialect: str) -> Statements:
    """That release's statements for one database."""
    folder = statements._FOLDER
    statements._FOLDER = FOLDER  # type: ignore[misc]
    statements.load.cache_clear()
    try:
        return Statements(dialect)
    finally:
        statements._FOLDER = folder  # type: ignore[misc]
        statements.load.cache_clear()


@contextmanager
def old_node(bench: Bench) -> Iterator[Bench]:
    """The bench, speaking as that release did."""
    store: Any = bench.store
    today = store._statements
    store._statements = old_statements(store.dialect)
    # It knew nothing of tables that are spread, and does not look.
    store._statements.is_distributed = False
    try:
        yield bench
    finally:
        store._statements = today


def record_as_before(reported: Fact) -> StoreOperation[int]:
    """One fact of a SID that nobody linked, as one commit; returns the revision that shows it."""
    tenant, node = TENANT, call_uuid(TENANT, reported.call_sid)
    [(_, head)] = yield StatementMany("lock_heads", [{"tenant": tenant}])
    yield StatementMany("identities_of_nodes", [{"tenant": tenant, "node": node}])
    yield StatementMany("identities_of_calls", [{"tenant": tenant, "id": node}])
    known = yield StatementMany("facts_of_nodes", [{"tenant": tenant, "node": node}])
    stored = yield StatementMany("calls_of_ids", [{"tenant": tenant, "id": node}])
    facts = [*(unpack_fact(content, received_us) for *_, received_us, content in known), reported]
    folded = fold(tenant, Node(reported.call_sid, is_carrier=False), facts)
    yield from _write(reported, node, folded, head + 1, stored[0] if stored else None)
    return int(head + 1)


def _write(
    reported: Fact, node: bytes, folded: FoldedCall, revision: int, old: Row | None
) -> StoreOperation[None]:
    row = {"tenant": TENANT, "node": node, "key": reported.key, "received_us": reported.received_us}
    content = {"content": pack_fact(reported), "raw": body_codec.compress(reported.raw)}
    yield StatementMany("put_facts", [row | content | _FACT])
    deltas, call = CounterDeltas(), folded.call
    dimensions = CallDimensions(
        *(TENANT, folded.created_us, STATUS_NUMBER[call.status], DIRECTION_NUMBER[call.direction]),
        *(call.route, call.agent, call.provider),
    )
    deltas.add(dimensions, 1)
    if old is not None:
        deltas.add(CallDimensions(*old[0:1], *old[2:8]), -1)
        yield StatementMany("put_versions", [_version(old, revision)])
    parties = dict(zip(_PARTIES, (int(call.escalated), call.from_number, call.to_number), strict=True))
    sealed = {"updated_us": NOW_US, "record": finish_record(encode_body(call), revision, NOW_US)}
    displayed = {
        "id": node,
        "call_sid": call.call_sid,
        **dimensions._asdict(),
        **parties,
        "revision": revision,
    }
    yield StatementMany("put_calls", [displayed | sealed])
    yield from counting(deltas.rows(), {TENANT: revision})
    yield StatementMany("move_heads", [{"tenant": TENANT, "revision": revision}])
    event = {"event": "voice.call.started", "event_id": bytes(16), "created_us": NOW_US, "body": b"{}"}
    yield StatementMany("put_outbox", [{"tenant": TENANT, "revision": revision, "call_id": node, **event}])


def _version(old: Row, revision: int) -> dict[str, Any]:
    names = ("tenant", "id", "created_us", "status", "direction", "route", "agent", "provider", *_PARTIES)
    return dict(zip((*names, "valid_from"), old, strict=False)) | {"valid_to": revision}
