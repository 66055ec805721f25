"""Cache of counter rows: used once two pages were read at the same ledger head."""

from calltally.calls.filters import CallFilter
from calltally.store.db.operation import Rows
from calltally.store.listing.counter_cache import CounterCache
from calltally.store.snapshots.tokens import LedgerHead

STANDING = LedgerHead("acme", 7, "epoch", 0, 0)
EVERY = CallFilter()
ANSWERS: list[Rows] = [[(0, 60, 60, 2, 2, 7)], []]


def test_rows_stored_twice_at_one_head_are_found() -> None:
    cache = CounterCache()
    assert cache.get("acme", EVERY) is None
    cache.put(STANDING, EVERY, ANSWERS)
    assert cache.get("acme", EVERY) is None
    cache.put(STANDING, EVERY, ANSWERS)
    assert cache.get("acme", EVERY) == (STANDING, ANSWERS)
    assert cache.get("bolt", EVERY) is None
    assert cache.get("acme", CallFilter(direction="inbound")) is None


def test_rows_of_a_head_that_moved_are_missing() -> None:
    cache = CounterCache()
    for revision in (7, 7, 8):
        cache.put(STANDING._replace(revision=revision), EVERY, ANSWERS)
    assert cache.get("acme", EVERY) is None


def test_oldest_entry_is_evicted() -> None:
    cache = CounterCache(max_entries=1)
    other = CallFilter(direction="inbound")
    for calls in (EVERY, EVERY, other, other):
        cache.put(STANDING, calls, ANSWERS)
    assert cache.get("acme", EVERY) is None
    assert cache.get("acme", other) is not None


def test_window_with_too_many_buckets_is_not_cached() -> None:
    cache = CounterCache()
    for _ in range(2):
        cache.put(STANDING, EVERY, [[(minute, minute + 60, 60, 1, 1, 7) for minute in range(200)]])
    assert cache.get("acme", EVERY) is None
