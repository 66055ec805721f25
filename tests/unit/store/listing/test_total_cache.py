"""Totals that are remembered: of one state of one ledger, and the oldest go first."""

from calltally.calls.filters import CallFilter
from calltally.store.listing.total_cache import Totals
from calltally.store.snapshots.tokens import LedgerHead

STANDING = LedgerHead("acme", 7, "epoch", 0, 0)
WORDS = CallFilter(q="booked")


def test_a_total_is_that_of_its_revision_filter_and_ledger() -> None:
    totals = Totals()
    assert totals.of(STANDING, 7, WORDS) is None
    assert totals.note(STANDING, 7, WORDS, 12) == 12
    assert totals.of(STANDING._replace(revision=9), 7, WORDS) == 12
    assert totals.of(STANDING, 8, WORDS) is None
    assert totals.of(STANDING, 7, CallFilter(q="moved")) is None
    for other in ({"tenant": "bolt"}, {"epoch": "other"}, {"erasures": 1}):
        assert totals.of(STANDING._replace(**other), 7, WORDS) is None


def test_only_the_last_are_kept() -> None:
    totals = Totals(most=2)
    for revision in (1, 2, 3):
        totals.note(STANDING, revision, WORDS, revision)
    assert [totals.of(STANDING, revision, WORDS) for revision in (1, 2, 3)] == [None, 2, 3]
