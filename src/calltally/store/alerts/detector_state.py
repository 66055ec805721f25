"""State of the alert evaluation of a tenant, and its rules: bytes that only `calltally.alerts` reads."""

from typing import NamedTuple

from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.tenants.tenants import need_tenant


class StoredEvaluation(NamedTuple):
    """Time up to which steps are evaluated (0: none), and the detectors' state, in version `turns`."""

    turns: int = 0
    judged_us: int = 0
    state: bytes | None = None


def read_evaluation(tenant: str) -> StoreOperation[StoredEvaluation]:
    rows = yield Statement("judging_of_tenant", {"tenant": tenant})
    return StoredEvaluation(*rows[0]) if rows else StoredEvaluation()


def save_evaluation(
    tenant: str, previous: StoredEvaluation, judged_us: int, state: bytes
) -> StoreOperation[bool]:
    """Save the evaluation. Return False, saving nothing, if another worker saved a later one meanwhile."""
    params = {"tenant": tenant, "turns": previous.turns, "judged_us": judged_us, "state": state}
    return bool((yield Statement("keep_judging", params)))


def rules_of_tenant(tenant: str) -> StoreOperation[bytes | None]:
    """Return a tenant's rules as JSON; None if it never set any."""
    rows = yield Statement("rules_of_tenant", {"tenant": tenant})
    return rows[0][0] if rows else None


def put_rules(tenant: str, rules: bytes, now_us: int) -> StoreOperation[None]:
    """Store rules in place of the earlier ones. Raises NotFound for an unknown tenant."""
    yield from need_tenant(tenant)
    yield Statement("put_rules", {"tenant": tenant, "rules": rules, "now_us": now_us})


def drop_rules(tenant: str) -> StoreOperation[None]:
    """Remove a tenant's rules; the defaults apply from then on. Raises NotFound for an unknown tenant."""
    yield from need_tenant(tenant)
    yield Statement("drop_rules", {"tenant": tenant})
