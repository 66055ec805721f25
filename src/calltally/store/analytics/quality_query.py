"""Totals of calls: from the roll-ups, and from the calls themselves for parts without roll-ups.

A window is cut into whole days and hours (UTC), which have roll-ups, and edges, whose calls are read one by
one with the same exact numbers. All calls are read for a filter that roll-ups do not have. One statement sums
all pieces of the window, whatever their number.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

from calltally.calls.errors import InvalidInput
from calltally.calls.filters import WINDOW_FIELDS, CallFilter, active_fields
from calltally.calls.histogram import add, unpack
from calltally.calls.list_query import ListQuery
from calltally.calls.measures import COLUMNS, column_values, combined_bins, decode_measures
from calltally.calls.model import DIRECTION_NUMBER
from calltally.store.db.operation import Row, Statement, StoreOperation
from calltally.store.listing.scan import Scan
from calltally.store.rollups.call_counters import CallDimensions
from calltally.store.rollups.quality_delta import FINE_KEYS, QualityTotals, fine_keys
from calltally.store.rollups.quality_multiday import layer_of
from calltally.store.rollups.quality_windows import (
    RollupRange,
    cut_pieces,
    encode_ranges,
    in_blocks,
    in_hours,
)
from calltally.store.rollups.window_buckets import WindowPiece
from calltally.store.snapshots.ledger_head import read_ledger_head

# Limit of calls that a query reads one by one: about a second of work.
MOST_ROWS: Final = 100_000
MOST_GROUPS: Final = 5_000
# One more than allowed, to detect too many groups.
_MOST_SUMS: Final = MOST_GROUPS + 1
_ALL: Final = 2**31
_PAGE: Final = 5_000
_FACETS: Final = ("route", "provider", "agent")
_ROLLED_UP: Final = frozenset((*WINDOW_FIELDS, *_FACETS, "direction"))

Group: TypeAlias = tuple[int, tuple[Any, ...]]


class TotalsQuery(NamedTuple):
    """Query of totals of a tenant's calls, by pieces of time (earliest first) and by some of `FINE_KEYS`.

    Columns outside `columns` can stay 0: summing all columns is a third of the cost of a page's sums.
    """

    tenant: str
    pieces: tuple[WindowPiece, ...]
    keys: tuple[str, ...]
    calls: CallFilter
    with_histograms: bool
    columns: frozenset[str] | None = None


class GroupedTotals(NamedTuple):
    """Totals of each group (index of its piece, values of its keys), and the number of calls read."""

    groups: dict[Group, QualityTotals]
    rows_read: int


def reads_rows(calls: CallFilter) -> bool:
    """Return whether a filter has a field that roll-ups do not have, so that its calls have to be read."""
    return not _ROLLED_UP.issuperset(active_fields(calls))


def totals_of(query: TotalsQuery) -> StoreOperation[GroupedTotals]:
    """Return the totals of a query. Raises InvalidInput for too many groups or too many calls to read."""
    groups: dict[Group, QualityTotals] = {}
    if reads_rows(query.calls):
        return GroupedTotals(groups, (yield from _add_rows(query, list(enumerate(query.pieces)), groups)))
    filtered = {facet for facet in _FACETS if getattr(query.calls, facet) is not None}
    layer = layer_of(filtered.union(query.keys))
    ranges, edges = cut_pieces(query.pieces, layer)
    if ranges:
        yield from _add_sums(query, (yield from in_blocks(query.tenant, ranges, layer)), groups)
    if ranges and query.with_histograms:
        rows = yield _statement("quality_histograms", query, in_hours(ranges))
        for piece, *key, histograms in rows:
            add(groups[piece, tuple(key)].bins, unpack(histograms))
    rows_read = yield from _add_rows(query, edges, groups)
    return GroupedTotals(groups, rows_read)


def check_groups(count: int) -> None:
    if count > MOST_GROUPS:
        detail = (
            f"there are more than {MOST_GROUPS} groups; use a shorter window, longer steps of time,"
            " fewer keys in group_by, or one route, agent or provider"
        )
        raise InvalidInput.of("group_by", detail)


def _add_sums(
    query: TotalsQuery, ranges: Sequence[RollupRange], groups: dict[Group, QualityTotals]
) -> StoreOperation[None]:
    rows = yield _statement("quality_sums", query, ranges)
    check_groups(len(rows))
    width = 1 + len(query.keys)
    for row in rows:
        # Nothing has been added before: these are whole.
        groups[row[0], tuple(row[1:width])] = QualityTotals(list(row[width:]))


def sums_of(tenant: str, ranges: Sequence[RollupRange], keys: Sequence[str]) -> StoreOperation[list[Row]]:
    """Return the sums of ranges: rows of (piece, values of the keys, counts)."""
    params = {"tenant": tenant, "ranges": encode_ranges(ranges), "most": _ALL}
    return (yield Statement("quality_sums", params, (_keys(keys), ("sums", _sums(None)), ("filters", ""))))


def _statement(name: str, query: TotalsQuery, ranges: Sequence[RollupRange]) -> Statement:
    values = ((facet, getattr(query.calls, facet)) for facet in _FACETS)
    params = {facet: value for facet, value in values if value is not None}
    conditions = [f"AND q.{facet} = :{facet}" for facet in params]
    if query.calls.direction is not None:
        conditions.append(f"AND q.direction = {DIRECTION_NUMBER[query.calls.direction]}")
    window = {"tenant": query.tenant, "ranges": encode_ranges(ranges), "most": _MOST_SUMS}
    clauses = (_keys(query.keys), ("sums", _sums(query.columns)), ("filters", " ".join(conditions)))
    return Statement(name, window | params, clauses)


def _keys(keys: Sequence[str]) -> tuple[str, str]:
    return "keys", ", ".join(("k.piece", *(f"q.{key}" for key in keys)))


@lru_cache(maxsize=64)
def _sums(columns: frozenset[str] | None) -> str:
    return ", ".join(
        f"CAST(sum(q.{name}) AS BIGINT)" if columns is None or name in columns else "0" for name in COLUMNS
    )


def _add_rows(
    query: TotalsQuery, edges: Sequence[tuple[int, WindowPiece]], groups: dict[Group, QualityTotals]
) -> StoreOperation[int]:
    """Add calls that are read one by one: adjacent edges are read together, and separated again."""
    if not edges:
        return 0
    starts_us = [edge.lo_us for _, edge in edges]
    key_indexes = [FINE_KEYS.index(key) for key in query.keys]
    scan = Scan((yield from read_ledger_head(query.tenant)), ListQuery(filter=query.calls), None)
    params, clauses = yield from scan.conditions()
    rows_read = 0
    for window in _joined_edges([edge for _, edge in edges]):
        after: tuple[int, bytes] | None = (window.lo_us, b"")
        while after is not None:
            page = {"after_us": after[0], "after_id": after[1], "hi_us": window.hi_us, "most": _PAGE}
            rows = yield Statement("measured_after", {**params, **page}, clauses)
            rows_read += len(rows)
            _check_rows(rows_read, query)
            for row in rows:
                piece = edges[bisect_right(starts_us, row[0]) - 1][0]
                _add_row(groups, piece, key_indexes, row, query)
            after = rows[-1][:2] if len(rows) == _PAGE else None
            check_groups(len(groups))
    return rows_read


def _joined_edges(edges: Sequence[WindowPiece]) -> Iterator[WindowPiece]:
    lo_us, hi_us = edges[0]
    for edge in edges[1:]:
        if edge.lo_us != hi_us:
            yield WindowPiece(lo_us, hi_us)
            lo_us = edge.lo_us
        hi_us = edge.hi_us
    yield WindowPiece(lo_us, hi_us)


def _add_row(
    groups: dict[Group, QualityTotals], piece: int, key_indexes: Sequence[int], row: Row, query: TotalsQuery
) -> None:
    created_us, _id, *others, stored = row
    measured = decode_measures(stored)
    keys = fine_keys(CallDimensions(query.tenant, created_us, *others), measured)
    group = (piece, tuple(keys[each] for each in key_indexes))
    bins = combined_bins(measured) if query.with_histograms else {}
    groups.setdefault(group, QualityTotals()).add(column_values(measured), bins)


def _check_rows(rows_read: int, query: TotalsQuery) -> None:
    if rows_read <= MOST_ROWS:
        return
    if reads_rows(query.calls):
        message = (
            f"more than {MOST_ROWS} calls match, and filters by status, call_sid, number, escalated and q"
            " read them one by one; use a shorter window, or leave out these filters"
        )
        raise InvalidInput.of("from", message)
    message = (
        "the window, or a step of time in this zone, begins or ends within an hour of UTC, and"
        f" such hours have more than {MOST_ROWS} calls; begin and end at full hours of UTC, or use a shorter"
        " window or longer steps"
    )
    raise InvalidInput.of("from", message)
