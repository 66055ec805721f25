"""Metrics of a process's writer, connections, files and caches, read at each scrape."""

from collections.abc import Mapping
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter

from calltally.store.db.usage import CacheUse, PoolUse, StoreUsage
from calltally.web.metrics import definitions


class ProcessUsage(NamedTuple):
    """Use of a process's parts; the totals count since its start. `store` is None for a store without."""

    store: StoreUsage | None
    caches: Mapping[str, CacheUse]
    long_polls: int


class UsageMetrics:
    """Metrics that are set from a ProcessUsage. Its totals advance the counters."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._queue = definitions.WRITER_QUEUE.gauge(registry)
        self._wait = definitions.WRITER_WAIT.gauge(registry)
        self._commits = definitions.COMMITS.counter(registry)
        self._commit_seconds = definitions.COMMIT_SECONDS.counter(registry)
        self._connections = definitions.CONNECTIONS.gauge(registry)
        self._limit = definitions.CONNECTION_LIMIT.gauge(registry)
        self._files = definitions.FILE_BYTES.gauge(registry)
        self._lookups = definitions.CACHE_LOOKUPS.counter(registry)
        self._long_polls = definitions.LONG_POLLS.gauge(registry)
        self._totals: dict[Counter, float] = {}

    def refresh(self, usage: ProcessUsage) -> None:
        self._long_polls.set(usage.long_polls)
        for name, cache in usage.caches.items():
            self._advance(self._lookups.labels(name, "hit"), cache.hits)
            self._advance(self._lookups.labels(name, "miss"), cache.misses)
        if usage.store is not None:
            self._refresh_store(usage.store)

    def _refresh_store(self, usage: StoreUsage) -> None:
        self._queue.set(usage.writer.queued)
        self._wait.set(usage.writer.wait_s)
        self._advance(self._commits.labels("committed"), usage.writer.commits)
        self._advance(self._commits.labels("failed"), usage.writer.failed_commits)
        self._advance(self._commit_seconds, usage.writer.commit_s)
        for name, pool in usage.pools.items():
            self._refresh_pool(name, pool)
        for name, size in usage.file_bytes.items():
            self._files.labels(name).set(size)

    def _refresh_pool(self, name: str, pool: PoolUse) -> None:
        self._connections.labels(name, "in-use").set(pool.in_use)
        self._connections.labels(name, "waiting").set(pool.waiting)
        self._limit.labels(name).set(pool.limit)

    def _advance(self, counter: Counter, total: float) -> None:
        counter.inc(total - self._totals.get(counter, 0.0))
        self._totals[counter] = total
