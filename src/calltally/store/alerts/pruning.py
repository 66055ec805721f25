"""Pruning of alerts that were resolved long ago, with their changes."""

from typing import NamedTuple

from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.snapshots.ledger_head import lock_head


class AlertAge(NamedTuple):
    """Definition of old alerts: resolved, unchanged since `before_us` and not muted at `now_us`.

    A mute applies to further alerts of the same cause, so a muted alert is kept.
    """

    before_us: int
    now_us: int


def has_old_alerts(tenant: str, old: AlertAge) -> StoreOperation[bool]:
    """Decide whether `prune_alerts` would delete anything."""
    return bool((yield Statement("old_alerts", {"tenant": tenant, **old._asdict(), "most": 1})))


def prune_alerts(tenant: str, old: AlertAge, most: int) -> StoreOperation[int]:
    """Delete up to `most` old alerts. Returns their number, 0 when none is left.

    The lock of the tenant's head prevents that an alert is reopened while it is deleted.
    """
    yield from lock_head(tenant)
    params = {"tenant": tenant, **old._asdict(), "most": most}
    yield Statement("prune_alert_changes", params)
    return len((yield Statement("prune_alerts", params)))
