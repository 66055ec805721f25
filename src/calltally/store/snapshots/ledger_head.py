"""Where a tenant's ledger stands: the one row that every read as of a revision begins with."""

from calltally.calls.errors import NotFound
from calltally.store.db.operation import Rows, Statement, StatementMany, StoreOperation
from calltally.store.snapshots.tokens import LedgerHead


def read_ledger_head(tenant: str) -> StoreOperation[LedgerHead]:
    """Its last revision, epoch and what is kept; raises NotFound for a tenant that is not there."""
    return ledger_head_from(tenant, (yield ledger_head_statement(tenant)))


def ledger_head_statement(tenant: str) -> Statement:
    """The request itself, for those who ask for more in one go."""
    return Statement("standing_of_tenant", {"tenant": tenant})


def ledger_head_from(tenant: str, rows: Rows) -> LedgerHead:
    """What the request was answered; raises NotFound."""
    if not rows:
        message = f"there is no tenant {tenant!r}"
        raise NotFound(message)
    return LedgerHead(tenant, *rows[0])


def lock_head(tenant: str) -> StoreOperation[dict[str, int]]:
    """The tenant's revision, which stays as it is until this transaction ends. Raises NotFound."""
    rows = yield StatementMany("lock_heads", [{"tenant": tenant}])
    if not rows:
        message = f"there is no tenant {tenant!r}"
        raise NotFound(message)
    return {row[0]: row[1] for row in rows}
