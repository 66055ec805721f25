"""Folding all calls of a ledger anew, after the fold changed: a chunk a transaction, beside all else.

A migration names the tenants. Each call whose record comes out otherwise has a new revision, as from any
change, but nothing is announced: nobody told anything new.
"""

from typing import Final

from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.ledger.change_set import Changes
from calltally.store.ledger.linked_calls import components_of_calls
from calltally.store.ledger.record import CallInHand, settle_all
from calltally.store.maintenance.refold_progress import refold_place
from calltally.store.snapshots.ledger_head import lock_head

CHUNK: Final = 200


def begin_refold(tenant: str) -> StoreOperation[None]:
    """Have all of a tenant's calls folded anew."""
    yield Statement("begin_refold", {"tenant": tenant, "after_id": b""})


def refold_calls(tenant: str, most: int, now_us: int) -> StoreOperation[int]:
    """Fold up to `most` more of a tenant's calls; returns how many were looked at, 0 at the end.

    At the end snapshots from before are let go of: of calls that were yet to come, they showed what the
    former fold gave, which nothing can give again. Raises NotFound for a tenant that does not exist.
    """
    heads = yield from lock_head(tenant)
    after = yield from refold_place(tenant)
    if after is None:
        return 0
    rows = yield Statement("calls_after", {"tenant": tenant, "id": after, "most": most})
    if not rows:
        yield Statement("drop_lost_sessions", {"tenant": tenant})
        yield Statement("keep_from", {"tenant": tenant, "revision": heads[tenant]})
        yield Statement("end_refold", {"tenant": tenant})
        return 0
    changes = Changes(heads, now_us)
    calls = [
        CallInHand(component)
        for component in (yield from components_of_calls(tenant, [(row[0], row[1]) for row in rows]))
    ]
    for call in calls:
        call.refold()
    yield from settle_all(calls, changes)
    yield from changes.write()
    yield Statement("begin_refold", {"tenant": tenant, "after_id": rows[-1][0]})
    return len(rows)
