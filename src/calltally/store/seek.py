"""The seek: a page at any offset for the price of the first, and the exact total, from the counters.

The window is cut into buckets. Whole buckets before the offset are skipped by their counts, those
that hold the page are opened one level finer, until what is left to skip is a part of a finest one.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, NamedTuple, TypeAlias

from calltally.calls.filters import CallFilter, ListQuery
from calltally.calls.model import DIRECTION_NUMBER, STATUS_NUMBER
from calltally.calls.times import SECOND_US
from calltally.store.counts import ALL, FACETS, columns_of, facet, widths_of
from calltally.store.spans import Cut, Span, cut
from calltally.store.steps import Clauses, Many, Step

# Opening a bucket costs about as much as stepping over this many rows of the index.
_NOT_WORTH_OPENING: Final = 512


class Page(NamedTuple):
    """The sealed records of a page in their order, joined by commas, and how many calls there are in all."""

    records: bytes
    total: int


# A stretch of time: from (us), to (us), width (s), how many calls of the filter it holds, how many calls
# of the facet. Rows just as the database gives them: to name their parts doubles the price of a page.
_Bucket: TypeAlias = tuple[int, int, int, int, int]
_MATCHES: Final = 3


class _Run(NamedTuple):
    """Neighbouring buckets that are read together."""

    lo_us: int
    hi_us: int
    matches: int


def facet_of(calls: CallFilter) -> str | None:
    """Which counters answer for this filter; None where none do, and rows have to be counted."""
    if calls.number is not None or calls.call_sid is not None or calls.escalated is not None:
        return None
    named = [(name, value) for name in FACETS if (value := getattr(calls, name)) is not None]
    if len(named) > 1:
        return None
    return facet(*named[0]) if named else ALL


class Seek:
    """One query on one tenant, answered by the counters of one facet."""

    def __init__(self, tenant: str, query: ListQuery, facet_name: str) -> None:
        self._tenant = tenant
        self._query = query
        self._facet = facet_name
        self._widths_s = widths_of(facet_name)
        self._finer_s = dict(pairwise(self._widths_s))
        column, _, self._value = facet_name.partition("=")
        plan = _plan(query.filter.statuses, query.filter.direction, column, order=query.order)
        self._sums, self._edges, self._records_of = plan
        # Only where the facet is all calls does a counter tell how many rows the index has there.
        self._knows_rows = facet_name == ALL

    def page(self) -> Step[Page]:
        """The page and its total."""
        query = self._query
        buckets = yield from self._buckets(cut(query.filter.from_us, query.filter.to_us, self._widths_s))
        total = sum(bucket[_MATCHES] for bucket in buckets)
        chosen, skip = _cover(buckets, query.offset, query.limit)
        while opened := [bucket for bucket in chosen if self._is_worth_opening(bucket, chosen, skip)]:
            chosen = yield from self._open(chosen, opened)
            chosen, skip = _cover(chosen, skip, query.limit)
        records = yield from self._records(_runs(chosen, descending=self._descending), skip)
        return Page(records, total)

    @property
    def _descending(self) -> bool:
        return self._query.order == "desc"

    def _is_worth_opening(self, bucket: _Bucket, chosen: Sequence[_Bucket], skip: int) -> bool:
        _lo_us, _hi_us, width_s, matches, calls = bucket
        if width_s not in self._finer_s:
            return False
        if not self._knows_rows:
            return True
        if matches == calls:
            # Every row matches, so only what is skipped costs, and only in the first bucket.
            return bucket is chosen[0] and skip > _NOT_WORTH_OPENING
        return calls > _NOT_WORTH_OPENING

    def _buckets(self, window: Cut) -> Step[list[_Bucket]]:
        counted = yield from self._count(window.spans)
        edges = [edge for edge in (window.first, window.last) if edge is not None]
        if edges:
            counted += yield Many("count_edges", [self._window(*edge) for edge in edges], self._edges)
        return sorted(counted, reverse=self._descending)

    def _count(self, spans: Iterable[Span]) -> Step[list[_Bucket]]:
        asked = [{"tenant": self._tenant, "facet": self._facet, **span._asdict()} for span in spans]
        buckets: list[Any] = (yield Many("count_buckets", asked, self._sums)) if asked else []
        return buckets

    def _window(self, lo_us: int, hi_us: int) -> dict[str, Any]:
        return {"tenant": self._tenant, "lo_us": lo_us, "hi_us": hi_us, "value": self._value}

    def _open(self, chosen: Sequence[_Bucket], opened: Sequence[_Bucket]) -> Step[list[_Bucket]]:
        spans = [
            Span(self._finer_s[width_s], lo_us // SECOND_US, hi_us // SECOND_US)
            for lo_us, hi_us, width_s, _matches, _calls in opened
        ]
        finer = yield from self._count(spans)
        kept = [bucket for bucket in chosen if bucket not in opened]
        return sorted(kept + finer, reverse=self._descending)

    def _records(self, runs: Sequence[_Run], skip: int) -> Step[bytes]:
        if not runs:
            return b""
        left, asked = self._query.limit, []
        for run in runs:
            most = min(left, run.matches - skip)
            asked.append({**self._window(run.lo_us, run.hi_us), "skip": skip, "most": most})
            left, skip = left - most, 0
        rows = yield Many("page_records", asked, self._records_of)
        return b",".join(records for (records,) in rows if records)


def _cover(buckets: Sequence[_Bucket], offset: int, limit: int) -> tuple[list[_Bucket], int]:
    """The buckets that hold the rows from `offset` on, and how many rows of the first come before."""
    chosen: list[_Bucket] = []
    skip, covered = offset, 0
    for bucket in buckets:
        matches = bucket[_MATCHES]
        if not chosen and skip >= matches:
            skip -= matches
            continue
        chosen.append(bucket)
        covered += matches
        if covered >= skip + limit:
            break
    return chosen, skip


def _runs(chosen: Sequence[_Bucket], *, descending: bool) -> list[_Run]:
    runs: list[_Run] = []
    for lo_us, hi_us, _width_s, matches, _calls in chosen:
        last = runs[-1] if runs else None
        if last and descending and last.lo_us == hi_us:
            runs[-1] = _Run(lo_us, last.hi_us, last.matches + matches)
        elif last and not descending and last.hi_us == lo_us:
            runs[-1] = _Run(last.lo_us, hi_us, last.matches + matches)
        else:
            runs.append(_Run(lo_us, hi_us, matches))
    return runs


class _Plan(NamedTuple):
    """The clauses of the three statements of a seek."""

    sums: Clauses
    edges: Clauses
    records: Clauses


@lru_cache(maxsize=1_024)
def _plan(statuses: tuple[str, ...], direction: str | None, facet_column: str, *, order: str) -> _Plan:
    """The conditions in numbers of ours, and the one value of the facet."""
    parts = []
    if statuses:
        parts.append(f"AND c.status IN ({', '.join(str(STATUS_NUMBER[status]) for status in statuses)})")
    if direction is not None:
        parts.append(f"AND c.direction = {DIRECTION_NUMBER[direction]}")
    columns = columns_of(statuses, direction)
    # Where there is no facet its value is '', and so is this column.
    filters = (("column", f"c.{facet_column}" if facet_column else "''"), ("filters", " ".join(parts)))
    way = ("way", "DESC" if order == "desc" else "ASC")
    return _Plan((("matches", f"({' + '.join(columns)})"),), filters, (*filters, way))
