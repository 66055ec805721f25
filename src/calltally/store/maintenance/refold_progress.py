"""Which calls the fold of this version has seen."""

from calltally.store.db.operation import Statement, StoreOperation


def refold_place(tenant: str) -> StoreOperation[bytes | None]:
    """Up to which id a tenant's calls are folded by this version; None where all are."""
    rows = yield Statement("refold_of_tenant", {"tenant": tenant})
    return bytes(rows[0][0]) if rows else None
