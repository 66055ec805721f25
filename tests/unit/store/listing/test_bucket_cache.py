"""What buckets were opened to is kept as long as their row says that it is so, and no longer."""

from calltally.store.listing.bucket_cache import Children
from calltally.store.listing.buckets import Bucket

SCOPE = ("acme", "epoch", "", ())
HOUR: Bucket = (0, 3_600, 3_600, 5, 5, 7)
MINUTES: list[Bucket] = [(0, 60, 60, 2, 2, 3), (60, 120, 60, 3, 3, 7)]


def test_what_was_kept_is_known_by_the_row_as_it_was() -> None:
    children = Children()
    assert children.known(SCOPE, [HOUR]) == ([], [HOUR])
    children.keep(SCOPE, [HOUR], MINUTES)
    assert children.known(SCOPE, [HOUR]) == (MINUTES, [])


def test_a_row_of_another_revision_ledger_or_filter_is_unknown() -> None:
    children = Children()
    children.keep(SCOPE, [HOUR], MINUTES)
    later = (*HOUR[:5], 8)
    assert children.known(SCOPE, [later]) == ([], [later])
    for other in (
        ("bolt", *SCOPE[1:]),
        ("acme", "other", "", ()),
        (*SCOPE[:2], "route=a", ()),
        (*SCOPE[:3], 1),
    ):
        assert children.known(other, [HOUR]) == ([], [HOUR])


def test_each_of_several_gets_its_own() -> None:
    children = Children()
    next_hour: Bucket = (3_600, 7_200, 3_600, 1, 1, 2)
    minute: Bucket = (3_660, 3_720, 60, 1, 1, 2)
    children.keep(SCOPE, [HOUR, next_hour], [*MINUTES, minute])
    assert children.known(SCOPE, [next_hour]) == ([minute], [])
    assert children.known(SCOPE, [HOUR, next_hour]) == ([*MINUTES, minute], [])


def test_only_so_many_are_kept() -> None:
    children = Children(most=2)
    hours: list[Bucket] = [(hour, hour + 1, 1, 1, 1, 1) for hour in range(3)]
    for hour in hours:
        children.keep(SCOPE, [hour], [])
    assert children.known(SCOPE, hours) == ([], hours[:1])
