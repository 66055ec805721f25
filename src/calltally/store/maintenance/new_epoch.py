"""New epoch for a ledger that may have lost commits, so that no follower diverges unnoticed.

After a restore or a failover the ledger assigns revisions again that clients have received for other changes.
Their tokens belong to the former epoch, and get a 410 from now on (invariant 4).
"""

import msgspec

from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.tenants.tenants import unknown_tenant


class NewEpoch(msgspec.Struct, frozen=True):
    """New epoch of a tenant's ledger, its current revision, and the number of pinned snapshots that ended."""

    tenant: str
    epoch: str
    revision: int
    holds_ended: int


def start_epoch(tenant: str, epoch: str) -> StoreOperation[NewEpoch]:
    """Set a new epoch for a tenant's ledger, as one transaction. Raises NotFound for an unknown tenant."""
    head = yield Statement("set_epoch", {"tenant": tenant, "epoch": epoch})
    if not head:
        raise unknown_tenant(tenant)
    ended = yield Statement("end_holds", {"tenant": tenant})
    return NewEpoch(tenant, epoch, head[0][0], len(ended))
