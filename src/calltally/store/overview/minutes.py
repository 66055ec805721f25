"""Counters of calls by minute, and of all calls of a filter."""

from typing import NamedTuple

from calltally.calls.filters import CallFilter
from calltally.calls.list_query import ListQuery
from calltally.store.db.operation import Statement, StoreOperation, batch_operations
from calltally.store.listing.seek import Seek
from calltally.store.rollups.call_counters import ALL


class MinuteCounts(NamedTuple):
    """Calls that were created in one minute, by their present status."""

    minute_s: int
    calls: int
    completed: int
    no_answer: int
    failed: int


def counts_of_minutes(tenant: str, lo_s: int, hi_s: int) -> StoreOperation[list[MinuteCounts]]:
    """Return the minutes with calls that begin in `lo_s <= s < hi_s`."""
    rows = yield Statement("counts_of_minutes", {"tenant": tenant, "lo_s": lo_s, "hi_s": hi_s})
    return [MinuteCounts._make(row) for row in rows]


def count_by_counters(tenant: str, *filters: CallFilter) -> StoreOperation[list[int]]:
    """Return the number of calls of each filter: a window that is not empty, statuses and a direction."""
    return (yield from batch_operations(*(Seek(tenant, ListQuery(each), ALL).total() for each in filters)))
