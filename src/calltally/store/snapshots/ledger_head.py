"""Head of a tenant's ledger: the one row that every read as of a revision begins with."""

from calltally.store.db.operation import Rows, Statement, StatementMany, StoreOperation
from calltally.store.snapshots.tokens import LedgerHead
from calltally.store.tenants.tenants import unknown_tenant


def read_ledger_head(tenant: str) -> StoreOperation[LedgerHead]:
    """Return the tenant's ledger head. Raises NotFound for an unknown tenant."""
    return ledger_head_from(tenant, (yield ledger_head_statement(tenant)))


def ledger_head_statement(tenant: str) -> Statement:
    """Return the statement that reads the ledger head, to execute in a batch with others."""
    return Statement("standing_of_tenant", {"tenant": tenant})


def ledger_head_from(tenant: str, rows: Rows) -> LedgerHead:
    """Return the ledger head from the rows of that statement. Raises NotFound if there are none."""
    if not rows:
        raise unknown_tenant(tenant)
    return LedgerHead(tenant, *rows[0])


def lock_head(tenant: str) -> StoreOperation[dict[str, int]]:
    """Lock the tenant's head until the transaction ends and return its revision. Raises NotFound."""
    rows = yield StatementMany("lock_heads", [{"tenant": tenant}])
    if not rows:
        raise unknown_tenant(tenant)
    return {row[0]: row[1] for row in rows}
