"""Changes of a commit to the counters equal a count of the calls."""

import re
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from calltally.calls.model import DIRECTION_NUMBER, DIRECTIONS, STATUS_NUMBER, STATUSES
from calltally.calls.times import SECOND_US
from calltally.store.rollups.call_counters import (
    ALL,
    CLAUSES,
    COLUMNS,
    FACET_WIDTHS_S,
    FACETS,
    SUM,
    WIDTHS_S,
    CallDimensions,
    CounterDeltas,
    column_number,
    columns_of,
    counter_statements,
    widths_of,
)
from tests.examples import examples

START_US = 1_790_000_040_000_000

positions = st.builds(
    CallDimensions,
    tenant=st.sampled_from(["acme", "other"]),
    created_us=st.integers(START_US, START_US + 40 * 86_400 * SECOND_US),
    status=st.integers(0, len(STATUSES) - 1),
    direction=st.integers(0, 2),
    route=st.sampled_from([None, "support"]),
    agent=st.sampled_from([None, "vera", "support"]),
    provider=st.sampled_from([None, "twilio"]),
)
Row = tuple[str, str, int, int, str]


def added(deltas: CounterDeltas) -> dict[Row, int]:
    return {(*key, COLUMNS[column]): n for key, cells in deltas.rows().items() for column, n in cells.items()}


def counted(some: list[CallDimensions]) -> Counter[Row]:
    """Return the same changes by a loop over calls, widths and facets."""
    rows: Counter[Row] = Counter()
    for position in some:
        side = ("unknown", "inbound", "outbound")[position.direction]
        column = f"{STATUSES[position.status].replace('-', '_')}_{side}"
        named = [
            f"{name}={getattr(position, name)}" for name in FACETS if getattr(position, name) is not None
        ]
        second = position.created_us // SECOND_US
        for facet in ("", *named):
            for width_s in FACET_WIDTHS_S if facet else WIDTHS_S:
                rows[position.tenant, facet, width_s, second // width_s * width_s, column] += 1
    return rows


@given(st.lists(positions, max_size=12), st.lists(positions, max_size=12))
def test_changes_are_summed_per_bucket(come: list[CallDimensions], gone: list[CallDimensions]) -> None:
    deltas = CounterDeltas()
    for position in come:
        deltas.add(position, 1)
    for position in gone:
        deltas.add(position, -1)
    expected = counted(come)
    expected.subtract(counted(gone))
    assert added(deltas) == {row: calls for row, calls in expected.items() if calls}


@settings(max_examples=examples(10))
@given(st.lists(positions, min_size=1, max_size=12))
def test_changes_that_cancel_out_write_rows_without_counts(some: list[CallDimensions]) -> None:
    """Calls can have moved within a bucket: its revision must show the change."""
    deltas = CounterDeltas()
    for position in some:
        deltas.add(position, 1)
        deltas.add(position, -1)
    assert deltas.rows() == {row[:4]: {} for row in counted(some)}


@settings(max_examples=examples(10))
@given(st.lists(st.tuples(positions, st.sampled_from([1, -1])), min_size=1, max_size=12))
def test_statements_contain_the_summed_changes(changes: list[tuple[CallDimensions, int]]) -> None:
    deltas = CounterDeltas()
    for position, calls in changes:
        deltas.add(position, calls)
    rows = deltas.rows()
    assert list(rows) == sorted(rows)
    kept, *adding = counter_statements(rows, {"acme": 1, "other": 2})
    assert [_key(row) for row in kept.rows] == list(rows)
    assert sorted(_key(row) for many in adding for row in many.rows) == list(rows)
    for many in adding:
        first, *columns = dict(many.clauses)["columns"].split(", ")
        for row in many.rows:
            assert row["revision"] == {"acme": 1, "other": 2}[row["tenant"]]
            stated = {COLUMNS.index(name): row[f"n{position}"] for position, name in enumerate(columns)}
            assert {column: n for column, n in stated.items() if n} == rows[_key(row)]
            assert (first, row["calls"]) == (SUM, sum(rows[_key(row)].values()))


def _key(row: Mapping[str, Any]) -> tuple[str, str, int, int]:
    return row["tenant"], row["facet"], row["width_s"], row["bucket_s"]


def test_commits_with_many_statuses_share_one_statement() -> None:
    def stated(statuses: range) -> list[tuple[str, object]]:
        deltas = CounterDeltas()
        for status in statuses:
            deltas.add(CallDimensions("acme", START_US, status, 1, None, None, None), 1)
        return [(many.name, many.clauses) for many in counter_statements(deltas.rows(), {"acme": 7})]

    assert [name for name, _ in stated(range(2))] == ["keep_counts", "add_counts"]
    assert stated(range(4)) == stated(range(4, 8)) == stated(range(len(STATUSES)))
    assert stated(range(2)) != stated(range(2, 4))


def test_every_status_and_direction_has_one_column() -> None:
    numbers = [
        column_number(STATUS_NUMBER[status], DIRECTION_NUMBER[side])
        for status in STATUSES
        for side in (None, *DIRECTIONS)
    ]
    assert numbers == list(range(len(COLUMNS)))
    assert len(set(COLUMNS)) == 27


def test_columns_of_a_filter() -> None:
    assert columns_of((), None) == (SUM,)
    assert columns_of(("no-answer",), "inbound") == ("no_answer_inbound",)
    # An unknown direction has a column of its own: it is neither inbound nor outbound.
    assert set(columns_of((), "inbound")) | set(columns_of((), "outbound")) < set(COLUMNS)
    assert columns_of(("busy",), None) == ("busy_unknown", "busy_inbound", "busy_outbound")


def test_every_clause_names_every_column_once() -> None:
    for name, clause in CLAUSES:
        assert re.findall(r"(?:^|, ):?(\w+)", clause) == [SUM, *COLUMNS], name


def test_widths_divide_one_another() -> None:
    assert widths_of(ALL) == WIDTHS_S
    assert widths_of("route=support") == FACET_WIDTHS_S
    for widths_s in (WIDTHS_S, FACET_WIDTHS_S):
        assert all(wide % fine == 0 for wide, fine in pairwise(widths_s))
