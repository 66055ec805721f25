"""Caches of a process for pages of lists: totals, counter rows, and finer buckets. Threads share them."""

from collections.abc import Iterable, Sequence
from threading import Lock
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from cachetools import FIFOCache

from calltally.calls.filters import CallFilter
from calltally.store.db.operation import Rows
from calltally.store.db.usage import CacheUse
from calltally.store.listing.buckets import Bucket
from calltally.store.snapshots.tokens import LedgerHead

K = TypeVar("K")
V = TypeVar("V")

# Tenant, epoch, number of erasures, revision, filter. Erasures change answers about older revisions too.
TotalKey: TypeAlias = tuple[str, str, int, int, CallFilter]
# Tenant, epoch, facet and the sum that matches are counted by.
Scope: TypeAlias = tuple[Any, ...]

# A window with ragged ends has a few hundred buckets; most have a dozen. Some megabytes in all.
_MAX_ROWS: Final = 128


class SharedCache(FIFOCache[K, V]):
    """Cache that evicts the oldest entry. The library leaves the lock of writes to its callers."""

    def __init__(self, maxsize: int = 512) -> None:
        super().__init__(maxsize)
        self._lock = Lock()
        # Two threads may lose a count of each other.
        self._hits = self._misses = 0

    @property
    def use(self) -> CacheUse:
        return CacheUse(self._hits, self._misses)

    def find(self, key: K) -> V | None:
        """Return the value; None if it is not cached. `get` fails while another thread evicts the key."""
        try:
            value = self[key]
        except KeyError:
            self._misses += 1
            return None
        self._hits += 1
        return value

    def put(self, key: K, value: V) -> None:
        with self._lock:
            self[key] = value


class _CachedCounters(NamedTuple):
    """Counter rows at a ledger head; `is_steady`: a second page was read at the same head."""

    ledger_head: LedgerHead
    answers: Sequence[Rows]
    is_steady: bool


class CounterCache(SharedCache[tuple[str, CallFilter], _CachedCounters]):
    """Cache of counter rows per filter, so that the next page of the filter needs one round trip.

    The rows are a function of the tenant's ledger at a revision. The next page reads the ledger head together
    with its first records, based on the cached rows. If the head has moved on, that page is read again.
    """

    def find_steady(self, tenant: str, calls: CallFilter) -> tuple[LedgerHead, Sequence[Rows]] | None:
        """Return the rows of a filter and their head; None if the ledger changes between pages."""
        entry = self.find((tenant, calls))
        return (entry.ledger_head, entry.answers) if entry is not None and entry.is_steady else None

    def put_counters(self, ledger_head: LedgerHead, calls: CallFilter, answers: Sequence[Rows]) -> None:
        if sum(map(len, answers)) <= _MAX_ROWS:
            key = (ledger_head.tenant, calls)
            before = self.find(key)
            is_steady = before is not None and before.ledger_head == ledger_head
            self.put(key, _CachedCounters(ledger_head, answers, is_steady))


class BucketCache(SharedCache[tuple[Scope, Bucket], list[Bucket]]):
    """Cache of the finer buckets within a bucket of counters.

    A change of a bucket writes the row of every wider bucket around it, with the revision of the change. So a
    row of one revision always contains the same finer buckets: within one ledger, which the epoch identifies.
    """

    def find_finer(self, scope: Scope, buckets: Iterable[Bucket]) -> tuple[list[Bucket], list[Bucket]]:
        """Return the finer buckets of the cached buckets, and the buckets that are not cached."""
        finer: list[Bucket] = []
        missing: list[Bucket] = []
        for bucket in buckets:
            entry = self.find((scope, bucket))
            if entry is None:
                missing.append(bucket)
            else:
                finer += entry
        return finer, missing

    def put_finer(self, scope: Scope, buckets: Sequence[Bucket], finer: Sequence[Bucket]) -> None:
        for bucket in buckets:
            lo_us, hi_us = bucket[:2]
            self.put((scope, bucket), [each for each in finer if lo_us <= each[0] < hi_us])


# A pager requests one total with each of its pages, and the total of a revision does not change.
TOTAL_CACHE: Final[SharedCache[TotalKey, int]] = SharedCache()
COUNTER_CACHE: Final = CounterCache()
# A bucket contains at most 60 finer ones: some megabytes in all.
BUCKET_CACHE: Final = BucketCache(1_024)
# A stream reads a whole window and opens each bucket once: it needs a day or an hour only until its end.
STREAM_BUCKET_CACHE: Final = BucketCache(64)


def listing_cache_use() -> dict[str, CacheUse]:
    """Return the lookups in the caches of this module, by their names in metrics."""
    caches: dict[str, SharedCache[Any, Any]] = {
        "totals": TOTAL_CACHE,
        "counters": COUNTER_CACHE,
        "buckets": BUCKET_CACHE,
        "stream-buckets": STREAM_BUCKET_CACHE,
    }
    return {name: cache.use for name, cache in caches.items()}
