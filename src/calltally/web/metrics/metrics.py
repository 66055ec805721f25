"""Prometheus metrics, with a registry per application, so that tests and processes stay separate.

Labels never take values from outside: unknown tenants, paths and methods do not become time series.
"""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from calltally.alerts.model.finding import AlertKind
from calltally.calls.errors import CalltallyError
from calltally.calls.times import SECOND_US
from calltally.logs import get_logger
from calltally.store.alerts.alerts import AlertState, admin_count_unresolved
from calltally.store.db.interface import Store
from calltally.store.maintenance.worker_presence import (
    WaitingWork,
    admin_last_worker_report,
    admin_waiting_work,
)

METRICS_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4.encode()
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# A page takes well under a millisecond, an import of 1,000 events tens of milliseconds.
LATENCY_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)

_DELIVERY_BUCKETS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
log = get_logger(__name__)


class _Series(NamedTuple):
    requests: Counter
    seconds: Histogram


class Metrics:
    """Metrics of one application. `text` returns the exposition."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        counter, histogram = partial(Counter, registry=registry), partial(Histogram, registry=registry)
        self._requests = counter("calltally_http_requests", "HTTP responses.", ["route", "method", "status"])
        self._seconds = histogram(
            "calltally_http_request_seconds",
            "Time from the request head to the end of the response.",
            ["route"],
            buckets=LATENCY_BUCKETS,
        )
        facts = counter("calltally_facts", "Facts by outcome.", ["provider", "outcome"])
        unsigned = "Callbacks without a valid signature of the tenant's secret."
        self._signature_failures = counter("calltally_signature_failures", unsigned, ["provider", "reason"])
        unreadable = "Authentic bodies that could not be read, stored as dead letters."
        self._dead_letters = counter("calltally_dead_letters", unreadable, ["provider"])
        unknown = "End reasons of providers that no table maps; each is stored."
        self._unknown_ends = counter("calltally_unknown_end_reasons", unknown, ["provider"])
        unread = "Authentic messages of unread kinds without a call state; each is stored."
        self._unread = counter("calltally_unread_messages", unread, ["provider", "kind"])
        left_out = "Unreadable values of providers' fields; each is left out, and the rest is recorded."
        self._unread_fields = counter("calltally_unread_fields", left_out, ["provider"])
        unlisted = "Fields and end reasons of callbacks that the provider's coverage page does not list."
        self._unlisted_fields = counter("calltally_unlisted_fields", unlisted, ["provider"])
        self._jobs = counter("calltally_jobs", "Jobs that were started or ended.", ["kind", "what"])
        attempts = "Delivery attempts by outcome."
        self._attempts = counter("calltally_delivery_attempts", attempts, ["outcome"])
        duration, age = (
            partial(histogram, buckets=_DELIVERY_BUCKETS),
            "Time from an event to its first delivery attempt.",
        )
        self._attempt_seconds = duration(
            "calltally_delivery_attempt_seconds", "Response time of webhook endpoints."
        )
        self._first_attempt_seconds = duration("calltally_delivery_first_attempt_seconds", age)
        self._queued = Gauge(
            "calltally_writer_queue",
            "Submissions that wait for the writer.",
            registry=registry,
            # Applies only with several processes.
            multiprocess_mode="sum",
        )
        # Cached, because looking up a labelled child costs more than incrementing it.
        self._series: dict[tuple[str, str, int], _Series] = {}
        # Bounded: providers and outcomes come from fixed tables.
        self._facts_of = cache(facts.labels)

    def observe_request(self, route: str, method: str, status: int, *, seconds: float) -> None:
        """Record one response, under the route's template and not the requested path."""
        key = (route, method, status)
        series = self._series.get(key) or self._resolve(*key)
        series.requests.inc()
        series.seconds.observe(seconds)

    def _resolve(self, route: str, method: str, status: int) -> _Series:
        method_label = method if method in METHODS else "other"
        series = _Series(self._requests.labels(route, method_label, str(status)), self._seconds.labels(route))
        # Clients can invent methods, so only known methods are cached.
        if method_label == method:
            self._series[route, method, status] = series
        return series

    def count_fact(self, provider: str, outcome: str) -> None:
        """Count one fact by outcome. `provider` is a known provider, or `own` for a tenant's own events."""
        self._facts_of(provider, outcome).inc()

    def count_signature_failure(self, provider: str, reason: str) -> None:
        """Count a refused callback by `wrong-signature`, or `no-secret` (also of unknown tenants)."""
        self._signature_failures.labels(provider, reason).inc()

    def count_dead_letter(self, provider: str) -> None:
        """Count an authentic body that could not be read and was stored."""
        self._dead_letters.labels(provider).inc()

    def count_unread_message(self, provider: str, kind: str) -> None:
        """Count an authentic message that was stored unread.

        `kind` is from the provider's table, or `other`.
        """
        self._unread.labels(provider, kind).inc()

    def count_unknown_end_reasons(self, provider: str, words: int) -> None:
        """Count unknown end reasons of one callback."""
        self._unknown_ends.labels(provider).inc(words)

    def count_unread_fields(self, provider: str, fields: int) -> None:
        """Count the values of one callback that could not be read and were left out."""
        self._unread_fields.labels(provider).inc(fields)

    def count_unlisted_fields(self, provider: str, fields: int) -> None:
        """Count the fields and end reasons of one callback that the provider's page does not list."""
        self._unlisted_fields.labels(provider).inc(fields)

    def count_job(self, kind: str, what: str) -> None:
        """Count a job that was started (`started`) or canceled or deleted (`ended`)."""
        self._jobs.labels(kind, what).inc()

    def delivery_attempted(self, outcome: str, *, took_s: float, age_s: float | None) -> None:
        """Record one attempt. `outcome` is `delivered`, `failed` or `dead`.

        `age_s` is given for an event's first attempt.
        """
        self._attempts.labels(outcome).inc()
        self._attempt_seconds.observe(took_s)
        if age_s is not None:
            self._first_attempt_seconds.observe(age_s)

    def observe_queue(self, length: Callable[[], int]) -> None:
        """Read the number of waiting submissions from `length` at each scrape."""
        self._queued.set_function(length)

    def write_queue_length(self) -> None:
        """Write the queue length for other processes; a single process has nothing to write."""

    def text(self) -> bytes:
        return generate_latest(self._registry)


