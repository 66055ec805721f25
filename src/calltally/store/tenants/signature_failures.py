"""Callbacks that were turned away for their signature, by tenant, provider and five minutes."""

from calltally.calls.alert_counts import STEP_S
from calltally.calls.times import SECOND_US
from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.tenants.tenants import find_tenant


def count_failures(tenant: str, provider: str, failures: int, now_us: int) -> StoreOperation[None]:
    """So many more, just now; nothing for a tenant that is not there."""
    if (yield from find_tenant(tenant)) is None:
        return
    step_s = now_us // SECOND_US // STEP_S * STEP_S
    counted = {"tenant": tenant, "provider": provider, "step_s": step_s, "failures": failures}
    yield Statement("count_signature_failures", counted)


def failures_since(tenant: str, from_s: int) -> StoreOperation[list[tuple[str, int, int]]]:
    """For each provider that has some: how many, and the first of the five minutes that have any."""
    rows = yield Statement("signature_failures_since", {"tenant": tenant, "from_s": from_s})
    return [(provider, int(failures), first_s) for provider, failures, first_s in rows]


def drop_failures(tenant: str, before_s: int) -> StoreOperation[None]:
    """What is older is no news any more."""
    yield Statement("drop_signature_failures", {"tenant": tenant, "before_s": before_s})
