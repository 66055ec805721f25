"""Erasure of calls, by request or by `retention`. Only a hash remains, which refuses further facts.

Erased at once: the record, its sessions, its facts with raw bodies and transcripts, its words, its frozen
events, its SIDs in alerts, and the numbers and the parent in its superseded versions. The list columns of
those versions stay as long as snapshots are kept, because pages of a snapshot must not shift; then they are
pruned.
"""

from collections.abc import Sequence

from calltally.calls.errors import NotFound
from calltally.calls.identity import call_uuid, parse_uuid
from calltally.store.alerts.erasure import erase_calls_from_alerts
from calltally.store.db.operation import Statement, StatementMany, StoreOperation
from calltally.store.ledger.change_set import ChangeSet
from calltally.store.ledger.linked_calls import ERASED, StoredCall, stored_call
from calltally.store.ledger.lookup import nodes_of, resolve
from calltally.store.snapshots.ledger_head import lock_head


def erase_call(tenant: str, id_or_sid: str, now_us: int) -> StoreOperation[bool]:
    """Erase one call. Return False if it was erased before. Raises NotFound for an unknown call."""
    revisions = yield from lock_head(tenant)
    call_id = yield from _named(tenant, id_or_sid)
    if call_id == ERASED:
        return False
    yield from erase_calls(tenant, [call_id], ChangeSet(revisions, now_us), "erased")
    return True


def nodes_to_erase(tenant: str, id_or_sid: str) -> StoreOperation[list[bytes]]:
    """Return all ids of a call; none if it was erased before. Raises NotFound for an unknown call."""
    call_id = yield from _named(tenant, id_or_sid)
    return [] if call_id == ERASED else (yield from nodes_of(tenant, call_id))


def erase_nodes(tenant: str, nodes: Sequence[bytes], now_us: int) -> StoreOperation[bool]:
    """Erase the calls of recorded ids, and refuse facts of the other ids. Return False if all are erased."""
    revisions = yield from lock_head(tenant)
    rows = yield StatementMany("identities_of_nodes", [{"tenant": tenant, "node": node} for node in nodes])
    owners = {node: node for node in nodes} | {row[1]: row[3] for row in rows}
    owned = {owner for owner in owners.values() if owner != ERASED}
    if not owned:
        return False
    found = yield StatementMany("calls_of_ids", [{"tenant": tenant, "id": owner} for owner in sorted(owned)])
    ids = sorted(stored_call(row).id for row in found)
    changes = ChangeSet(revisions, now_us)
    for node, owner in owners.items():
        if owner != ERASED and owner not in ids:
            changes.put("put_identities", tenant=tenant, node=node, call_sid="", id=ERASED)
    yield from (erase_calls(tenant, ids, changes, "erased") if ids else changes.write())
    return True


def _named(tenant: str, id_or_sid: str) -> StoreOperation[bytes]:
    for node in (parse_uuid(id_or_sid), call_uuid(tenant, id_or_sid)):
        if node is None:
            continue
        call_id = yield from resolve(tenant, node)
        if call_id == ERASED or (yield Statement("created_of_call", {"tenant": tenant, "id": call_id})):
            return call_id
    raise NotFound("there is no call with this id or SID; erased calls have none")


def erase_calls(tenant: str, ids: Sequence[bytes], changes: ChangeSet, reason: str) -> StoreOperation[None]:
    """Erase calls, with everything that is stored of them, and subtract them from the totals."""
    rows = yield StatementMany("calls_of_ids", [{"tenant": tenant, "id": call_id} for call_id in ids])
    calls = [stored_call(row) for row in rows]
    linked = yield StatementMany(
        "identities_of_calls", [{"tenant": tenant, "id": call_id} for call_id in ids]
    )
    nodes = sorted({*ids, *(row[1] for row in linked)})
    ended = yield StatementMany("ends_of_ids", [{"tenant": tenant, "id": node} for node in nodes])
    yield from _forget_versions(tenant, calls, [row[0] for row in ended])
    # An id is the node of its own SID, so rows keyed by id are deleted by node.
    for node in nodes:
        changes.put("drop_facts", tenant=tenant, node=node)
        changes.put("drop_texts", tenant=tenant, id=node)
        # Attempts first: they are found through their deliveries.
        changes.put("drop_attempts_of_calls", tenant=tenant, call_id=node)
        changes.put("drop_deliveries_of_calls", tenant=tenant, call_id=node)
        changes.put("drop_sessions", tenant=tenant, id=node)
        changes.put("put_identities", tenant=tenant, node=node, call_sid="", id=ERASED)
    for call in calls:
        _erase_record(changes, call, reason)
    changes.put("add_erasures", tenant=tenant, erased=len(calls))
    yield from changes.write()
    yield from erase_calls_from_alerts(tenant, set(nodes))


def _erase_record(changes: ChangeSet, call: StoredCall, reason: str) -> None:
    """Subtract a call from the totals and remove its record. Its last version keeps its position in lists.

    The sums of launch quality keep its numbers, and count them as numbers of erased calls.
    """
    changes.call_counters.add(call.dimensions, -1)
    changes.quality.erase(call.dimensions, call.measured)
    changes.end_call(call._replace(from_number=None, to_number=None, parent_call_sid=None), reason, None)


def _forget_versions(tenant: str, calls: Sequence[StoredCall], ends: Sequence[int]) -> StoreOperation[None]:
    """Remove the events and numbers of all versions, from the last to the first, also of merged calls."""
    revisions = sorted({*(call.revision for call in calls), *ends})
    while revisions:
        named = [{"tenant": tenant, "revision": revision} for revision in revisions]
        yield StatementMany("drop_events", named)
        rows = yield StatementMany("versions_that_ended", named)
        if rows:
            yield StatementMany("forget_parties", [{"tenant": tenant, "revision": row[1]} for row in rows])
        revisions = [row[0] for row in rows]
