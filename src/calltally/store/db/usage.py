"""Use of a process's writer, connections, files and caches, for metrics. Totals count since its start."""

from collections.abc import Mapping
from typing import NamedTuple


class CacheUse(NamedTuple):
    """Lookups in a cache."""

    hits: int
    misses: int


class PoolUse(NamedTuple):
    """Connections or threads in use, requests that wait for one, and the limit."""

    in_use: int
    waiting: int
    limit: int


class WriterUse(NamedTuple):
    """Queue of a writer, seconds since the first request after the last commit, and its transactions."""

    queued: int
    wait_s: float
    commits: int
    failed_commits: int
    commit_s: float


class StoreUsage(NamedTuple):
    """Use of a store. `file_bytes` has the sizes of SQLite's files."""

    writer: WriterUse
    pools: Mapping[str, PoolUse]
    file_bytes: Mapping[str, int]
