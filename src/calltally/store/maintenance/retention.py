"""Retention of calls: erases calls and dead letters that are older than the tenant's number of days."""

from calltally.calls.times import DAY_US
from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.ledger.change_set import ChangeSet
from calltally.store.maintenance.erasure import erase_calls
from calltally.store.snapshots.ledger_head import lock_head
from calltally.store.tenants.tenants import find_tenant


def has_expired(tenant: str, now_us: int) -> StoreOperation[bool]:
    """Decide whether calls or dead letters are older than the tenant's retention."""
    oldest_us = yield from _oldest_us(tenant, now_us)
    if oldest_us is None:
        return False
    if (yield Statement("calls_before", {"tenant": tenant, "hi_us": oldest_us, "most": 1})):
        return True
    return bool((yield Statement("letters_before", {"tenant": tenant, "before_us": oldest_us, "most": 1})))


def expire_calls(tenant: str, now_us: int, most: int) -> StoreOperation[int]:
    """Erase up to `most` calls that are older than the tenant's retention. Returns their number."""
    revisions = yield from lock_head(tenant)
    oldest_us = yield from _oldest_us(tenant, now_us)
    if oldest_us is None:
        return 0
    found = yield Statement("calls_before", {"tenant": tenant, "hi_us": oldest_us, "most": most})
    if found:
        yield from erase_calls(tenant, [row[0] for row in found], ChangeSet(revisions, now_us), "expired")
    return len(found)


def expire_letters(tenant: str, now_us: int, most: int) -> StoreOperation[int]:
    """Delete up to `most` dead letters that are older than the retention of calls. Returns their number.

    Replayed letters are deleted too: their calls have the same age and are deleted as well.
    """
    oldest_us = yield from _oldest_us(tenant, now_us)
    if oldest_us is None:
        return 0
    params = {"tenant": tenant, "before_us": oldest_us, "most": most}
    return len((yield Statement("expire_dead_letters", params)))


def _oldest_us(tenant: str, now_us: int) -> StoreOperation[int | None]:
    """Return the time before which nothing is kept; None if the tenant keeps all or does not exist."""
    found = yield from find_tenant(tenant)
    if found is None or found.retention_days is None:
        return None
    return now_us - found.retention_days * DAY_US
