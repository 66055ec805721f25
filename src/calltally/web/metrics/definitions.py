"""Definitions of all Prometheus metrics. The reference page, alert rules and dashboard are made from them.

Labels never take values from outside: unknown tenants, paths and methods do not become time series.
"""

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# A page takes well under a millisecond, an import of 1,000 events tens of milliseconds.
LATENCY_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
DELIVERY_BUCKETS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)


class MetricDefinition(NamedTuple):
    """One metric. `meaning` is Markdown; with several processes gauges are added or compared by `mode`."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    unit: str
    meaning: str
    buckets: tuple[float, ...] = ()
    mode: Literal["sum", "max"] = "sum"

    def counter(self, registry: CollectorRegistry) -> Counter:
        return Counter(self.name, self._help, self.labels, registry=registry)

    def gauge(self, registry: CollectorRegistry, *more_labels: str) -> Gauge:
        labels = (*self.labels, *more_labels)
        return Gauge(self.name, self._help, labels, registry=registry, multiprocess_mode=self.mode)

    def histogram(self, registry: CollectorRegistry) -> Histogram:
        return Histogram(self.name, self._help, self.labels, registry=registry, buckets=self.buckets)

    @property
    def _help(self) -> str:
        return self.meaning.replace("`", "")


def _counter(name: str, unit: str, meaning: str, labels: Iterable[str] = ()) -> MetricDefinition:
    return MetricDefinition(f"calltally_{name}_total", "counter", tuple(labels), unit, meaning)


def _gauge(
    name: str, unit: str, meaning: str, labels: Iterable[str] = (), mode: Literal["sum", "max"] = "sum"
) -> MetricDefinition:
    return MetricDefinition(f"calltally_{name}", "gauge", tuple(labels), unit, meaning, mode=mode)


def _histogram(
    name: str, meaning: str, buckets: tuple[float, ...], labels: Iterable[str] = ()
) -> MetricDefinition:
    return MetricDefinition(f"calltally_{name}", "histogram", tuple(labels), "seconds", meaning, buckets)


# Requests.
HTTP_REQUESTS: Final = _counter(
    "http_requests",
    "responses",
    "HTTP responses. `route` is the template of the path, or `(none)`.",
    ("route", "method", "status"),
)
HTTP_SECONDS: Final = _histogram(
    "http_request_seconds",
    "Time from the head of the request to the end of the response. Long polls of `/api/v1/changes` take as"
    " long as they wait.",
    LATENCY_BUCKETS,
    ("route",),
)
LONG_POLLS: Final = _gauge("long_polls", "requests", "Requests of `/api/v1/changes` that wait for a change.")

# Callbacks and events.
FACTS: Final = _counter(
    "facts",
    "facts",
    "Facts of callbacks and events. `provider` is `own` for your own events. `outcome` is `applied`,"
    " `duplicate`, `ignored` or `refused`.",
    ("provider", "outcome"),
)
SIGNATURE_FAILURES: Final = _counter(
    "signature_failures",
    "requests",
    "Callbacks that were refused with 403. `reason` is `wrong-signature`, or `no-secret` if no secret is"
    " stored or the tenant is unknown.",
    ("provider", "reason"),
)
DEAD_LETTERS: Final = _counter(
    "dead_letters", "requests", "Signed callbacks that could not be read and were kept.", ("provider",)
)
UNREAD_MESSAGES: Final = _counter(
    "unread_messages",
    "messages",
    "Signed messages of kinds that describe no state of a call. `kind` is `other` for an unknown kind and"
    " `too_long` for a message that was not kept.",
    ("provider", "kind"),
)
UNKNOWN_END_REASONS: Final = _counter(
    "unknown_end_reasons",
    "words",
    "End reasons that Calltally does not know. The call gets `unknown`, and its `ending` has the word.",
    ("provider",),
)
UNREAD_FIELDS: Final = _counter(
    "unread_fields",
    "values",
    "Values of fields that could not be read. They are left out, and the rest is recorded.",
    ("provider",),
)
UNLISTED_FIELDS: Final = _counter(
    "unlisted_fields",
    "fields",
    "Fields and end reasons that the provider's page does not list: the provider has probably changed"
    " something.",
    ("provider",),
)
WAITING_DEAD_LETTERS: Final = _gauge(
    "waiting_dead_letters", "requests", "Dead letters that wait for a replay, counted up to 1,000."
)

# The database.
WRITER_QUEUE: Final = _gauge("writer_queue", "submissions", "Submissions that wait for the writer.")
WRITER_WAIT: Final = _gauge(
    "writer_wait_seconds",
    "seconds",
    "Time since the first write request after the last commit; 0 if no request waits.",
    mode="max",
)
COMMITS: Final = _counter(
    "commits",
    "transactions",
    "Transactions of the writer. `outcome` is `committed`, or `failed` if the database refused or failed.",
    ("outcome",),
)
COMMIT_SECONDS: Final = _counter(
    "commit_seconds", "seconds", "Time in transactions of the writer, with the sync to the disk."
)
CONNECTIONS: Final = _gauge(
    "database_connections",
    "connections",
    "Connections and threads that read. `state` is `in-use`, or `waiting` for requests without one. `pool` is"
    " `reads` or `replica` of PostgreSQL, or `long-reads` of SQLite.",
    ("pool", "state"),
)
CONNECTION_LIMIT: Final = _gauge(
    "database_connections_limit", "connections", "Most connections of a pool.", ("pool",)
)
FILE_BYTES: Final = _gauge(
    "database_file_bytes",
    "bytes",
    "Size of SQLite's files. `file` is `database` or `wal`.",
    ("file",),
    mode="max",
)
CACHE_LOOKUPS: Final = _counter(
    "cache_lookups",
    "lookups",
    "Lookups in the caches of the process. `outcome` is `hit` or `miss`.",
    ("cache", "outcome"),
)

# Background work.
WORKER_REPORT: Final = _gauge(
    "worker_report_timestamp_seconds",
    "seconds since 1970",
    "Last report of a background worker; 0 if none has reported. Workers report every 20 seconds.",
)
WAITING_WORK: Final = _gauge(
    "waiting_work",
    "tenants, jobs",
    "Waiting work: tenants with new `deliveries` or with some that were due two minutes ago, `jobs` that were"
    " due two minutes ago, and tenants whose alerts have had no `evaluations` for ten minutes. New deliveries"
    " are usual for a moment while a worker runs.",
    ("work",),
)
LEASES: Final = _gauge(
    "leases",
    "leases",
    "Leases of background work. `state` is `held`, or `expired` where a process ended without releasing it.",
    ("state",),
)
EXPIRED_LEASE_SECONDS: Final = _gauge(
    "expired_lease_seconds", "seconds", "Time since the oldest expired lease expired; 0 if there is none."
)
JOBS: Final = _counter(
    "jobs",
    "jobs",
    "Exports and reconciliations that were `started`, or `ended` by a request.",
    ("kind", "what"),
)
OPEN_JOBS: Final = _gauge(
    "open_jobs",
    "jobs",
    "Jobs that have not ended. `kind` is `export` or `reconciliation`, `state` is `queued` or `running`.",
    ("kind", "state"),
)
OLDEST_JOB_SECONDS: Final = _gauge(
    "oldest_job_seconds", "seconds", "Age of the oldest job that has not ended; 0 without one.", ("kind",)
)

# Deliveries and alerts.
DELIVERIES: Final = _gauge(
    "deliveries",
    "deliveries",
    "Deliveries of events that are `waiting` for an attempt, or `dead` (given up); counted up to 10,000.",
    ("state",),
)
OVERDUE_DELIVERY_SECONDS: Final = _gauge(
    "overdue_delivery_seconds", "seconds", "Time since the oldest waiting delivery was due; 0 if none is."
)
DELIVERY_ATTEMPTS: Final = _counter(
    "delivery_attempts",
    "attempts",
    "Requests to webhook endpoints: `delivered`, `failed` (a retry follows) or `dead` (given up).",
    ("outcome",),
)
DELIVERY_ATTEMPT_SECONDS: Final = _histogram(
    "delivery_attempt_seconds", "Response times of webhook endpoints.", DELIVERY_BUCKETS
)
DELIVERY_FIRST_ATTEMPT_SECONDS: Final = _histogram(
    "delivery_first_attempt_seconds", "Time from an event to its first attempt.", DELIVERY_BUCKETS
)
ALERT: Final = _gauge(
    "alert",
    "alerts",
    "Alerts that are not resolved, as `open` or `acknowledged`. With `CALLTALLY_METRICS_BY_TENANT=true` also"
    " by `tenant`; then kinds without alerts are missing.",
    ("kind", "state"),
)
NOTIFICATION_ATTEMPTS: Final = _counter(
    "notification_attempts",
    "attempts",
    "Notifications to sinks of alerts: `sent`, `failed` (a retry follows) or `dead` (given up).",
    ("outcome",),
)
WAITING_NOTIFICATIONS: Final = _gauge(
    "waiting_notifications",
    "notifications",
    "Notifications of alerts that wait for an attempt. A sink of Alertmanager has one for each open alert.",
)

_OF_PROCESS: Final = (
    ("process_cpu_seconds_total", "counter", "seconds", "Processor time of the process."),
    ("process_resident_memory_bytes", "gauge", "bytes", "Memory of the process."),
    ("process_virtual_memory_bytes", "gauge", "bytes", "Address space of the process."),
    ("process_open_fds", "gauge", "files", "Open files and sockets."),
    ("process_max_fds", "gauge", "files", "The limit of open files."),
    ("process_start_time_seconds", "gauge", "seconds", "Start of the process, in seconds since 1970."),
)

DEFINITIONS: Final[tuple[MetricDefinition, ...]] = tuple(
    each for each in [*globals().values()] if isinstance(each, MetricDefinition)
)
# The library makes these.
PROCESS_DEFINITIONS: Final[tuple[MetricDefinition, ...]] = tuple(
    MetricDefinition(name, "counter" if kind == "counter" else "gauge", (), unit, meaning)
    for name, kind, unit, meaning in _OF_PROCESS
)
