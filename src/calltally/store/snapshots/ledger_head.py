"""Where a tenant's ledger stands: the one row that every read as of a revision begins with."""

from calltally.calls.errors import NotFound
from calltally.store.db.operation import Many, Rows, Statement, Step
from calltally.store.snapshots.tokens import Standing


def standing_of(tenant: str) -> Step[Standing]:
    """Its last revision, epoch and what is kept; raises NotFound for a tenant that is not there."""
    return standing_in(tenant, (yield ask_standing(tenant)))


def ask_standing(tenant: str) -> Statement:
    """The request itself, for those who ask for more in one go."""
    return Statement("standing_of_tenant", {"tenant": tenant})


def standing_in(tenant: str, rows: Rows) -> Standing:
    """What the request was answered; raises NotFound."""
    if not rows:
        message = f"there is no tenant {tenant!r}"
        raise NotFound(message)
    return Standing(tenant, *rows[0])


def lock_head(tenant: str) -> Step[dict[str, int]]:
    """The tenant's revision, which stays as it is until this transaction ends. Raises NotFound."""
    rows = yield Many("lock_heads", [{"tenant": tenant}])
    if not rows:
        message = f"there is no tenant {tenant!r}"
        raise NotFound(message)
    return {row[0]: row[1] for row in rows}
