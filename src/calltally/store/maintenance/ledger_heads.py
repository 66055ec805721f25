"""Heads of all ledgers: how far a copy of the database goes."""

from typing import NamedTuple

from calltally.store.db.operation import Statement, StoreOperation


class TenantHead(NamedTuple):
    """Epoch and last revision of one tenant's ledger."""

    tenant: str
    epoch: str
    revision: int


def admin_ledger_heads() -> StoreOperation[list[TenantHead]]:
    """Return the heads in the order of the tenants' ids."""
    return [TenantHead._make(row) for row in (yield Statement("admin_ledger_heads", {}))]
