"""Prometheus metrics of one application, with a registry of its own, so that tests stay separate."""

from collections.abc import Callable
from functools import cache
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from calltally.web.metrics import definitions
from calltally.web.metrics.usage import ProcessUsage, UsageMetrics

METRICS_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4.encode()
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class _Series(NamedTuple):
    requests: Counter
    seconds: Histogram


class Metrics:
    """Metrics of one application. `text` returns the exposition."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = definitions.HTTP_REQUESTS.counter(registry)
        self._seconds = definitions.HTTP_SECONDS.histogram(registry)
        facts = definitions.FACTS.counter(registry)
        self._signature_failures = definitions.SIGNATURE_FAILURES.counter(registry)
        self._dead_letters = definitions.DEAD_LETTERS.counter(registry)
        self._unknown_ends = definitions.UNKNOWN_END_REASONS.counter(registry)
        self._unread = definitions.UNREAD_MESSAGES.counter(registry)
        self._unread_fields = definitions.UNREAD_FIELDS.counter(registry)
        self._unlisted_fields = definitions.UNLISTED_FIELDS.counter(registry)
        self._jobs = definitions.JOBS.counter(registry)
        self._attempts = definitions.DELIVERY_ATTEMPTS.counter(registry)
        self._attempt_seconds = definitions.DELIVERY_ATTEMPT_SECONDS.histogram(registry)
        self._first_attempt_seconds = definitions.DELIVERY_FIRST_ATTEMPT_SECONDS.histogram(registry)
        self._notifications = definitions.NOTIFICATION_ATTEMPTS.counter(registry)
        self._usage = UsageMetrics(registry)
        self._read_usage: Callable[[], ProcessUsage] | None = None
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

    def notification_attempted(self, outcome: str) -> None:
        """Count one notification to a sink of alerts. `outcome` is `sent`, `failed` or `dead`."""
        self._notifications.labels(outcome).inc()

    def observe_usage(self, read: Callable[[], ProcessUsage]) -> None:
        """Read the use of the process by `read` at each scrape."""
        self._read_usage = read

    def refresh(self) -> None:
        """Update the metrics of the process's use. With several processes, call it regularly."""
        if self._read_usage is not None:
            self._usage.refresh(self._read_usage())

    def text(self) -> bytes:
        self.refresh()
        return generate_latest(self._registry)
