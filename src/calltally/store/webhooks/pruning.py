"""Events and deliveries that are too old to matter go, and all that deleted endpoints left."""

from typing import Final

from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.ledger.outbox import event_time
from calltally.store.webhooks.deliveries import LAST_ID

_DELETED: Final = "deleted"


def are_events_due(tenant: str, before_us: int) -> StoreOperation[bool]:
    """Whether `prune_events_and_deliveries` would do anything; all but the first rows are left alone."""
    oldest = yield Statement("old_events", {"tenant": tenant, "most": 1})
    if oldest and oldest[0][1] <= before_us:
        return True
    endpoints = yield Statement("endpoints_with_rows", {"tenant": tenant})
    for endpoint, state in endpoints:
        if state == _DELETED:
            return True
        asked = {"tenant": tenant, "endpoint": endpoint, "before": event_time(before_us), "most": 1}
        if (yield Statement("old_deliveries", asked)):
            return True
    return False


def has_endpoints(tenant: str) -> StoreOperation[bool]:
    """Whether events of a tenant go anywhere."""
    return bool((yield Statement("endpoints_with_rows", {"tenant": tenant})))


def prune_events_and_deliveries(tenant: str, before_us: int, most: int) -> StoreOperation[int]:
    """Delete up to about `most` of each that are older; returns how many, 0 when none is left."""
    gone = yield from _prune_events(tenant, before_us, most)
    endpoints = yield Statement("endpoints_with_rows", {"tenant": tenant})
    for endpoint, state in endpoints:
        if gone >= most:
            break
        before = LAST_ID if state == _DELETED else event_time(before_us)
        pruned = yield from _prune_deliveries(tenant, endpoint, before, most - gone)
        gone += pruned
        if not pruned and state == _DELETED:
            yield Statement("drop_endpoint", {"tenant": tenant, "endpoint": endpoint})
            gone += 1
    return gone


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
        # Attempts first: a delivery without them is whole, they without it are not found again.
        yield Statement("prune_attempts", {**named, "last": old[-1][0]})
        yield Statement("prune_deliveries", {**named, "last": old[-1][0]})
    return len(old)
