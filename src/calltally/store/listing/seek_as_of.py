"""The seek as of an older revision: the same walk, over what the counters and the calls were then.

A bucket that no call moved in since is answered from its counters and its index as they are; of a
touched one the history of its counters tells how many calls it held, and the superseded versions
which. Documents that changed are folded again from the facts of then, for the page alone.
"""

from collections.abc import Sequence
from typing import Any, Final

from calltally.calls.filters import ListQuery
from calltally.store.db.operation import Row, StatementMany, StoreOperation
from calltally.store.listing.buckets import Bucket
from calltally.store.listing.refold_as_of import documents_of
from calltally.store.listing.seek import Seek

# A touched bucket is read row by row, so it is opened earlier than one whose index can be stepped over.
_FEW_CALLS: Final = 64


class PastSeek(Seek):
    """One query on one tenant as of a revision."""

    def __init__(self, tenant: str, query: ListQuery, facet_name: str, as_of: int) -> None:
        super().__init__(tenant, query, facet_name)
        self._as_of = as_of

    def _is_worth_opening(self, bucket: Bucket, chosen: Sequence[Bucket], skip: int) -> bool:
        _lo_us, _hi_us, width_s, _matches, calls, touched = bucket
        if touched:
            return width_s in self._finer_s and calls > _FEW_CALLS
        return super()._is_worth_opening(bucket, chosen, skip)

    def _count_buckets(self, asked: list[dict[str, Any]]) -> StatementMany:
        return StatementMany("count_buckets_as_of", self._then(asked), self._sums)

    def _count_edges(self, asked: list[dict[str, Any]]) -> StatementMany:
        return StatementMany("count_edges_as_of", self._then(asked), self._edges)

    def _marked(self, chosen: Sequence[Bucket]) -> Sequence[Bucket]:
        return chosen

    def _then(self, asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**each, "as_of": self._as_of} for each in asked]

    def _records(self, asked: list[dict[str, Any]]) -> StoreOperation[bytes]:
        still = [each for each in asked if not each["touched"]]
        whole = (yield StatementMany("page_records", still, self._records_of)) if still else []
        # A call can change and stay in its place: then the run is read row by row as well.
        joined = {place: records for place, records, newest in whole if newest <= self._as_of}
        changed = self._then([each for each in asked if each["place"] not in joined])
        rows = (yield StatementMany("page_rows_as_of", changed, self._records_of)) if changed else []
        by_place: dict[int, list[Row]] = {}
        for place, *row in rows:
            by_place.setdefault(place, []).append(tuple(row))
        flat = [row for place in sorted(by_place) for row in by_place[place]]
        documents = iter((yield from documents_of(self._tenant, self._as_of, flat)))
        for place in sorted(by_place):
            joined[place] = self._joint.join(next(documents) for _ in by_place[place])
        return self._joint.join(joined[place] for place in sorted(joined))
