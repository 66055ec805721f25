"""Metrics that are read from the store at each scrape: alerts, workers and waiting work."""

from collections.abc import Mapping
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest

from calltally.alerts.model.finding import AlertKind
from calltally.calls.errors import CalltallyError
from calltally.calls.times import SECOND_US
from calltally.logs import get_logger
from calltally.store.alerts.alerts import AlertState, admin_count_unresolved
from calltally.store.db.interface import Store
from calltally.store.jobs.jobs import JobKind
from calltally.store.maintenance.backlog import Backlog, admin_backlog
from calltally.store.maintenance.worker_presence import (
    WaitingWork,
    admin_last_worker_report,
    admin_waiting_work,
)
from calltally.web.metrics import definitions

log: Final = get_logger(__name__)


async def stored_metrics(store: Store, now_us: int, *, by_tenant: bool) -> bytes:
    """Return the gauges of the store in the text format.

    Empty if the store fails, because a scrape must succeed.
    """
    registry = CollectorRegistry()
    try:
        counts = await store.read(admin_count_unresolved())
        last_us, waiting = (
            await store.read(admin_last_worker_report(now_us)),
            await store.read(admin_waiting_work(now_us)),
        )
        # It reads some thousand rows if much work waits.
        backlog = await store.read(admin_backlog(now_us), long=True)
    except CalltallyError as fault:
        log.warning("metrics without those of the store: the store does not respond", detail=fault.detail)
        return b""
    _add_alerts(registry, counts, by_tenant=by_tenant)
    _add_worker(registry, last_us, waiting)
    _add_backlog(registry, backlog, now_us)
    _add_jobs(registry, backlog, now_us)
    return generate_latest(registry)


def _add_worker(registry: CollectorRegistry, last_us: int | None, waiting: WaitingWork) -> None:
    definitions.WORKER_REPORT.gauge(registry).set((last_us or 0) / SECOND_US)
    gauge = definitions.WAITING_WORK.gauge(registry)
    for work, count in waiting._asdict().items():
        gauge.labels(work).set(count)


def _add_backlog(registry: CollectorRegistry, backlog: Backlog, now_us: int) -> None:
    deliveries = definitions.DELIVERIES.gauge(registry)
    deliveries.labels("waiting").set(backlog.waiting_deliveries)
    deliveries.labels("dead").set(backlog.dead_deliveries)
    overdue_s = _age_s(backlog.earliest_delivery_us, now_us)
    definitions.OVERDUE_DELIVERY_SECONDS.gauge(registry).set(overdue_s)
    definitions.WAITING_NOTIFICATIONS.gauge(registry).set(backlog.notifications)
    definitions.WAITING_DEAD_LETTERS.gauge(registry).set(backlog.dead_letters)
    leases = definitions.LEASES.gauge(registry)
    leases.labels("held").set(backlog.leases - backlog.expired_leases)
    leases.labels("expired").set(backlog.expired_leases)
    definitions.EXPIRED_LEASE_SECONDS.gauge(registry).set(_age_s(backlog.earliest_expiry_us, now_us))


def _add_jobs(registry: CollectorRegistry, backlog: Backlog, now_us: int) -> None:
    """Add a series for each kind and state, so that a rule can compare with 0."""
    jobs, oldest = definitions.OPEN_JOBS.gauge(registry), definitions.OLDEST_JOB_SECONDS.gauge(registry)
    for kind in JobKind:
        of_kind = [each for each in backlog.jobs if each.kind == kind]
        oldest.labels(kind.value).set(_age_s(min((each.oldest_us for each in of_kind), default=None), now_us))
        for state in ("queued", "running"):
            jobs.labels(kind.value, state).set(sum(each.number for each in of_kind if each.state == state))


def _age_s(time_us: int | None, now_us: int) -> float:
    return 0.0 if time_us is None else max(0, now_us - time_us) / SECOND_US


def _add_alerts(
    registry: CollectorRegistry, counts: Mapping[tuple[str, str, str], int], *, by_tenant: bool
) -> None:
    """Add a series for each kind, so that a rule can compare with 0; tenants are labels with `by_tenant`."""
    gauge = definitions.ALERT.gauge(registry, *(("tenant",) if by_tenant else ()))
    for labels, count in _series(counts, by_tenant=by_tenant).items():
        gauge.labels(*labels).inc(count)


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
