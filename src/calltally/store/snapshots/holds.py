"""Holds: snapshots pinned under a name that the client chooses, for clients with only fixed parameters."""

from typing import Final

from calltally.calls.errors import SnapshotGone
from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.snapshots.ledger_head import lock_head, read_ledger_head
from calltally.store.snapshots.tokens import LedgerHead

_GONE: Final = (
    "the snapshot that this hold pinned is no longer kept, so its pages cannot continue. Begin again at"
    " offset 0, which pins a new snapshot, or use another name"
)


def find_hold_revision(ledger_head: LedgerHead, name: str, *, begins: bool) -> StoreOperation[int | None]:
    """Return the revision that a hold reads, or None if it has yet to be pinned.

    An expired hold is pinned anew by a request that `begins`, at offset 0. In the middle of the pages it
    raises SnapshotGone, since further pages would not match the earlier ones.
    """
    rows = yield Statement("hold_of_name", {"tenant": ledger_head.tenant, "name": name})
    if not rows:
        return None
    revision: int = rows[0][0]
    if revision >= ledger_head.kept_from:
        return revision
    if begins:
        return None
    raise SnapshotGone(_GONE)


def pin_hold(tenant: str, name: str, now_us: int) -> StoreOperation[int]:
    """Pin the current revision under a name, unless it is pinned already. Returns the pinned revision."""
    # The lock of the ledger makes two simultaneous first requests read the same revision.
    yield from lock_head(tenant)
    ledger_head = yield from read_ledger_head(tenant)
    pinned = yield from find_hold_revision(ledger_head, name, begins=True)
    if pinned is not None:
        return pinned
    named = {"tenant": tenant, "name": name}
    yield Statement("pin_hold", {**named, "revision": ledger_head.revision, "now_us": now_us})
    return ledger_head.revision
