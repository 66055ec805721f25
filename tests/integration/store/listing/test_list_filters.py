"""Each row of the table of list filters changes the result: alone, with each other, and under a snapshot."""

from itertools import product
from typing import Any, cast

import pytest
from msgspec.structs import replace

from calltally.calls.errors import SnapshotGone
from calltally.calls.events import Fact
from calltally.calls.filters import FILTERS, CallFilter
from calltally.calls.list_query import ListQuery, parse_list_query
from calltally.calls.times import SECOND_US, utc_text
from calltally.store.analytics.quality_query import TotalsQuery, totals_of
from calltally.store.listing import conditions
from calltally.store.listing.browse import browse
from calltally.store.listing.conditions import Condition, Counters
from calltally.store.listing.list_calls import list_calls
from calltally.store.listing.scan_statements import scan_index
from calltally.store.maintenance.refold_all import begin_refold, refold_calls
from calltally.store.rollups.window_buckets import WindowPiece
from tests.conftest import NOW_US, TENANT, Bench, records_of
from tests.integration.store.probing import direct, submit, verdict
from tests.sample_facts import START_US, at_us, own

FIRST = "matches-all"
NAMES = [row.name for row in FILTERS]
# A value of each filter that FIRST matches, and the facts of a call that differs from FIRST in this alone.
# `call_sid` and its prefix need none: every other call differs in it.
FACTS: dict[str, Any] = {
    "status": "completed",
    "direction": "inbound",
    "route": "sales",
    "provider": "twilio",
    "agent": "vera",
    "from_number": "+14155550100",
    "to_number": "+14155550100",
    "parent_call_sid": "the-parent",
    "escalated": True,
    "summary": "Booked a table.",
}
VALUES = {
    "status": "completed",
    "direction": "inbound",
    "from": utc_text(at_us(0)),
    "to": utc_text(at_us(60)),
    "route": "sales",
    "provider": "twilio",
    "agent": "vera",
    "call_sid": FIRST,
    "call_sid_prefix": FIRST[:7],
    "number": "+14155550100",
    "from_number": "5550100",
    "to_number": "5550100",
    "parent_call_sid": "the-parent",
    "updated_from": utc_text(NOW_US),
    "updated_to": utc_text(NOW_US + SECOND_US),
    "escalated": "true",
    "q": "booked",
}
OTHERS: dict[str, dict[str, Any]] = {
    "status": {"status": "busy"},
    "direction": {"direction": "outbound"},
    "route": {"route": "support"},
    "provider": {"provider": "switch"},
    "agent": {"agent": "otto"},
    "number": {"from_number": "+14165550100", "to_number": "+14165550100"},
    "from_number": {"from_number": "+14155550199"},
    "to_number": {"to_number": "+14155550199"},
    "parent_call_sid": {"parent_call_sid": "another"},
    "escalated": {"escalated": False},
    "q": {"summary": "Cancelled."},
}
HOUR_US = 3_600 * SECOND_US
SECONDS = {"from": -30, "to": 90}
# Times of recording, in seconds after that of FIRST. "later" is that of `change`.
RECORDED = {"updated_from": -1, "updated_to": 1, "later": 10}


def query_of(*names: str, sid: str = FIRST, snapshot: str | None = None) -> ListQuery:
    """Return the query that the API reads from the parameters of these filters."""
    values = VALUES | {"call_sid": sid}
    pairs = [("limit", "1000"), *((name, values[name]) for name in names)]
    return parse_list_query([*pairs, *([("snapshot", snapshot)] if snapshot else [])], allow_tenant=False)


def own_event(at: float, sid: str, **differences: Any) -> Fact:  # noqa: ANN401 (values of every kind)
    """Return an event of a call that matches every filter but for the differences."""
    stated = FACTS | differences
    # `provider` is a parameter of `own` as well.
    event = own(at, sid, event_id=f"{sid} at {at}", named=stated["provider"])
    return replace(event, stated=stated)


def set_clock(bench: Bench, name: str) -> None:
    bench.now_us = NOW_US + RECORDED.get(name, 0) * SECOND_US


def fill(bench: Bench) -> str:
    """Store FIRST and a call for each filter, and return a snapshot of them."""
    submit(bench, own_event(0, FIRST))
    for name in NAMES:
        set_clock(bench, name)
        submit(bench, own_event(SECONDS.get(name, 0), name, **OTHERS.get(name, {})))
    set_clock(bench, FIRST)
    return bench.run(bench.store.read(list_calls(TENANT, ListQuery()))).snapshot


def change(bench: Bench) -> None:
    """Give each call what it lacked, and add one that matches every filter but the SID."""
    for name in OTHERS:
        set_clock(bench, "later")
        submit(bench, own_event(1, name))
    set_clock(bench, FIRST)
    submit(bench, own_event(0, "added"))


def expected(*names: str, sid: str = FIRST) -> set[str]:
    """Return the calls that these filters match before `change`."""
    found = {FIRST, *NAMES} - (set(names) - {"call_sid"})
    if "call_sid_prefix" in names:
        found &= {FIRST}
    return found & {sid} if "call_sid" in names else found


