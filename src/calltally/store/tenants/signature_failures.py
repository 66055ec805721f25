"""Counts of callbacks rejected for their signature, by tenant, provider and five-minute step."""

from calltally.calls.alert_counts import STEP_S
from calltally.calls.times import SECOND_US
from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.tenants.tenants import find_tenant


def record_failures(key: tuple[str, str], failures: int, now_us: int) -> StoreOperation[None]:
    """Add the failures of a tenant and provider to the current step. Does nothing for an unknown tenant."""
    tenant, provider = key
    if (yield from find_tenant(tenant)) is None:
        return
    step_s = now_us // SECOND_US // STEP_S * STEP_S
    counted = {"tenant": tenant, "provider": provider, "step_s": step_s, "failures": failures}
    yield Statement("count_signature_failures", counted)


def failures_since(tenant: str, from_s: int) -> StoreOperation[list[tuple[str, int, int]]]:
    """Return for each provider with failures their number and the first step that has any."""
    rows = yield Statement("signature_failures_since", {"tenant": tenant, "from_s": from_s})
    return [(provider, int(failures), first_s) for provider, failures, first_s in rows]


def drop_failures(tenant: str, before_s: int) -> StoreOperation[None]:
    """Delete older counts, which alerts no longer need."""
    yield Statement("drop_signature_failures", {"tenant": tenant, "before_s": before_s})
