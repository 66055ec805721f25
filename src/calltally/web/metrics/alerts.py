"""The gauge `calltally_alert`, read from the store at each scrape."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from calltally.alerts.model.finding import AlertKind
from calltally.calls.errors import CalltallyError
from calltally.logs import get_logger
from calltally.store.alerts.alerts import AlertState, admin_count_unresolved
from calltally.store.db.interface import Store

log = get_logger(__name__)


async def alert_metrics(store: Store, *, by_tenant: bool) -> bytes:
    """Return the gauge in the text format; empty if the store fails, because a scrape must succeed.

    Each kind has a series, so that a rule can compare with 0. Tenants are labels only with `by_tenant`.
    """
    try:
        counts = await store.read(admin_count_unresolved())
    except CalltallyError as fault:
        log.warning("metrics without alerts: the store does not respond", detail=fault.detail)
        return b""
    registry = CollectorRegistry()
    names = ["kind", "state", *(["tenant"] if by_tenant else [])]
    gauge = Gauge("calltally_alert", "Alerts that are not resolved.", names, registry=registry)
    for labels, count in _series(counts, by_tenant=by_tenant).items():
        gauge.labels(*labels).inc(count)
    return generate_latest(registry)


def _series(counts: Mapping[tuple[str, str, str], int], *, by_tenant: bool) -> dict[tuple[str, ...], int]:
    if by_tenant:
        return {(kind, state, tenant): count for (tenant, kind, state), count in counts.items()}
    states = (AlertState.OPEN, AlertState.ACKNOWLEDGED)
    sums: dict[tuple[str, ...], int] = {
        (kind.value, state.value): 0 for kind in AlertKind for state in states
    }
    for (_tenant, kind, state), count in counts.items():
        sums[kind, state] = sums.get((kind, state), 0) + count
    return sums
