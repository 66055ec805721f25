"""Seek as of an older revision: the same search over the counters and the calls of that revision.

A bucket without changes since is read from its counters and its index as they are. For a touched bucket the
history of its counters gives the number of its calls, and the superseded versions give the calls. Records
that changed are folded again from the facts up to the revision, for the page alone.
"""

from collections.abc import Sequence
from typing import Any, Final

from calltally.calls.list_query import ListQuery
from calltally.store.db.operation import Row, StatementMany, StoreOperation
from calltally.store.listing.buckets import Bucket
from calltally.store.listing.refold_as_of import documents_of
from calltally.store.listing.seek import Seek

# A touched bucket is read row by row, so it is opened earlier than a bucket whose index rows can be skipped.
_FEW_CALLS: Final = 64


class SeekAsOf(Seek):
    """Query on one tenant as of a revision."""

    def __init__(self, tenant: str, query: ListQuery, facet_name: str, as_of: int) -> None:
        super().__init__(tenant, query, facet_name)
        self._as_of = as_of

    def _is_worth_opening(self, bucket: Bucket, chosen: Sequence[Bucket], skip: int) -> bool:
        _lo_us, _hi_us, width_s, _matches, calls, touched = bucket
        if touched:
            return width_s in self._finer_s and calls > _FEW_CALLS
        return super()._is_worth_opening(bucket, chosen, skip)

    def _count_buckets(self, params: list[dict[str, Any]]) -> StatementMany:
        return StatementMany("count_buckets_as_of", self._with_revision(params), self._sums)

    def _count_edges(self, params: list[dict[str, Any]]) -> StatementMany:
        return StatementMany("count_edges_as_of", self._with_revision(params), self._edges)

    def _marked(self, chosen: Sequence[Bucket]) -> Sequence[Bucket]:
        return chosen

    def _with_revision(self, params: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**each, "as_of": self._as_of} for each in params]

    def _records(self, params: list[dict[str, Any]]) -> StoreOperation[bytes]:
        untouched = [each for each in params if not each["touched"]]
        whole = (yield StatementMany("page_records", untouched, self._records_of)) if untouched else []
        # A call can change without leaving its bucket: then the run is read row by row as well.
        joined = {run_index: records for run_index, records, newest in whole if newest <= self._as_of}
        changed = self._with_revision([each for each in params if each["run_index"] not in joined])
        rows = (yield StatementMany("page_rows_as_of", changed, self._records_of)) if changed else []
        by_run: dict[int, list[Row]] = {}
        for run_index, *row in rows:
            by_run.setdefault(run_index, []).append(tuple(row))
        flat = [row for run_index in sorted(by_run) for row in by_run[run_index]]
        documents = iter((yield from documents_of(self._tenant, self._as_of, flat)))
        for run_index in sorted(by_run):
            joined[run_index] = self._separator.join(next(documents) for _ in by_run[run_index])
        return self._separator.join(joined[run_index] for run_index in sorted(joined))
