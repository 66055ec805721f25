"""Cache of the finer buckets within a bucket of counters.

A change of a bucket writes the row of every wider bucket around it, with the revision of the change. So a
row of one revision always contains the same finer buckets: within one ledger, which the epoch identifies.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias

from calltally.store.listing.buckets import Bucket

# A bucket contains at most 60 finer ones: some megabytes in all.
MAX_ENTRIES: Final = 1_024

# Tenant, epoch, facet and the sum that matches are counted by.
Scope: TypeAlias = tuple[Any, ...]


class BucketCache:
    """Finer buckets of the most recently opened buckets. Threads may share it."""

    def __init__(self, max_entries: int = MAX_ENTRIES) -> None:
        self._max_entries = max_entries
        self._entries: OrderedDict[tuple[Scope, Bucket], list[Bucket]] = OrderedDict()

    def get(self, scope: Scope, buckets: Iterable[Bucket]) -> tuple[list[Bucket], list[Bucket]]:
        """Return the finer buckets of the cached buckets, and the buckets that are not cached."""
        finer: list[Bucket] = []
        missing: list[Bucket] = []
        for bucket in buckets:
            entry = self._entries.get((scope, bucket))
            if entry is None:
                missing.append(bucket)
            else:
                finer += entry
        return finer, missing

    def put(self, scope: Scope, buckets: Sequence[Bucket], finer: Sequence[Bucket]) -> None:
        """Store the finer buckets of some buckets, in their order."""
        for bucket in buckets:
            lo_us, hi_us = bucket[:2]
            self._entries[scope, bucket] = [each for each in finer if lo_us <= each[0] < hi_us]
            if len(self._entries) > self._max_entries:
                self._entries.popitem(last=False)


BUCKET_CACHE: Final = BucketCache()
# A stream reads a whole window and opens each bucket once: it needs a day or an hour only until its end.
STREAM_BUCKET_CACHE: Final = BucketCache(max_entries=64)
