"""What a filter's counters held is kept to begin with, once the ledger was seen to stand still."""

from calltally.calls.filters import CallFilter
from calltally.store.db.operation import Rows
from calltally.store.listing.counter_cache import Begun
from calltally.store.snapshots.tokens import LedgerHead

STANDING = LedgerHead("acme", 7, "epoch", 0, 0)
EVERY = CallFilter()
ANSWERS: list[Rows] = [[(0, 60, 60, 2, 2, 7)], []]


def test_what_is_noted_twice_is_known() -> None:
    begun = Begun()
    assert begun.of("acme", EVERY) is None
    begun.note(STANDING, EVERY, ANSWERS)
    assert begun.of("acme", EVERY) is None
    begun.note(STANDING, EVERY, ANSWERS)
    assert begun.of("acme", EVERY) == (STANDING, ANSWERS)
    assert begun.of("bolt", EVERY) is None
    assert begun.of("acme", CallFilter(direction="inbound")) is None


def test_a_ledger_that_moves_on_is_not_counted_upon() -> None:
    begun = Begun()
    for revision in (7, 7, 8):
        begun.note(STANDING._replace(revision=revision), EVERY, ANSWERS)
    assert begun.of("acme", EVERY) is None


def test_the_oldest_goes_first() -> None:
    begun = Begun(most=1)
    other = CallFilter(direction="inbound")
    for calls in (EVERY, EVERY, other, other):
        begun.note(STANDING, calls, ANSWERS)
    assert begun.of("acme", EVERY) is None
    assert begun.of("acme", other) is not None


def test_a_window_of_very_many_buckets_is_asked_for_each_time() -> None:
    begun = Begun()
    for _ in range(2):
        begun.note(STANDING, EVERY, [[(minute, minute + 60, 60, 1, 1, 7) for minute in range(200)]])
    assert begun.of("acme", EVERY) is None
