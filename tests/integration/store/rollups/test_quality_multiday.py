"""Roll-ups of several days equal their days after late facts, erasures, closings and damage."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calltally.calls.filters import CallFilter
from calltally.calls.times import SECOND_US
from calltally.store.analytics.quality_query import Group, GroupedTotals, TotalsQuery, totals_of
from calltally.store.db.operation import Rows, StoreOperation, run_operation
from calltally.store.maintenance.erasure import erase_call
from calltally.store.rollups.quality_delta import DAY, FINE_DAY, FINE_KEYS
from calltally.store.rollups.quality_multiday import (
    BY_ROUTE,
    DAY_S,
    IN_DETAIL,
    LAYERS,
    PERIOD_S,
    UNROUTED,
    close_next_day,
    closed_days,
    layer_of,
    next_open_day,
)
from calltally.store.rollups.quality_windows import RollupRange, cut_pieces, in_blocks
from calltally.store.rollups.window_buckets import WindowPiece
from tests.conftest import TENANT, Bench
from tests.examples import examples
from tests.integration.store.probing import direct, submit, verdict
from tests.sample_facts import START_US, fact

_SLOW = settings(max_examples=examples(6), suppress_health_check=[HealthCheck.function_scoped_fixture])
FIRST_S = START_US // SECOND_US // PERIOD_S * PERIOD_S
DAYS = 70
OVER_US = (FIRST_S + 200 * DAY_S) * SECOND_US

days = st.integers(0, DAYS - 1)
calls = st.tuples(
    days,
    st.sampled_from(["completed", "busy", "ringing"]),
    st.sampled_from(["sales", "support"]),
    st.sampled_from(["vera", "otto"]),
)
keys = st.lists(st.sampled_from(FINE_KEYS), max_size=3, unique=True)
filters = st.fixed_dictionaries(
    {}, optional={"route": st.just("sales"), "agent": st.just("otto"), "provider": st.just("twilio")}
)
questions = st.tuples(days, days, st.integers(0, 23), keys, filters)


def report(bench: Bench, tenant: str, day: float, sid: str, **stated: Any) -> None:  # noqa: ANN401 (values of every kind)
    """Return a call some days after the first day of a period."""
    submit(bench, fact(FIRST_S + day * DAY_S - START_US / SECOND_US, sid, **stated), tenant=tenant)


def close(bench: Bench, tenant: str = TENANT, most: int = 1_000, now_us: int = OVER_US) -> int:
    closed = 0
    while closed < most and bench.run(bench.store.write(close_next_day(tenant, now_us))):
        closed += 1
    return closed


def measured_totals(bench: Bench, question: TotalsQuery) -> dict[Group, list[int]]:
    answered = bench.run(bench.store.read(totals_of(question)))
    return {group: totals.counts for group, totals in answered.groups.items()}


def question_of(tenant: str, lo_day: float, hi_day: float, *names: str, **calls: Any) -> TotalsQuery:  # noqa: ANN401 (values of every kind)
    lo_us, hi_us = (int(FIRST_S + day * DAY_S) * SECOND_US for day in (lo_day, hi_day))
    return TotalsQuery(
        tenant, (WindowPiece(lo_us, hi_us),), names, CallFilter(**calls), with_histograms=False
    )


def reopen(bench: Bench) -> None:
    with direct(bench.url) as db:
        db("DELETE FROM quality_closed")


def test_totals_are_the_same_with_and_without_blocks(bench: Bench) -> None:
    changes = st.one_of(calls, st.integers(1, 80), st.just("erase"))

    @_SLOW
    @given(
        st.lists(calls, min_size=1, max_size=12),
        st.lists(changes, max_size=6),
        st.lists(questions, max_size=6),
    )
    def check(
        reported: list[tuple[int, str, str, str]], then: list[object], queries: list[tuple[Any, ...]]
    ) -> None:
        tenant = bench.new_tenant()
        for number, (day, status, route, agent) in enumerate(reported):
            report(
                bench, tenant, day, f"c{number}", status=status, route=route, agent=agent, talk_seconds=day
            )
        close(bench, tenant)
        for number, change in enumerate(then):
            if isinstance(change, int):
                close(bench, tenant, change)
            elif isinstance(change, tuple):
                report(bench, tenant, change[0], f"late{number}", status=change[1], route=change[2])
            else:
                bench.run(bench.store.write(erase_call(tenant, "c0", OVER_US)))
        wanted = [
            question_of(tenant, min(one, other), max(one, other) + hour / 24, *names, **calls)
            for one, other, hour, names, calls in queries
        ]
        answers = [measured_totals(bench, question) for question in wanted]
        assert verdict(bench, tenant).findings == []
        reopen(bench)
        assert [measured_totals(bench, question) for question in wanted] == answers

    check()


@pytest.fixture
def months(bench: Bench) -> Bench:
    """Store a call per day on seventy days, all of them closed."""
    for day in range(DAYS):
        report(bench, TENANT, day + 0.5, f"c{day}", status="completed", route=f"r{day % 3}", talk_seconds=day)
    assert close(bench) == 3 * 32
    return bench


def grains_read(bench: Bench, lo_day: int, hi_day: int, keys: set[str]) -> list[tuple[int, int]]:
    """Return the grains that are read, and the number of their days."""
    layer = layer_of(keys)
    [piece] = question_of(TENANT, lo_day, hi_day).pieces
    stretches = bench.run(bench.store.read(in_blocks(TENANT, cut_pieces([piece], layer).ranges, layer)))
    return [(each.grain, (each.hi_s - each.lo_s) // DAY_S) for each in stretches]


def test_closed_days_are_read_in_the_widest_blocks_that_fit(months: Bench) -> None:
    assert grains_read(months, 1, 31, {"route"}) == [
        *((DAY, 1), (11, 2), (12, 4), (13, 16), (12, 4), (11, 2), (DAY, 1))
    ]
    assert grains_read(months, 0, 70, {"agent", "route"}) == [(25, 64), (22, 4), (21, 2)]
    assert grains_read(months, 3, 4, {"agent"}) == [(30, 1)]
    assert grains_read(months, 3, 4, {"route"}) == [(DAY, 1)]


def test_changed_day_is_read_alone_until_it_is_closed_again(months: Bench) -> None:
    whole = question_of(TENANT, 0, 64, "route")
    before = measured_totals(months, whole)
    report(months, TENANT, 5.2, "late", status="busy", route="r0")
    assert grains_read(months, 0, 32, {"route"}) == [(12, 4), (DAY, 2), (11, 2), (13, 8), (14, 16)]
    after = measured_totals(months, whole)
    assert sum(counts[0] for counts in after.values()) == sum(counts[0] for counts in before.values()) + 1
    assert verdict(months).findings == []
    assert close(months) == 1
    assert grains_read(months, 0, 64, {"route"}) == [(15, 64)]
    assert measured_totals(months, whole) == after


def test_fact_without_a_change_reopens_no_day(months: Bench) -> None:
    report(months, TENANT, 5.5, "c5", status="completed", route="r2", talk_seconds=5)
    assert close(months) == 0


def test_days_are_closed_some_hours_after_their_end(bench: Bench) -> None:
    report(bench, TENANT, 1.5, "c", status="completed")
    end_us = (FIRST_S + 2 * DAY_S) * SECOND_US
    assert close(bench, now_us=end_us + 6 * 3_600 * SECOND_US - 1) == 0
    assert close(bench, now_us=end_us + 6 * 3_600 * SECOND_US) == 2
    closed = bench.run(bench.store.read(closed_days(TENANT, 0, 2**40)))
    assert closed == {FIRST_S, FIRST_S + DAY_S}
    assert bench.run(bench.store.read(next_open_day(TENANT, end_us))) is None


def test_damaged_block_is_found_and_repaired(months: Bench) -> None:
    whole = question_of(TENANT, 0, 64, "agent", "end_reason")
    before = measured_totals(months, whole)
    with direct(months.url) as db:
        db("UPDATE quality SET completed = completed + 1 WHERE grain = 35")
        db("DELETE FROM quality WHERE grain = 22")
    found = verdict(months, repair=True)
    since = datetime.fromtimestamp(FIRST_S, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    subjects = {finding.subject for finding in found.findings}
    assert any(subject.startswith(f"quality of acme, 32 days from {since}") for subject in subjects)
    assert {finding.invariant for finding in found.findings} == {6}
    assert found.is_clean
    assert verdict(months).findings == []
    assert measured_totals(months, whole) == before


def test_writes_of_a_release_without_closed_days_are_found(months: Bench) -> None:
    """The old release changes the day and not its blocks: the blocks no longer equal the day."""
    with direct(months.url) as db:
        day_s = FIRST_S + 3 * DAY_S
        closed = db("SELECT tenant, day_s FROM quality_closed WHERE day_s = ?", day_s)
        report(months, TENANT, 3.2, "late", status="busy", route="r0")
        db("INSERT INTO quality_closed (tenant, day_s) VALUES (?, ?)", *closed[0])
    found = verdict(months, repair=True)
    assert {finding.detail for finding in found.findings} == {"it is not the sum of its days"}
    assert found.is_clean
    assert verdict(months).findings == []


def test_each_layer_has_its_keys() -> None:
    assert layer_of(set()) is BY_ROUTE
    assert layer_of({"route", "direction"}) is BY_ROUTE
    assert layer_of({"agent", "provider"}) is UNROUTED
    assert layer_of({"agent", "route"}) is IN_DETAIL
    grains = [block.grain for layer in LAYERS for block in layer.blocks]
    assert len(set(grains)) == len(grains)
    assert {layer.blocks[0].made_of for layer in LAYERS} == {DAY, FINE_DAY}


def test_single_day_reads_no_closed_days() -> None:
    stretches = [RollupRange(DAY, FIRST_S, FIRST_S + DAY_S, 0)]

    def refuse(_request: object) -> list[tuple[int, ...]]:
        raise AssertionError

    assert run_operation(in_blocks(TENANT, stretches, BY_ROUTE), refuse) == stretches


def test_fifty_years_by_week_take_no_more_statements_than_one(months: Bench) -> None:
    """One round trip per week took seconds, so all pieces are summed by one statement."""
    week = 7 * DAY_S
    pieces = tuple(
        WindowPiece(at * SECOND_US, (at + week) * SECOND_US) for at in range(4 * DAY_S, 3_000 * week, week)
    )
    weekly = TotalsQuery(TENANT, pieces, ("route",), CallFilter(), with_histograms=True)
    sent: list[str] = []

    def count(operation: StoreOperation[GroupedTotals]) -> StoreOperation[GroupedTotals]:
        rows: Rows | None = None
        while True:
            try:
                request = operation.send(rows) if rows is not None else next(operation)
            except StopIteration as done:
                answered: GroupedTotals = done.value
                return answered
            sent.append(request.name)  # type: ignore[union-attr]
            rows = yield request

    answered = months.run(months.store.read(count(totals_of(weekly))))
    assert sent == ["closed_quality_days", "quality_sums", "quality_histograms"]
    assert sum(totals.counts[0] for totals in answered.groups.values()) == DAYS
