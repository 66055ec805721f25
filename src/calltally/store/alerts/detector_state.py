"""How far a tenant's alerts are judged, and by which rules: bytes that only `calltally.alerts` reads."""

from typing import NamedTuple

from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.tenants.tenants import need_tenant


class Judging(NamedTuple):
    """Up to which instant steps are judged (0: none), and what detectors remember.

    `turns` tells this state from a later one.
    """

    turns: int = 0
    judged_us: int = 0
    state: bytes | None = None


def judging_of(tenant: str) -> StoreOperation[Judging]:
    """Where the judging of a tenant stands."""
    rows = yield Statement("judging_of_tenant", {"tenant": tenant})
    return Judging(*rows[0]) if rows else Judging()


def keep_judging(tenant: str, seen: Judging, judged_us: int, state: bytes) -> StoreOperation[bool]:
    """Where it stands now; False where another worker went on meanwhile, whose word then holds."""
    kept = {"tenant": tenant, "turns": seen.turns, "judged_us": judged_us, "state": state}
    return bool((yield Statement("keep_judging", kept)))


def rules_of_tenant(tenant: str) -> StoreOperation[bytes | None]:
    """A tenant's rules as JSON; None where it never set any."""
    rows = yield Statement("rules_of_tenant", {"tenant": tenant})
    return rows[0][0] if rows else None


def put_rules(tenant: str, rules: bytes, now_us: int) -> StoreOperation[None]:
    """Keep rules in place of what was there. Raises NotFound for an unknown tenant."""
    yield from need_tenant(tenant)
    yield Statement("put_rules", {"tenant": tenant, "rules": rules, "now_us": now_us})
