"""What a tenant's retention takes beside its calls, and whether anything is old enough."""

from calltally.calls.times import DAY_US
from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.tenants.tenants import find_tenant


def has_expired(tenant: str, now_us: int) -> StoreOperation[bool]:
    """Whether there are calls or dead letters that are older than the tenant keeps them."""
    oldest_us = yield from _oldest_us(tenant, now_us)
    if oldest_us is None:
        return False
    if (yield Statement("calls_before", {"tenant": tenant, "hi_us": oldest_us, "most": 1})):
        return True
    return bool((yield Statement("letters_before", {"tenant": tenant, "before_us": oldest_us, "most": 1})))


def expire_letters(tenant: str, now_us: int, most: int) -> StoreOperation[int]:
    """Delete up to `most` dead letters that are older than the tenant keeps calls; returns how many.

    Those that were replayed too: the calls that they told of have the same age, and go as well.
    """
    oldest_us = yield from _oldest_us(tenant, now_us)
    if oldest_us is None:
        return 0
    asked = {"tenant": tenant, "before_us": oldest_us, "most": most}
    return len((yield Statement("expire_dead_letters", asked)))


def _oldest_us(tenant: str, now_us: int) -> StoreOperation[int | None]:
    """The instant before which nothing is kept; None where the tenant keeps all, or is gone."""
    found = yield from find_tenant(tenant)
    if found is None or found.retention_days is None:
        return None
    return now_us - found.retention_days * DAY_US
