"""Seek by counters: a page at any offset for the cost of the first page, with the exact total.

The window is cut into buckets. The counts of whole buckets before the offset are skipped. Buckets that hold
the page are opened one level finer, until the rows left to skip are part of a finest bucket.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, NamedTuple

from calltally.calls.errors import DamagedStore
from calltally.calls.list_query import ListQuery
from calltally.calls.times import SECOND_US
from calltally.store.db.operation import (
    Clauses,
    Rows,
    StatementMany,
    StoreOperation,
    execute_batch,
)
from calltally.store.listing.buckets import MATCHES, Bucket, Run, cover, runs_of
from calltally.store.listing.caches import BUCKET_CACHE, STREAM_BUCKET_CACHE
from calltally.store.listing.conditions import COLUMN_FIELDS, texts_of
from calltally.store.rollups.call_counters import ALL, columns_of, widths_of
from calltally.store.rollups.window_buckets import BucketSpan, cut

# Opening a bucket costs about as much as skipping this many rows of the index.
_NOT_WORTH_OPENING: Final = 512


class PageRecords(NamedTuple):
    """Finished records of a page in their order, joined by SEPARATOR, and the number of calls that match."""

    records: bytes
    total: int


# Separator of two records of a page; no record contains a raw line end.
SEPARATOR: Final = b",\n"
# Separator of two records of a stream. To replace SEPARATOR afterwards takes half as long as reading.
LINE_FEED: Final = b"\n"


class Seek:
    """Query on one tenant, answered by the counters of one facet."""

    def __init__(self, tenant: str, query: ListQuery, facet_name: str, epoch: str | None = None) -> None:
        self._tenant = tenant
        # With an epoch the cache of finer buckets is used.
        self.epoch = epoch
        self._query = query
        self._facet = facet_name
        self._widths_s = widths_of(facet_name)
        self._finer_s = dict(pairwise(self._widths_s))
        column, _, self._value = facet_name.partition("=")
        values = tuple(getattr(query.filter, field) for field in COLUMN_FIELDS)
        self._sums, self._edges, self._records_of = _clauses(values, column, order=query.order)
        self._separator = SEPARATOR
        self._is_stream = False
        # Only the counters of all calls count the rows of the index.
        self._has_row_counts = facet_name == ALL

    def records_of_stream(self) -> StoreOperation[bytes]:
        """Return the records of one page of a stream, joined by LINE_FEED."""
        self._separator, self._is_stream = LINE_FEED, True
        return (yield from self.page()).records

    def page(self) -> StoreOperation[PageRecords]:
        return (yield from self.page_of((yield from execute_batch(*self.requests()))))

    def page_of(self, answers: Sequence[Rows]) -> StoreOperation[PageRecords]:
        """Return the page, given the rows of `requests`."""
        buckets = self._in_order(answers)
        total = sum([bucket[MATCHES] for bucket in buckets])
        limit = self._query.limit
        chosen, skip = cover(buckets, self._query.offset, limit)
        while opened := [bucket for bucket in chosen if self._is_worth_opening(bucket, chosen, skip)]:
            chosen = yield from self._open(chosen, opened)
            chosen, skip = cover(chosen, skip, limit)
        runs = runs_of(self._marked(chosen), descending=self._descending)
        records = (yield from self._records(self._run_params(runs, skip))) if runs else b""
        return PageRecords(records, total)

    def total(self) -> StoreOperation[int]:
        """Return the number of calls that match, without reading them."""
        answers = yield from execute_batch(*self.requests())
        return sum(bucket[MATCHES] for rows in answers for bucket in rows)

    def requests(self) -> list[StatementMany]:
        """Return the requests that come first: the counters of the window, and its ragged edges."""
        calls = self._query.filter
        window = cut(calls.from_us, calls.to_us, self._widths_s)
        edges = [self._window(*edge) for edge in (window.first, window.last) if edge is not None]
        counted = [self._count_buckets(self._spans(window.spans))] if window.spans else []
        return [*counted, self._count_edges(edges)] if edges else counted

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
        if not self._has_row_counts:
            return True
        if matches == calls:
            # Every row matches, so only skipped rows cost, and only in the first bucket.
            return bucket is chosen[0] and skip > _NOT_WORTH_OPENING
        return calls > _NOT_WORTH_OPENING

    def _spans(self, spans: Iterable[BucketSpan]) -> list[dict[str, Any]]:
        return [{"tenant": self._tenant, "facet": self._facet, **span._asdict()} for span in spans]

    def _count_buckets(self, params: list[dict[str, Any]]) -> StatementMany:
        return StatementMany("count_buckets", params, self._sums)

    def _count_edges(self, params: list[dict[str, Any]]) -> StatementMany:
        return StatementMany("count_edges", params, self._edges)

    def _window(self, lo_us: int, hi_us: int) -> dict[str, Any]:
        return {"tenant": self._tenant, "lo_us": lo_us, "hi_us": hi_us, "value": self._value}

    def _open(self, chosen: Sequence[Bucket], opened: Sequence[Bucket]) -> StoreOperation[list[Bucket]]:
        finer = yield from self._finer(opened)
        if len(chosen) == 1:
            return finer[::-1] if self._descending else finer
        unopened = [bucket for bucket in chosen if bucket not in opened]
        return self._in_order((unopened, finer))

    def _finer(self, opened: Sequence[Bucket]) -> StoreOperation[list[Bucket]]:
        """Return the buckets one level finer within these. Those of a single bucket are earliest first."""
        if self.epoch is None:
            return (yield from self._read_finer(opened))
        scope = (self._tenant, self.epoch, self._facet, self._sums)
        cache = STREAM_BUCKET_CACHE if self._is_stream else BUCKET_CACHE
        finer, missing = cache.find_finer(scope, opened)
        if missing:
            found = yield from self._read_finer(missing)
            cache.put_finer(scope, missing, found)
            finer += found
        return finer

    def _read_finer(self, opened: Sequence[Bucket]) -> StoreOperation[list[Bucket]]:
        spans = [
            BucketSpan(self._finer_s[width_s], lo_us // SECOND_US, hi_us // SECOND_US)
            for lo_us, hi_us, width_s, *_ in opened
        ]
        found: list[Any] = yield self._count_buckets(self._spans(spans))
        return sorted(found)

    def _marked(self, chosen: Sequence[Bucket]) -> Sequence[Bucket]:
        """Return the buckets with `touched`; no bucket of the present is touched."""
        return [(*bucket[:5], 0) for bucket in chosen]

    def _run_params(self, runs: Sequence[Run], skip: int) -> list[dict[str, Any]]:
        left, params = self._query.limit, []
        for run_index, run in enumerate(runs):
            most = min(left, run.matches - skip)
            window = self._window(run.lo_us, run.hi_us)
            page = {"skip": skip, "most": most, "run_index": run_index, "separator": self._separator}
            params.append({**window, **page, "touched": run.touched})
            left, skip = left - most, 0
        return params

    def _records(self, params: list[dict[str, Any]]) -> StoreOperation[bytes]:
        rows = yield StatementMany("page_records", params, self._records_of)
        try:
            return self._separator.join(records for _run_index, records, _revision in sorted(rows))
        except TypeError as fault:
            # The records of a run without rows are NULL.
            message = "the counters count calls that do not exist; run `calltally verify` to find them"
            raise DamagedStore(message) from fault


@lru_cache(maxsize=1_024)
def _clauses(values: tuple[Any, ...], facet_column: str, *, order: str) -> tuple[Clauses, Clauses, Clauses]:
    """Return the clauses of the sums, of the edges and of the records, for values of COLUMN_FIELDS."""
    columns = columns_of(*values)
    # Without a facet its value is '', and so is this column.
    column = ("column", f"c.{facet_column}" if facet_column else "''")
    filters = (column, ("filters", " ".join(texts_of(dict(zip(COLUMN_FIELDS, values, strict=True))))))
    sort = ("sort_order", "DESC" if order == "desc" else "ASC")
    comparison = ("comparison", "<=" if order == "desc" else ">=")
    return (("matches", f"({' + '.join(columns)})"),), filters, (*filters, sort, comparison)
