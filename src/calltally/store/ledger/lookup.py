"""Look-up of a call by any id or SID that it has or had, and of its facts."""

from typing import NamedTuple

from calltally.calls.errors import Erased
from calltally.calls.events import Fact
from calltally.calls.identity import call_uuid, parse_uuid
from calltally.calls.model import check_documents
from calltally.store.db.fact_codec import body_codec, unpack_fact
from calltally.store.db.operation import Statement, StatementMany, StoreOperation
from calltally.store.ledger.linked_calls import ERASED


class StoredFact(NamedTuple):
    """Fact with its outcome, and the number of its repeats."""

    fact: Fact
    outcome: str
    reason: str | None
    repeats: int


def resolve(tenant: str, node: bytes) -> StoreOperation[bytes]:
    """Return the id of the call that a SID's node or an earlier id belongs to."""
    rows = yield StatementMany("identities_of_nodes", [{"tenant": tenant, "node": node}])
    call_id: bytes = rows[0][3] if rows else node
    return call_id


def find_call(tenant: str, id_or_sid: str) -> StoreOperation[bytes | None]:
    """Return a call's finished record, or None. A UUID is tried as an id, then as a SID (as Vapi's are)."""
    found = yield from find_call_with_id(tenant, id_or_sid)
    return found[1] if found else None


def facts_of_call(tenant: str, id_or_sid: str) -> StoreOperation[list[StoredFact] | None]:
    """Return the facts of a call in order of occurrence, with raw bodies; None for an unknown call."""
    found = yield from find_call_with_id(tenant, id_or_sid)
    if found is None:
        return None
    nodes = yield from nodes_of(tenant, found[0])
    rows = yield StatementMany("timeline_of_nodes", [{"tenant": tenant, "node": node} for node in nodes])
    facts = [
        StoredFact(unpack_fact(content, received_us, body_codec.decompress(raw)), outcome, reason, repeats)
        for received_us, outcome, reason, repeats, content, raw in rows
    ]
    return sorted(facts, key=lambda stored: (stored.fact.occurred_us, stored.fact.order))


def nodes_of(tenant: str, call_id: bytes) -> StoreOperation[list[bytes]]:
    rows = yield StatementMany("identities_of_calls", [{"tenant": tenant, "id": call_id}])
    return [row[1] for row in rows] or [call_id]


def find_call_with_id(tenant: str, id_or_sid: str) -> StoreOperation[tuple[bytes, bytes] | None]:
    """Return the current id and the finished record of a call, or None."""
    as_id = parse_uuid(id_or_sid)
    for node in (as_id, call_uuid(tenant, id_or_sid)):
        if node is None:
            continue
        call_id = yield from resolve(tenant, node)
        if call_id == ERASED:
            raise Erased("the call was erased")
        rows = yield Statement("record_of_id", {"tenant": tenant, "id": call_id})
        if rows:
            return call_id, check_documents(rows[0][0])
    return None
