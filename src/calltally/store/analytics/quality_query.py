"""What calls add up to: from the roll-ups, and from the calls themselves where no roll-up reaches.

A window is cut into whole days and hours (UTC), for which there are rows, and edges, whose calls are read one
by one: the same numbers, to the unit. So are all calls of a filter that roll-ups do not know. One statement
adds up all pieces of the window, however many there are.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

from calltally.calls.errors import InvalidInput
from calltally.calls.filters import WINDOW_FIELDS, CallFilter, ListQuery, active_fields
from calltally.calls.histogram import Bins, add, unpack
from calltally.calls.measures import COLUMNS, column_values, combined_bins, decode_measures
from calltally.calls.model import DIRECTION_NUMBER
from calltally.store.db.operation import Row, Statement, StoreOperation
from calltally.store.listing.scan import Scan
from calltally.store.rollups.call_counters import Place
from calltally.store.rollups.quality_keys import FINE_KEYS, fine_keys
from calltally.store.rollups.quality_multiday import Layer, layer_of
from calltally.store.rollups.quality_windows import Piece, Stretch, cut_pieces, in_blocks, in_hours, packed
from calltally.store.snapshots.ledger_head import read_ledger_head

# How many calls a question may read one by one: about a second's work.
MOST_ROWS: Final = 100_000
MOST_GROUPS: Final = 5_000
# There are more than this only where there are too many.
_MOST_SUMS: Final = MOST_GROUPS + 1
_ALL: Final = 2**31
_PAGE: Final = 5_000
_FACETS: Final = ("route", "provider", "agent")
_ROLLED_UP: Final = frozenset((*WINDOW_FIELDS, *_FACETS, "direction"))

Group: TypeAlias = tuple[int, tuple[Any, ...]]


class Question(NamedTuple):
    """What to add up of a tenant's calls: by pieces of time, earliest first, and by some of `FINE_KEYS`.

    Where `columns` names some, the others may stay 0: to add up all is a third of what a page's sums cost.
    """

    tenant: str
    pieces: tuple[Piece, ...]
    keys: tuple[str, ...]
    calls: CallFilter
    with_histograms: bool
    columns: frozenset[str] | None = None


class Totals:
    """What some calls add up to."""

    __slots__ = ("bins", "counts")

    def __init__(self, counts: list[int] | None = None) -> None:
        self.counts = [0] * len(COLUMNS) if counts is None else counts
        self.bins: Bins = {}

    def add(self, counts: Sequence[int], bins: Bins) -> None:
        """Add some more."""
        self.counts = [had + more for had, more in zip(self.counts, counts, strict=True)]
        add(self.bins, bins)

    def columns(self) -> dict[str, int]:
        """The counts by their names."""
        return dict(zip(COLUMNS, self.counts, strict=True))


class Answered(NamedTuple):
    """The totals of each group (its piece's place, the values of its keys); how many calls were read."""

    groups: dict[Group, Totals]
    rows_read: int


def reads_rows(calls: CallFilter) -> bool:
    """Return whether a filter has a field that roll-ups do not have, so that its calls have to be read."""
    return not _ROLLED_UP.issuperset(active_fields(calls))


def totals_of(question: Question) -> StoreOperation[Answered]:
    """Add it all up. Raises InvalidInput where that would be too many groups or too many calls to read."""
    groups: dict[Group, Totals] = {}
    if reads_rows(question.calls):
        return Answered(groups, (yield from _add_rows(question, list(enumerate(question.pieces)), groups)))
    layer = _layer(question)
    stretches, edges = cut_pieces(question.pieces, layer)
    if stretches:
        yield from _add_sums(question, (yield from in_blocks(question.tenant, stretches, layer)), groups)
    if stretches and question.with_histograms:
        yield from _add_histograms(question, in_hours(stretches), groups)
    rows_read = yield from _add_rows(question, edges, groups)
    return Answered(groups, rows_read)


def check_groups(count: int) -> None:
    """Raise InvalidInput where there are too many."""
    if count > MOST_GROUPS:
        detail = (
            f"there are more than {MOST_GROUPS} groups; ask for a shorter window, longer steps of time,"
            " fewer keys in group_by, or one route, agent or provider"
        )
        raise InvalidInput.of("group_by", detail)


def _layer(question: Question) -> Layer:
    filtered = {facet for facet in _FACETS if getattr(question.calls, facet) is not None}
    return layer_of(filtered.union(question.keys))


def _add_sums(
    question: Question, stretches: Sequence[Stretch], groups: dict[Group, Totals]
) -> StoreOperation[None]:
    rows = yield _asked("quality_sums", question, stretches)
    check_groups(len(rows))
    width = 1 + len(question.keys)
    for row in rows:
        # Nothing has been added before: these are whole.
        groups[row[0], tuple(row[1:width])] = Totals(list(row[width:]))


def _add_histograms(
    question: Question, stretches: Sequence[Stretch], groups: dict[Group, Totals]
) -> StoreOperation[None]:
    rows = yield _asked("quality_histograms", question, stretches)
    for place, *key, histograms in rows:
        add(groups[place, tuple(key)].bins, unpack(histograms))


def sums_of(tenant: str, stretches: Sequence[Stretch], keys: Sequence[str]) -> StoreOperation[list[Row]]:
    """What stretches add up to: rows of a place, the values of the keys, and the counts."""
    asked = {"tenant": tenant, "stretches": packed(stretches), "most": _ALL}
    return (yield Statement("quality_sums", asked, (_keys(keys), ("sums", _SUMS), ("filters", ""))))


def _asked(name: str, question: Question, stretches: Sequence[Stretch]) -> Statement:
    named = {facet: getattr(question.calls, facet) for facet in _FACETS}
    params = {name: value for name, value in named.items() if value is not None}
    where = {"tenant": question.tenant, "stretches": packed(stretches), "most": _MOST_SUMS}
    clauses = (_keys(question.keys), ("sums", _sums(question.columns)), _filters(question.calls))
    return Statement(name, where | params, clauses)


def _keys(keys: Sequence[str]) -> tuple[str, str]:
    return "keys", ", ".join(("k.place", *(f"q.{key}" for key in keys)))


def _filters(calls: CallFilter) -> tuple[str, str]:
    parts = [f"AND q.{facet} = :{facet}" for facet in _FACETS if getattr(calls, facet) is not None]
    if calls.direction is not None:
        parts.append(f"AND q.direction = {DIRECTION_NUMBER[calls.direction]}")
    return "filters", " ".join(parts)


@lru_cache(maxsize=64)
def _sums(columns: frozenset[str] | None) -> str:
    return ", ".join(
        f"CAST(sum(q.{name}) AS BIGINT)" if columns is None or name in columns else "0" for name in COLUMNS
    )


_SUMS: Final = _sums(None)


def _add_rows(
    question: Question, edges: Sequence[tuple[int, Piece]], groups: dict[Group, Totals]
) -> StoreOperation[int]:
    """Calls that are read one by one: the edges that touch are read together, and told apart again."""
    if not edges:
        return 0
    starts_us = [edge.lo_us for _, edge in edges]
    key_places = [FINE_KEYS.index(key) for key in question.keys]
    scan = Scan((yield from read_ledger_head(question.tenant)), ListQuery(filter=question.calls), None)
    params, clauses = yield from scan.conditions()
    rows_read = 0
    for stretch in _stretches([edge for _, edge in edges]):
        after: tuple[int, bytes] | None = (stretch.lo_us, b"")
        while after is not None:
            window = {"after_us": after[0], "after_id": after[1], "hi_us": stretch.hi_us, "most": _PAGE}
            rows = yield Statement("measured_after", {**params, **window}, clauses)
            rows_read += len(rows)
            _check_rows(rows_read, question)
            for row in rows:
                place = edges[bisect_right(starts_us, row[0]) - 1][0]
                _add_row(groups, place, key_places, row, question)
            after = rows[-1][:2] if len(rows) == _PAGE else None
            check_groups(len(groups))
    return rows_read


def _stretches(edges: Sequence[Piece]) -> Iterator[Piece]:
    lo_us, hi_us = edges[0]
    for edge in edges[1:]:
        if edge.lo_us != hi_us:
            yield Piece(lo_us, hi_us)
            lo_us = edge.lo_us
        hi_us = edge.hi_us
    yield Piece(lo_us, hi_us)


def _add_row(
    groups: dict[Group, Totals], place: int, key_places: Sequence[int], row: Row, question: Question
) -> None:
    created_us, _id, *others, stored = row
    measured = decode_measures(stored)
    keys = fine_keys(Place(question.tenant, created_us, *others), measured)
    group = (place, tuple(keys[each] for each in key_places))
    bins = combined_bins(measured) if question.with_histograms else {}
    groups.setdefault(group, Totals()).add(column_values(measured), bins)


def _check_rows(rows_read: int, question: Question) -> None:
    if rows_read <= MOST_ROWS:
        return
    if reads_rows(question.calls):
        told = (
            f"more than {MOST_ROWS} calls match, and by status, call_sid, number, escalated and q they are"
            " read one by one; ask for a shorter window, or without those filters"
        )
        raise InvalidInput.of("from", told)
    told = (
        f"more than {MOST_ROWS} calls lie where the window, or a step of time in this zone, cuts an hour of"
        " UTC; begin and end at full hours of UTC, or ask for a shorter window or longer steps"
    )
    raise InvalidInput.of("from", told)
