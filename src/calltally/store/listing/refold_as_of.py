"""Records of calls as of a revision, folded again from the facts up to that revision."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from calltally.calls.errors import DamagedStore, SnapshotGone
from calltally.calls.fold import fold
from calltally.calls.identity import Node, call_uuid, uuid_text
from calltally.calls.model import CALL_FIELDS, encode_body, finish_record
from calltally.calls.times import utc_text
from calltally.store.db.fact_codec import unpack_fact
from calltally.store.db.operation import Row, StatementMany, StoreOperation
from calltally.store.ledger.linked_calls import LinkedCall, linked_calls_of_nodes, linked_nodes

_encoder: Final = msgspec.json.Encoder()


def documents_of(tenant: str, as_of: int, rows: Sequence[Row]) -> StoreOperation[list[bytes]]:
    """Return the record of each row (id, created, revision, updated, record or None if it changed since)."""
    changed = [row for row in rows if row[4] is None]
    ids = [row[0] for row in changed]
    by_id = (yield from linked_calls_as_of(tenant, as_of, ids)) if changed else {}
    return [row[4] if row[4] is not None else _document(tenant, by_id.get(row[0]), row) for row in rows]


def linked_calls_as_of(
    tenant: str, as_of: int, ids: Sequence[bytes]
) -> StoreOperation[dict[bytes, LinkedCall]]:
    """Return the calls of ids or nodes by the facts up to a revision, without erased calls."""
    nodes = yield from linked_nodes(tenant, ids)
    params = [{"tenant": tenant, "node": node, "as_of": as_of} for node in sorted({*ids, *nodes})]
    rows = yield StatementMany("facts_of_nodes_as_of", params)
    facts = {(node, key): unpack_fact(content, received_us) for node, key, received_us, content in rows}
    return linked_calls_of_nodes(tenant, facts, ids)


def _document(tenant: str, linked_call: LinkedCall | None, row: Row) -> bytes:
    call_id, created_us, revision, updated_us, _record = row
    if linked_call is None:
        return erased_document(call_id, created_us)
    if updated_us is None:
        message = (
            "the snapshot was taken while the previous release still wrote calls; begin again without it"
        )
        raise SnapshotGone(message)
    canonical: Node = linked_call.canonical()
    if call_uuid(tenant, canonical.call_sid) != call_id:
        message = f"the facts of call {uuid_text(call_id)} do not produce its record; run `calltally verify`"
        raise DamagedStore(message)
    folded = fold(tenant, canonical, linked_call.facts.values())
    return finish_record(encode_body(folded.call), revision, updated_us)


def erased_document(call_id: bytes, created_us: int) -> bytes:
    """Return the record of an erased call in an older snapshot: its id, its time and a mark."""
    record: dict[str, object] = dict.fromkeys(CALL_FIELDS)
    record |= {"id": uuid_text(call_id), "created_at": utc_text(created_us), "erased": True}
    return _encoder.encode(record)


def ids_as_of(tenant: str, as_of: int, nodes: Iterable[bytes]) -> StoreOperation[list[bytes]]:
    linked_calls = yield from linked_calls_as_of(tenant, as_of, list(nodes))
    return sorted({call_uuid(tenant, each.canonical().call_sid) for each in linked_calls.values()})
