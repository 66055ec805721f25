"""What Prometheus is told. A registry for each application, so that tests and processes do not mix.

No label ever takes a value from outside: tenants, paths and methods that nobody declared do not
become time series.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

METRICS_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4.encode()
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# A page takes well under a millisecond, an import of 1,000 events tens of them.
LATENCY_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)

_DELIVERY_BUCKETS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)


class _Series(NamedTuple):
    requests: Counter
    seconds: Histogram


class _Deliveries(NamedTuple):
    attempts: Counter
    took: Histogram
    age: Histogram


def _deliveries(registry: CollectorRegistry) -> _Deliveries:
    seconds = partial(Histogram, registry=registry, buckets=_DELIVERY_BUCKETS)
    name = "calltally_delivery"
    said = "Attempts to deliver by how they ended."
    return _Deliveries(
        Counter(f"{name}_attempts", said, ["outcome"], registry=registry),
        seconds(f"{name}_attempt_seconds", "What endpoints take to answer."),
        seconds(f"{name}_first_attempt_seconds", "From an event to its first attempt."),
    )


class _Received(NamedTuple):
    facts: Counter
    signature_failures: Counter
    dead_letters: Counter
    unknown_ends: Counter
    unread: Counter


def _received(registry: CollectorRegistry) -> _Received:
    counter = partial(Counter, registry=registry)
    unknown = "Words for why a call ended that are in no table; each is kept."
    unread = "Genuine messages of kinds that are not read and name no call's state; each is kept."
    unsigned = "Callbacks that were not signed with the tenant's secret."
    return _Received(
        counter("calltally_facts", "Facts by what became of them.", ["provider", "outcome"]),
        counter("calltally_signature_failures", unsigned, ["provider"]),
        counter("calltally_dead_letters", "Genuine bodies kept unread.", ["provider"]),
        counter("calltally_unknown_end_reasons", unknown, ["provider"]),
        counter("calltally_unread_messages", unread, ["provider", "kind"]),
    )


class Metrics:
    """Counters of one application; `text` is what a scrape reads."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter(
            "calltally_http_requests", "Answers given.", ["route", "method", "status"], registry=registry
        )
        self._seconds = Histogram(
            "calltally_http_request_seconds",
            "From the request's head to the end of the answer.",
            ["route"],
            registry=registry,
            buckets=LATENCY_BUCKETS,
        )
        self._received = _received(registry)
        self._jobs = Counter(
            "calltally_jobs", "Jobs that were asked for, or let go of.", ["kind", "what"], registry=registry
        )
        self._deliveries = _deliveries(registry)
        self._queued = Gauge(
            "calltally_writer_queue",
            "What waits for the writer.",
            registry=registry,
            # Counts only where several processes are told of as one.
            multiprocess_mode="sum",
        )
        # Looking a labelled child up costs more than adding to it, so each is looked up once.
        self._series: dict[tuple[str, str, int], _Series] = {}
        # Providers and outcomes are few, and ours.
        self._facts_of = cache(self._received.facts.labels)

    def observe_request(self, route: str, method: str, status: int, *, seconds: float) -> None:
        """One answer, by the route's template (not the path that was asked for)."""
        key = (route, method, status)
        series = self._series.get(key) or self._resolve(key)
        series.requests.inc()
        series.seconds.observe(seconds)

    def _resolve(self, key: tuple[str, str, int]) -> _Series:
        route, method, status = key
        known = method if method in METHODS else "other"
        series = _Series(self._requests.labels(route, known, str(status)), self._seconds.labels(route))
        # Methods are the client's to invent: only those that are known are remembered.
        if known == method:
            self._series[key] = series
        return series

    def count_fact(self, provider: str, outcome: str) -> None:
        """What became of one fact. `provider` is a known one, or `own` for a tenant's own events."""
        self._facts_of(provider, outcome).inc()

    def count_signature_failure(self, provider: str) -> None:
        """A callback was turned away; an unknown tenant counts the same."""
        self._received.signature_failures.labels(provider).inc()

    def count_dead_letter(self, provider: str) -> None:
        """A genuine body was kept because it could not be read."""
        self._received.dead_letters.labels(provider).inc()

    def count_unread_message(self, provider: str, kind: str) -> None:
        """A genuine message was kept and not read. `kind` is one of a provider's table, or `other`."""
        self._received.unread.labels(provider, kind).inc()

    def count_unknown_end_reasons(self, provider: str, words: int) -> None:
        """So many calls of one callback ended by words that nobody here knows."""
        self._received.unknown_ends.labels(provider).inc(words)

    def count_job(self, kind: str, what: str) -> None:
        """A job was asked for (`started`) or canceled or let go of (`ended`). `kind` is one of ours."""
        self._jobs.labels(kind, what).inc()

    def delivery_attempted(self, outcome: str, *, took_s: float, age_s: float | None) -> None:
        """One attempt: `delivered`, `failed` or `dead`; `age_s` is given for an event's first."""
        self._deliveries.attempts.labels(outcome).inc()
        self._deliveries.took.observe(took_s)
        if age_s is not None:
            self._deliveries.age.observe(age_s)

    def observe_queue(self, length: Callable[[], int]) -> None:
        """Ask `length` at each scrape how many submissions wait."""
        self._queued.set_function(length)

    def write_queue_length(self) -> None:
        """Put down for processes beside this one what they cannot ask; here there are none."""

    def text(self) -> bytes:
        """The Prometheus text format, version 0.0.4."""
        return generate_latest(self._registry)
