"""Refold of all calls of a ledger after the fold changed, one chunk per transaction while the service runs.

A migration names the tenants. Each call whose record changes gets a new revision, as from any change, but no
event is sent: there is no new fact.
"""

from typing import Final

from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.ledger.change_set import ChangeSet
from calltally.store.ledger.linked_calls import linked_calls_of_ids
from calltally.store.ledger.record import CallUpdate, write_calls
from calltally.store.maintenance.refold_progress import refold_position
from calltally.store.snapshots.ledger_head import lock_head

CHUNK: Final = 200


def begin_refold(tenant: str) -> StoreOperation[None]:
    """Start a refold of all of a tenant's calls."""
    yield Statement("begin_refold", {"tenant": tenant, "after_id": b""})


def refold_calls(tenant: str, most: int, now_us: int) -> StoreOperation[int]:
    """Refold up to `most` more of a tenant's calls. Returns the number of calls read, 0 at the end.

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
    calls = [
        CallUpdate(component)
        for component in (yield from linked_calls_of_ids(tenant, [(row[0], row[1]) for row in rows]))
    ]
    for call in calls:
        call.refold()
    yield from write_calls(calls, changes)
    yield from changes.write()
    yield Statement("begin_refold", {"tenant": tenant, "after_id": rows[-1][0]})
    return len(rows)
