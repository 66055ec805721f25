"""A new epoch for a ledger that may have lost commits, so that no follower differs in silence.

After a restore or a failover revisions are given out again that others have seen already, for other
changes. What they hold is of the former epoch, and is answered 410 from now on (invariant 4).
"""

import msgspec

from calltally.calls.errors import NotFound
from calltally.store.db.operation import Statement, StoreOperation


class Begun(msgspec.Struct, frozen=True):
    """The epoch that a tenant's ledger has begun: at which revision, and how many pinned snapshots ended."""

    tenant: str
    epoch: str
    revision: int
    holds_ended: int


def begin_epoch(tenant: str, epoch: str) -> StoreOperation[Begun]:
    """Name a tenant's ledger anew, as one transaction. Raises NotFound for a tenant that does not exist."""
    head = yield Statement("set_epoch", {"tenant": tenant, "epoch": epoch})
    if not head:
        message = f"there is no tenant {tenant!r}"
        raise NotFound(message)
    ended = yield Statement("end_holds", {"tenant": tenant})
    return Begun(tenant, epoch, head[0][0], len(ended))
