"""Cache of finer buckets: an entry is valid for one row of a wider bucket."""

from calltally.store.listing.bucket_cache import BucketCache
from calltally.store.listing.buckets import Bucket

SCOPE = ("acme", "epoch", "", ())
HOUR: Bucket = (0, 3_600, 3_600, 5, 5, 7)
MINUTES: list[Bucket] = [(0, 60, 60, 2, 2, 3), (60, 120, 60, 3, 3, 7)]


def test_entry_is_found_by_the_unchanged_row() -> None:
    cache = BucketCache()
    assert cache.get(SCOPE, [HOUR]) == ([], [HOUR])
    cache.put(SCOPE, [HOUR], MINUTES)
    assert cache.get(SCOPE, [HOUR]) == (MINUTES, [])


def test_row_of_another_revision_ledger_or_filter_is_missing() -> None:
    cache = BucketCache()
    cache.put(SCOPE, [HOUR], MINUTES)
    later = (*HOUR[:5], 8)
    assert cache.get(SCOPE, [later]) == ([], [later])
    for other in (
        ("bolt", *SCOPE[1:]),
        ("acme", "other", "", ()),
        (*SCOPE[:2], "route=a", ()),
        (*SCOPE[:3], 1),
    ):
        assert cache.get(other, [HOUR]) == ([], [HOUR])


def test_each_bucket_gets_its_own_finer_buckets() -> None:
    cache = BucketCache()
    next_hour: Bucket = (3_600, 7_200, 3_600, 1, 1, 2)
    minute: Bucket = (3_660, 3_720, 60, 1, 1, 2)
    cache.put(SCOPE, [HOUR, next_hour], [*MINUTES, minute])
    assert cache.get(SCOPE, [next_hour]) == ([minute], [])
    assert cache.get(SCOPE, [HOUR, next_hour]) == ([*MINUTES, minute], [])


def test_oldest_entry_is_evicted() -> None:
    cache = BucketCache(max_entries=2)
    hours: list[Bucket] = [(hour, hour + 1, 1, 1, 1, 1) for hour in range(3)]
    for hour in hours:
        cache.put(SCOPE, [hour], [])
    assert cache.get(SCOPE, hours) == ([], hours[:1])
