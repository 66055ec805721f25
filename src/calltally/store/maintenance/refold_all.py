"""Refold of all calls of a ledger after the fold changed, one chunk per transaction while the service runs.

A migration names the tenants. Each call whose record changes gets a new revision, as from any change, but no
event is sent: there is no new fact.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from calltally.calls.events import Fact
from calltally.store.db.fact_codec import body_codec, pack_fact, unpack_fact
from calltally.store.db.operation import Statement, StatementMany, StoreOperation
from calltally.store.ledger.change_set import ChangeSet
from calltally.store.ledger.linked_calls import LinkedCall, linked_calls_of_ids
from calltally.store.ledger.record import CallUpdate, write_calls
from calltally.store.snapshots.ledger_head import lock_head

CHUNK: Final = 200
# Returns a fact, which has its raw body, with the fields that the present code reads of the body.
Reread: TypeAlias = Callable[[Fact], Fact]


def begin_refold(tenant: str) -> StoreOperation[None]:
    yield Statement("begin_refold", {"tenant": tenant, "after_id": b""})


def refold_calls(tenant: str, most: int, now_us: int, reread: Reread | None = None) -> StoreOperation[int]:
    """Refold up to `most` more of a tenant's calls. Returns the number of calls read, 0 at the end.

    With `reread` the fields of their facts are first read again from the stored bodies.

    At the end, earlier snapshots expire: for calls not refolded yet they showed records of the former fold,
    which cannot be computed again. Raises NotFound for an unknown tenant.
    """
    revisions = yield from lock_head(tenant)
    after = yield from refold_position(tenant)
    if after is None:
        return 0
    rows = yield Statement("calls_after", {"tenant": tenant, "id": after, "most": most})
    if not rows:
        yield Statement("drop_lost_sessions", {"tenant": tenant})
        yield Statement("keep_from", {"tenant": tenant, "revision": revisions[tenant]})
        yield Statement("end_refold", {"tenant": tenant})
        return 0
    changes = ChangeSet(revisions, now_us)
    linked_calls = yield from linked_calls_of_ids(tenant, [(row[0], row[1]) for row in rows])
    if reread is not None:
        yield from _reread_facts(tenant, linked_calls, reread)
    calls = [CallUpdate(linked_call) for linked_call in linked_calls]
    for call in calls:
        call.refold()
    yield from write_calls(calls, changes)
    yield from changes.write()
    yield Statement("begin_refold", {"tenant": tenant, "after_id": rows[-1][0]})
    return len(rows)


def _reread_facts(tenant: str, linked_calls: Sequence[LinkedCall], reread: Reread) -> StoreOperation[None]:
    """Replace the fields of facts by those of their bodies. Keys, SIDs and links stay as they are."""
    call_of_node = {node: each for each in linked_calls for node in each.sids}
    rows = yield StatementMany("bodies_of_nodes", [{"tenant": tenant, "node": node} for node in call_of_node])
    changed = []
    for node, key, received_us, content, raw in rows:
        before = unpack_fact(content, received_us, body_codec.decompress(raw))
        fact = reread(before)
        if fact.stated != before.stated:
            changed.append({"tenant": tenant, "node": node, "key": key, "content": pack_fact(fact)})
            call_of_node[node].facts[node, key] = fact
    if changed:
        yield StatementMany("put_contents", changed)


def refold_position(tenant: str) -> StoreOperation[bytes | None]:
    """Return the id up to which a tenant's calls are folded by this version; None if all are."""
    rows = yield Statement("refold_of_tenant", {"tenant": tenant})
    return bytes(rows[0][0]) if rows else None
