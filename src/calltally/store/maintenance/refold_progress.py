"""Progress of a refold: the position up to which calls are folded by this version."""

from calltally.store.db.operation import Statement, StoreOperation


def refold_position(tenant: str) -> StoreOperation[bytes | None]:
    """Return the id up to which a tenant's calls are folded by this version; None if all are."""
    rows = yield Statement("refold_of_tenant", {"tenant": tenant})
    return bytes(rows[0][0]) if rows else None