def listed(bench: Bench, query: ListQuery) -> set[str]:
    """Return the SIDs of a list; its total and the dashboard's page have to agree with it."""
    page = bench.run(bench.store.read(list_calls(TENANT, query), long=True))
    browsed = bench.run(bench.store.read(browse(TENANT, query), long=True))
    assert (browsed.records, browsed.total) == (page.records, page.total)
    sids = {call["call_sid"] for call in records_of(page)}
    assert page.total == len(sids)
    return sids


def counted(bench: Bench, calls: CallFilter) -> int:
    """Return the calls that launch quality counts with a filter."""
    hour_us = START_US // HOUR_US * HOUR_US
    lo_us, hi_us = calls.from_us or hour_us, calls.to_us or hour_us + HOUR_US
    question = TotalsQuery(TENANT, (WindowPiece(lo_us, hi_us),), (), calls, with_histograms=False)
    answered = bench.run(bench.store.read(totals_of(question), long=True))
    return sum(totals.columns()["attempts"] for totals in answered.groups.values())


def check(bench: Bench, name: str, snapshot: str | None = None) -> None:
    """Assert that a filter is applied alone and with every other one."""
    assert listed(bench, query_of(name, snapshot=snapshot)) == expected(name)
    for other, sid in product([other for other in NAMES if other != name], (FIRST, name)):
        query = query_of(name, other, sid=sid, snapshot=snapshot)
        assert listed(bench, query) == expected(name, other, sid=sid), (name, other, sid)


@pytest.mark.parametrize("name", NAMES)
def test_filter_changes_the_list_alone_and_with_another(bench: Bench, name: str) -> None:
    fill(bench)
    everything = listed(bench, query_of())
    assert listed(bench, query_of(name)) < everything
    check(bench, name)


@pytest.mark.parametrize("name", NAMES)
def test_filter_changes_the_list_under_a_snapshot(bench: Bench, name: str) -> None:
    snapshot = fill(bench)
    change(bench)
    assert listed(bench, query_of(snapshot=snapshot)) == {FIRST, *NAMES}
    check(bench, name, snapshot)
    assert ("added" in listed(bench, query_of(name))) == (name not in {"call_sid", "call_sid_prefix"})


@pytest.mark.parametrize("name", NAMES)
def test_filter_changes_what_launch_quality_counts(bench: Bench, name: str) -> None:
    fill(bench)
    assert counted(bench, query_of(name).filter) == len(expected(name))


@pytest.mark.parametrize("counters", [Counters.NONE, Counters.BUCKETS])
def test_filter_that_is_accepted_and_not_applied_is_found(
    bench: Bench, counters: Counters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row without SQL, read by rows or hidden by counters that do not know it: `check` must fail."""
    fill(bench)
    check(bench, "escalated")
    table = cast("dict[str, Condition]", conditions.CONDITIONS)
    monkeypatch.setitem(table, "escalated", Condition(lambda _value: "", counters))
    submit(bench, own_event(2, "later"))
    with pytest.raises(AssertionError):
        check(bench, "escalated")


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ({"from_number": "+14155550100"}, "calls_from"),
        ({"from_number": "5550100", "q": "booked"}, "calls_from_ending"),
        ({"to_number": "+14155550100", "status": "completed"}, "calls_to"),
        ({"to_number": "5550100", "route": "sales"}, "calls_to_ending"),
        ({"parent_call_sid": "the-parent", "updated_from": "2026-01-01"}, "calls_of_parent"),
        ({"updated_from": "2026-01-01", "agent": "vera"}, "calls_updated"),
        ({"escalated": "false"}, None),
    ],
)
def test_filter_reads_its_own_index(filters: dict[str, str], index: str | None) -> None:
    calls = parse_list_query(list(filters.items()), allow_tenant=False).filter
    assert scan_index(calls) == index


def test_snapshot_of_a_release_without_parents_is_refused_for_legs_alone(bench: Bench) -> None:
    """Versions that it wrote are counted by every other filter."""
    snapshot = fill(bench)
    change(bench)
    with direct(bench.url) as db:
        db("UPDATE call_versions SET parent_call_sid = NULL")
    assert listed(bench, query_of("route", snapshot=snapshot)) == expected("route")
    with pytest.raises(SnapshotGone, match="an earlier release"):
        listed(bench, query_of("parent_call_sid", snapshot=snapshot))


def test_parent_that_an_earlier_release_left_out_is_found_after_a_refold(bench: Bench) -> None:
    fill(bench)
    legs = query_of("parent_call_sid")
    with direct(bench.url) as db:
        db("UPDATE calls SET parent_call_sid = NULL")
    assert listed(bench, legs) == set()
    assert {found.subject.startswith("call ") for found in verdict(bench).findings} == {True}
    bench.run(bench.store.write(begin_refold(TENANT)))
    while bench.run(bench.store.write(refold_calls(TENANT, 5, NOW_US))):
        pass
    assert listed(bench, legs) == expected("parent_call_sid")
    assert verdict(bench).findings == []
