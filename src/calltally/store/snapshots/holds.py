"""Snapshots that clients pin under a name of their choice, for those that can only send a fixed parameter."""

from typing import Final

from calltally.calls.errors import SnapshotGone
from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.snapshots.ledger_head import lock_head, read_ledger_head
from calltally.store.snapshots.tokens import LedgerHead

_GONE: Final = (
    "what this hold pinned is no longer kept, so its pages cannot go on; begin again at offset 0,"
    " which pins it anew, or take another name"
)


def held(ledger_head: LedgerHead, name: str, *, begins: bool) -> StoreOperation[int | None]:
    """The revision that a hold reads, or None where it has yet to be pinned.

    One that is no longer kept is pinned anew by a request that `begins`, at offset 0; to one that is in
    the middle of its pages it is SnapshotGone, since what follows would not fit what it has.
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


def pin(tenant: str, name: str, now_us: int) -> StoreOperation[int]:
    """Pin the present under a name, unless another request was first; returns the revision that it reads."""
    # Under the lock of the ledger: of two first uses at once, both must read the same.
    yield from lock_head(tenant)
    ledger_head = yield from read_ledger_head(tenant)
    known = yield from held(ledger_head, name, begins=True)
    if known is not None:
        return known
    named = {"tenant": tenant, "name": name}
    yield Statement("pin_hold", {**named, "revision": ledger_head.revision, "now_us": now_us})
    return ledger_head.revision
