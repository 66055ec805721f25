"""Alerts that were over long ago go, with all that became of them."""

from typing import NamedTuple

from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.snapshots.ledger_head import lock_head


class Old(NamedTuple):
    """Which alerts are old: resolved, and neither changed since `before_us` nor muted at `now_us`.

    A mute holds for whatever begins of the same cause, so it keeps its alert.
    """

    before_us: int
    now_us: int


def are_alerts_old(tenant: str, old: Old) -> StoreOperation[bool]:
    """Whether `prune_alerts` would do anything."""
    return bool((yield Statement("old_alerts", {"tenant": tenant, **old._asdict(), "most": 1})))


def prune_alerts(tenant: str, old: Old, most: int) -> StoreOperation[int]:
    """Delete up to `most` of those that are old; returns how many, 0 when none is left.

    Nobody changes the tenant's alerts meanwhile: one that somebody is about to open again is not old then.
    """
    yield from lock_head(tenant)
    asked = {"tenant": tenant, **old._asdict(), "most": most}
    yield Statement("prune_alert_changes", asked)
    return len((yield Statement("prune_alerts", asked)))
