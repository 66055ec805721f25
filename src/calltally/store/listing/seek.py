"""The seek: a page at any offset for the price of the first, and the exact total, from the counters.

The window is cut into buckets. Whole buckets before the offset are skipped by their counts, those
that hold the page are opened one level finer, until what is left to skip is a part of a finest one.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any, Final, NamedTuple

from calltally.calls.errors import DamagedStore
from calltally.calls.filters import ListQuery
from calltally.calls.times import SECOND_US
from calltally.store.db.operation import (
    AnyStatement,
    Clauses,
    Rows,
    StatementMany,
    StoreOperation,
    execute_batch,
)
from calltally.store.listing.bucket_cache import KEPT, WALKED
from calltally.store.listing.buckets import MATCHES, Bucket, Run, cover, runs_of
from calltally.store.listing.conditions import COLUMN_FIELDS, texts_of
from calltally.store.rollups.call_counters import ALL, columns_of, widths_of
from calltally.store.rollups.window_buckets import Span, cut

# Opening a bucket costs about as much as stepping over this many rows of the index.
_NOT_WORTH_OPENING: Final = 512


class Page(NamedTuple):
    """The sealed records of a page in their order, joined by SEPARATOR, and how many calls match in all."""

    records: bytes
    total: int


# What stands between two records of a page; no record has a raw line end in it.
SEPARATOR: Final = b",\n"
# And between two of a stream: to put it in the other's place takes half as long as reading the records.
LINE_FEED: Final = b"\n"


class Seek:
    """One query on one tenant, answered by the counters of one facet."""

    def __init__(self, tenant: str, query: ListQuery, facet_name: str, epoch: str | None = None) -> None:
        self._tenant = tenant
        # Where it is known, what buckets were opened to before need not be asked again.
        self.epoch = epoch
        self._query = query
        self._facet = facet_name
        self._widths_s = widths_of(facet_name)
        self._finer_s = _finer_of(self._widths_s)
        column, _, self._value = facet_name.partition("=")
        values = tuple(getattr(query.filter, field) for field in COLUMN_FIELDS)
        plan = _plan(values, column, order=query.order)
        self._sums, self._edges, self._records_of = plan
        self._joint = SEPARATOR
        self._is_walk = False
        # Only where the facet is all calls does a counter tell how many rows the index has there.
        self._knows_rows = facet_name == ALL

    def lines(self) -> StoreOperation[bytes]:
        """The records of a page that others follow, joined by LINE_FEED instead."""
        self._joint, self._is_walk = LINE_FEED, True
        return (yield from self.page()).records

    def page(self) -> StoreOperation[Page]:
        """The page and its total."""
        return (yield from self.page_of((yield from self._answers())))

    def page_of(self, answers: Sequence[Rows]) -> StoreOperation[Page]:
        """The page, given what `requests` were answered."""
        buckets = self._in_order(answers)
        total = sum([bucket[MATCHES] for bucket in buckets])
        limit = self._query.limit
        chosen, skip = cover(buckets, self._query.offset, limit)
        while opened := [bucket for bucket in chosen if self._is_worth_opening(bucket, chosen, skip)]:
            chosen = yield from self._open(chosen, opened)
            chosen, skip = cover(chosen, skip, limit)
        runs = runs_of(self._marked(chosen), descending=self._descending)
        records = (yield from self._records(self._asked(runs, skip))) if runs else b""
        return Page(records, total)

    def total(self) -> StoreOperation[int]:
        """How many calls match, without any of them."""
        answers = yield from self._answers()
        return sum(bucket[MATCHES] for rows in answers for bucket in rows)

    def requests(self) -> list[AnyStatement]:
        """What has to be asked before anything else: the counters of the window, and its ragged edges."""
        calls = self._query.filter
        window = cut(calls.from_us, calls.to_us, self._widths_s)
        edges = [self._window(*edge) for edge in (window.first, window.last) if edge is not None]
        requests: list[AnyStatement] = []
        if window.spans:
            requests.append(self._count_buckets(self._spans(window.spans)))
        if edges:
            requests.append(self._count_edges(edges))
        return requests

    def _answers(self) -> StoreOperation[list[Rows]]:
        return (yield from execute_batch(*self.requests()))

    def _in_order(self, answers: Iterable[Rows]) -> list[Bucket]:
        buckets: list[Any] = [bucket for rows in answers for bucket in rows]
        return sorted(buckets, reverse=self._descending)

    @property
    def _descending(self) -> bool:
        return self._query.order == "desc"

    def _is_worth_opening(self, bucket: Bucket, chosen: Sequence[Bucket], skip: int) -> bool:
        _lo_us, _hi_us, width_s, matches, calls, _touched = bucket
        if width_s not in self._finer_s:
            return False
        if not self._knows_rows:
            return True
        if matches == calls:
            # Every row matches, so only what is skipped costs, and only in the first bucket.
            return bucket is chosen[0] and skip > _NOT_WORTH_OPENING
        return calls > _NOT_WORTH_OPENING

    def _spans(self, spans: Iterable[Span]) -> list[dict[str, Any]]:
        return [{"tenant": self._tenant, "facet": self._facet, **span._asdict()} for span in spans]

    def _count_buckets(self, asked: list[dict[str, Any]]) -> StatementMany:
        return StatementMany("count_buckets", asked, self._sums)

    def _count_edges(self, asked: list[dict[str, Any]]) -> StatementMany:
        return StatementMany("count_edges", asked, self._edges)

    def _window(self, lo_us: int, hi_us: int) -> dict[str, Any]:
        return {"tenant": self._tenant, "lo_us": lo_us, "hi_us": hi_us, "value": self._value}

    def _open(self, chosen: Sequence[Bucket], opened: Sequence[Bucket]) -> StoreOperation[list[Bucket]]:
        finer = yield from self._finer(opened)
        if len(chosen) == 1:
            return finer[::-1] if self._descending else finer
        kept = [bucket for bucket in chosen if bucket not in opened]
        return self._in_order((kept, finer))

    def _finer(self, opened: Sequence[Bucket]) -> StoreOperation[list[Bucket]]:
        """What they hold one level finer; of a single one earliest first."""
        if self.epoch is None:
            return (yield from self._ask_finer(opened))
        scope = (self._tenant, self.epoch, self._facet, self._sums)
        kept = WALKED if self._is_walk else KEPT
        finer, unknown = kept.known(scope, opened)
        if unknown:
            found = yield from self._ask_finer(unknown)
            kept.keep(scope, unknown, found)
            finer += found
        return finer

    def _ask_finer(self, opened: Sequence[Bucket]) -> StoreOperation[list[Bucket]]:
        spans = [
            Span(self._finer_s[width_s], lo_us // SECOND_US, hi_us // SECOND_US)
            for lo_us, hi_us, width_s, *_ in opened
        ]
        found: list[Any] = yield self._count_buckets(self._spans(spans))
        return sorted(found)

    def _marked(self, chosen: Sequence[Bucket]) -> Sequence[Bucket]:
        """The buckets with whether they were touched since: of the present there is no since."""
        return [(*bucket[:5], 0) for bucket in chosen]

    def _asked(self, runs: Sequence[Run], skip: int) -> list[dict[str, Any]]:
        """What to read of each run, in their order."""
        left, asked = self._query.limit, []
        for place, run in enumerate(runs):
            most = min(left, run.matches - skip)
            window = self._window(run.lo_us, run.hi_us)
            how = {"skip": skip, "most": most, "place": place, "touched": run.touched, "joint": self._joint}
            asked.append({**window, **how})
            left, skip = left - most, 0
        return asked

    def _records(self, asked: list[dict[str, Any]]) -> StoreOperation[bytes]:
        rows = yield StatementMany("page_records", asked, self._records_of)
        try:
            return self._joint.join(records for _place, records, _revision in sorted(rows))
        except TypeError as fault:
            # Of a run without a row nothing is joined.
            message = "the counters tell of calls that are not there; `calltally verify` says which"
            raise DamagedStore(message) from fault


@cache
def _finer_of(widths_s: tuple[int, ...]) -> Mapping[int, int]:
    """The next finer width of each that has one."""
    return dict(pairwise(widths_s))


class _Plan(NamedTuple):
    """The clauses of the three statements of a seek."""

    sums: Clauses
    edges: Clauses
    records: Clauses


@lru_cache(maxsize=1_024)
def _plan(values: tuple[Any, ...], facet_column: str, *, order: str) -> _Plan:
    """Return the clauses for values of COLUMN_FIELDS and for the one value of the facet."""
    columns = columns_of(*values)
    # Without a facet its value is '', and so is this column.
    column = ("column", f"c.{facet_column}" if facet_column else "''")
    filters = (column, ("filters", " ".join(texts_of(dict(zip(COLUMN_FIELDS, values, strict=True))))))
    way = ("way", "DESC" if order == "desc" else "ASC")
    onwards = ("onwards", "<=" if order == "desc" else ">=")
    return _Plan((("matches", f"({' + '.join(columns)})"),), filters, (*filters, way, onwards))
