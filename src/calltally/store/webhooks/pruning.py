"""Pruning of old events and deliveries, and of the rows of deleted endpoints."""

from typing import Final

from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.ledger.outbox import event_time
from calltally.store.webhooks.deliveries import LAST_ID

_DELETED: Final = "deleted"


def are_events_due(tenant: str, before_us: int) -> StoreOperation[bool]:
    """Decide whether `prune_events_and_deliveries` would delete anything; reads only the first rows."""
    oldest = yield Statement("old_events", {"tenant": tenant, "most": 1})
    if oldest and oldest[0][1] <= before_us:
        return True
    endpoints = yield Statement("endpoints_with_rows", {"tenant": tenant})
    for endpoint, state in endpoints:
        if state == _DELETED:
            return True
        params = {"tenant": tenant, "endpoint": endpoint, "before": event_time(before_us), "most": 1}
        if (yield Statement("old_deliveries", params)):
            return True
    return False


def has_endpoints(tenant: str) -> StoreOperation[bool]:
    """Decide whether a tenant has endpoints, or rows of deleted ones."""
    return bool((yield Statement("endpoints_with_rows", {"tenant": tenant})))


def prune_events_and_deliveries(tenant: str, before_us: int, most: int) -> StoreOperation[int]:
    """Delete up to about `most` older events and deliveries. Returns their number, 0 when none is left."""
    deleted = yield from _prune_events(tenant, before_us, most)
    endpoints = yield Statement("endpoints_with_rows", {"tenant": tenant})
    for endpoint, state in endpoints:
        if deleted >= most:
            break
        before = LAST_ID if state == _DELETED else event_time(before_us)
        pruned = yield from _prune_deliveries(tenant, endpoint, before, most - deleted)
        deleted += pruned
        if not pruned and state == _DELETED:
            yield Statement("drop_endpoint", {"tenant": tenant, "endpoint": endpoint})
            deleted += 1
    return deleted


def _prune_events(tenant: str, before_us: int, most: int) -> StoreOperation[int]:
    rows = yield Statement("old_events", {"tenant": tenant, "most": most})
    old = [revision for revision, created_us in rows if created_us <= before_us]
    if old:
        yield Statement("prune_events", {"tenant": tenant, "last": old[-1]})
    return len(old)


def _prune_deliveries(tenant: str, endpoint: bytes, before: bytes, most: int) -> StoreOperation[int]:
    named = {"tenant": tenant, "endpoint": endpoint}
    old = yield Statement("old_deliveries", {**named, "before": before, "most": most})
    if old:
        # Attempts first: attempts without their delivery would not be found again.
        yield Statement("prune_attempts", {**named, "last": old[-1][0]})
        yield Statement("prune_deliveries", {**named, "last": old[-1][0]})
    return len(old)