async def stored_metrics(store: Store, now_us: int, *, by_tenant: bool) -> bytes:
    """Return the gauges of the store in the text format, read at each scrape.

    Empty if the store fails, because a scrape must succeed.
    """
    registry = CollectorRegistry()
    try:
        counts = await store.read(admin_count_unresolved())
        last_us, waiting = (
            await store.read(admin_last_worker_report(now_us)),
            await store.read(admin_waiting_work(now_us)),
        )
    except CalltallyError as fault:
        log.warning("metrics without those of the store: the store does not respond", detail=fault.detail)
        return b""
    _add_alerts(registry, counts, by_tenant=by_tenant)
    _add_worker(registry, last_us, waiting)
    return generate_latest(registry)


def _add_worker(registry: CollectorRegistry, last_us: int | None, waiting: WaitingWork) -> None:
    text = "Time of the last report of a background worker, in seconds since 1970; 0 without one."
    Gauge("calltally_worker_report_timestamp_seconds", text, registry=registry).set(
        (last_us or 0) / SECOND_US
    )
    text = "Waiting work: tenants with new or overdue deliveries, overdue jobs, tenants with late alerts."
    gauge = Gauge("calltally_waiting_work", text, ["work"], registry=registry)
    for work, count in waiting._asdict().items():
        gauge.labels(work).set(count)


def _add_alerts(
    registry: CollectorRegistry, counts: Mapping[tuple[str, str, str], int], *, by_tenant: bool
) -> None:
    """Add a series for each kind, so that a rule can compare with 0; tenants are labels with `by_tenant`."""
    names = ["kind", "state", *(["tenant"] if by_tenant else [])]
    gauge = Gauge("calltally_alert", "Alerts that are not resolved.", names, registry=registry)
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
