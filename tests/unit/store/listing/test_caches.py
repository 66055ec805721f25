"""Caches of lists: an entry is valid for one state of one ledger, and the oldest is evicted."""

from concurrent.futures import ThreadPoolExecutor

from calltally.calls.filters import CallFilter
from calltally.store.db.operation import Rows
from calltally.store.listing.buckets import Bucket
from calltally.store.listing.caches import BucketCache, CounterCache, SharedCache
from calltally.store.snapshots.tokens import LedgerHead

SCOPE = ("acme", "epoch", "", ())
HOUR: Bucket = (0, 3_600, 3_600, 5, 5, 7)
MINUTES: list[Bucket] = [(0, 60, 60, 2, 2, 3), (60, 120, 60, 3, 3, 7)]
HEAD = LedgerHead("acme", 7, "epoch", 0, 0)
EVERY = CallFilter()
ANSWERS: list[Rows] = [[(0, 60, 60, 2, 2, 7)], []]


def test_finer_buckets_are_found_by_the_unchanged_row() -> None:
    cache = BucketCache()
    assert cache.find_finer(SCOPE, [HOUR]) == ([], [HOUR])
    cache.put_finer(SCOPE, [HOUR], MINUTES)
    assert cache.find_finer(SCOPE, [HOUR]) == (MINUTES, [])


def test_row_of_another_revision_ledger_or_filter_is_missing() -> None:
    cache = BucketCache()
    cache.put_finer(SCOPE, [HOUR], MINUTES)
    later = (*HOUR[:5], 8)
    assert cache.find_finer(SCOPE, [later]) == ([], [later])
    for other in (
        ("bolt", *SCOPE[1:]),
        ("acme", "other", "", ()),
        (*SCOPE[:2], "route=a", ()),
        (*SCOPE[:3], 1),
    ):
        assert cache.find_finer(other, [HOUR]) == ([], [HOUR])


def test_each_bucket_gets_its_own_finer_buckets() -> None:
    cache = BucketCache()
    next_hour: Bucket = (3_600, 7_200, 3_600, 1, 1, 2)
    minute: Bucket = (3_660, 3_720, 60, 1, 1, 2)
    cache.put_finer(SCOPE, [HOUR, next_hour], [*MINUTES, minute])
    assert cache.find_finer(SCOPE, [next_hour]) == ([minute], [])
    assert cache.find_finer(SCOPE, [HOUR, next_hour]) == ([*MINUTES, minute], [])


def test_oldest_bucket_is_evicted() -> None:
    cache = BucketCache(2)
    hours: list[Bucket] = [(hour, hour + 1, 1, 1, 1, 1) for hour in range(3)]
    for hour in hours:
        cache.put_finer(SCOPE, [hour], [])
    assert cache.find_finer(SCOPE, hours) == ([], hours[:1])


def test_counters_stored_twice_at_one_head_are_found() -> None:
    cache = CounterCache()
    assert cache.find_steady("acme", EVERY) is None
    cache.put_counters(HEAD, EVERY, ANSWERS)
    assert cache.find_steady("acme", EVERY) is None
    cache.put_counters(HEAD, EVERY, ANSWERS)
    assert cache.find_steady("acme", EVERY) == (HEAD, ANSWERS)
    assert cache.find_steady("bolt", EVERY) is None
    assert cache.find_steady("acme", CallFilter(direction="inbound")) is None


def test_counters_of_a_head_that_moved_are_missing() -> None:
    cache = CounterCache()
    for revision in (7, 7, 8):
        cache.put_counters(HEAD._replace(revision=revision), EVERY, ANSWERS)
    assert cache.find_steady("acme", EVERY) is None


def test_oldest_counters_are_evicted() -> None:
    cache = CounterCache(1)
    other = CallFilter(direction="inbound")
    for calls in (EVERY, EVERY, other, other):
        cache.put_counters(HEAD, calls, ANSWERS)
    assert cache.find_steady("acme", EVERY) is None
    assert cache.find_steady("acme", other) is not None


def test_window_with_too_many_buckets_is_not_cached() -> None:
    cache = CounterCache()
    for _ in range(2):
        cache.put_counters(HEAD, EVERY, [[(minute, minute + 60, 60, 1, 1, 7) for minute in range(200)]])
    assert cache.find_steady("acme", EVERY) is None


def test_threads_share_a_cache() -> None:
    cache: SharedCache[int, int] = SharedCache(3)

    def use(thread: int) -> None:
        for number in range(2_000):
            cache.put((number + thread) % 7, number)
            cache.find(number % 7)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(use, range(4)))
    assert len(cache) == 3
