"""What buckets of counters hold one level finer, kept for as long as it is so.

Whatever changes a bucket writes the row of every wider one that it lies in, with the revision of that
change. So what a row of that revision was opened to once, it would be opened to again: in the same
ledger, which its epoch tells from all others.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias

from calltally.store.listing.buckets import Bucket

# A bucket is at most 60 finer ones: some megabytes in all.
MOST_KEPT: Final = 1_024

# Tenant, epoch, facet and the sum that matches are counted by.
Scope: TypeAlias = tuple[Any, ...]


class Children:
    """The most recently opened buckets."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[Scope, Bucket], list[Bucket]] = OrderedDict()

    def known(self, scope: Scope, buckets: Iterable[Bucket]) -> tuple[list[Bucket], list[Bucket]]:
        """What is known of these buckets, and those of which nothing is."""
        finer: list[Bucket] = []
        unknown: list[Bucket] = []
        for bucket in buckets:
            kept = self._kept.get((scope, bucket))
            if kept is None:
                unknown.append(bucket)
            else:
                finer += kept
        return finer, unknown

    def keep(self, scope: Scope, buckets: Sequence[Bucket], finer: Sequence[Bucket]) -> None:
        """Remember what was found in them, in its order."""
        for bucket in buckets:
            lo_us, hi_us = bucket[:2]
            self._kept[scope, bucket] = [each for each in finer if lo_us <= each[0] < hi_us]
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)


KEPT: Final = Children()
# Whoever walks through a whole window comes by each bucket once: a day or an hour is needed until its end.
WALKED: Final = Children(most=64)
