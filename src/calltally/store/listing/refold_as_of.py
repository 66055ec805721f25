"""What a call was as of a revision: its record then, folded again from the facts of then."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from calltally.calls.errors import DamagedStore, SnapshotGone
from calltally.calls.identity import Node, call_uuid, uuid_text
from calltally.calls.lifecycle import fold
from calltally.calls.model import CALL_FIELDS, encode_body, finish_record
from calltally.calls.times import utc_text
from calltally.store.db.fact_codec import unpack_fact
from calltally.store.db.operation import Row, StatementMany, StoreOperation
from calltally.store.ledger.linked_calls import Component, component_of, linked_nodes

_encoder: Final = msgspec.json.Encoder()


def documents_of(tenant: str, as_of: int, rows: Sequence[Row]) -> StoreOperation[list[bytes]]:
    """The record of each row (id, created, revision, updated, record if it still stands), in their order."""
    changed = [row for row in rows if row[4] is None]
    components = (yield from components_as_of(tenant, as_of, [row[0] for row in changed])) if changed else {}
    return [row[4] if row[4] is not None else _document(tenant, components.get(row[0]), row) for row in rows]


def components_as_of(tenant: str, as_of: int, ids: Sequence[bytes]) -> StoreOperation[dict[bytes, Component]]:
    """For each id or SID's node, the call that it belonged to by the facts up to a revision.

    An id of which there is no fact any more is left out: its call was erased.
    """
    nodes = yield from linked_nodes(tenant, ids)
    asked = [{"tenant": tenant, "node": node, "as_of": as_of} for node in sorted({*ids, *nodes})]
    rows = yield StatementMany("facts_of_nodes_as_of", asked)
    facts = {(node, key): unpack_fact(content, received_us) for node, key, received_us, content in rows}
    return component_of(tenant, facts, ids)


def _document(tenant: str, component: Component | None, row: Row) -> bytes:
    call_id, created_us, revision, updated_us, _record = row
    if component is None:
        return erased_document(call_id, created_us)
    if updated_us is None:
        message = (
            "the snapshot was taken while a node of the release before still wrote; begin again without it"
        )
        raise SnapshotGone(message)
    canonical: Node = component.canonical()
    if call_uuid(tenant, canonical.call_sid) != call_id:
        message = f"the facts of call {uuid_text(call_id)} do not lead to it; run `calltally verify`"
        raise DamagedStore(message)
    folded = fold(tenant, canonical, component.facts.values())
    return finish_record(encode_body(folded.call), revision, updated_us)


def erased_document(call_id: bytes, created_us: int) -> bytes:
    """What stays of an erased call in a snapshot from before: its place, and that it is gone."""
    shown: dict[str, object] = dict.fromkeys(CALL_FIELDS)
    shown |= {"id": uuid_text(call_id), "created_at": utc_text(created_us), "erased": True}
    return _encoder.encode(shown)


def ids_as_of(tenant: str, as_of: int, nodes: Iterable[bytes]) -> StoreOperation[list[bytes]]:
    """The ids of the calls that some SIDs belonged to as of a revision."""
    components = yield from components_as_of(tenant, as_of, list(nodes))
    return sorted({call_uuid(tenant, each.canonical().call_sid) for each in components.values()})
