"""Cache of totals: an entry is valid for one state of one ledger, and the oldest is evicted."""

from calltally.calls.filters import CallFilter
from calltally.store.listing.total_cache import TotalCache
from calltally.store.snapshots.tokens import LedgerHead

STANDING = LedgerHead("acme", 7, "epoch", 0, 0)
WORDS = CallFilter(q="booked")


def test_total_is_found_by_its_revision_filter_and_ledger() -> None:
    cache = TotalCache()
    assert cache.get(STANDING, 7, WORDS) is None
    assert cache.put(STANDING, 7, WORDS, 12) == 12
    assert cache.get(STANDING._replace(revision=9), 7, WORDS) == 12
    assert cache.get(STANDING, 8, WORDS) is None
    assert cache.get(STANDING, 7, CallFilter(q="moved")) is None
    for other in ({"tenant": "bolt"}, {"epoch": "other"}, {"erasures": 1}):
        assert cache.get(STANDING._replace(**other), 7, WORDS) is None


def test_oldest_total_is_evicted() -> None:
    cache = TotalCache(max_entries=2)
    for revision in (1, 2, 3):
        cache.put(STANDING, revision, WORDS, revision)
    assert [cache.get(STANDING, revision, WORDS) for revision in (1, 2, 3)] == [None, 2, 3]
