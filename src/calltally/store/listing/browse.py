"""Dashboard page for filters without counters: returns rows at once, and a lower bound of the total.

The rows are the same as on the API's page. `count` returns the exact total afterwards.
"""

from typing import NamedTuple

from calltally.calls.list_query import ListQuery
from calltally.calls.model import check_documents
from calltally.store.db.operation import StoreOperation
from calltally.store.listing.list_calls import LedgerView, created_in, scan_of, view_or_present
from calltally.store.listing.scan import CachedScan, RowRange
from calltally.store.listing.seek import SEPARATOR


class BrowsePosition(NamedTuple):
    """Call after which a page begins, or before which it ends. No rows are skipped then."""

    call_id: bytes
    is_before: bool = False


class BrowsedPage(NamedTuple):
    """Page of records joined by SEPARATOR; `at_least` is a lower bound where no `total` was counted."""

    records: bytes
    has_more: bool
    total: int | None
    at_least: int
    snapshot: str


def browse(
    tenant: str, query: ListQuery, position: BrowsePosition | None = None
) -> StoreOperation[BrowsedPage]:
    """Return the page of a query, or the page next to a call.

    Next to a call the offset is only the number of the first row. Raises InvalidInput and SnapshotGone as the
    list does.
    """
    view = yield from view_or_present(tenant, query)
    scan = scan_of(view, query)
    if position is None:
        rows, has_more = yield from _at_offset(scan, query)
    else:
        rows, has_more = yield from _next_to(view, scan, query, position)
    total, at_least = yield from scan.at_least()
    if total is None and rows:
        at_least = max(at_least, query.offset + len(rows) + has_more)
    return BrowsedPage(check_documents(SEPARATOR.join(rows)), has_more, total, at_least, view.token)


def count(tenant: str, query: ListQuery) -> StoreOperation[int]:
    """Return the exact number of calls of a query. It can take long."""
    view = yield from view_or_present(tenant, query)
    return (yield from scan_of(view, query).total())


def count_fresh(tenant: str, query: ListQuery) -> StoreOperation[int]:
    """Count how many more calls match now than under the snapshot: linear in the changes since."""
    view = yield from view_or_present(tenant, query)
    return (yield from scan_of(view, query).fresh())


def _at_offset(scan: CachedScan, query: ListQuery) -> StoreOperation[tuple[list[bytes], bool]]:
    """Return the rows from the offset on, read from the end of the list if it is nearer."""
    total = scan.cached_total()
    if total is not None and query.offset > total // 2:
        left = max(total - query.offset, 0)
        most = min(left, query.limit)
        rows = (yield from scan.rows(RowRange(left - most, most, _reverse(query.order)))) if most else []
        return rows[::-1], left > most
    rows = yield from scan.rows(RowRange(query.offset, query.limit + 1, query.order))
    if not rows and query.offset:
        # After the last page. The pager needs the total, which is cached, to lead back.
        yield from scan.total()
    elif len(rows) <= query.limit:
        scan.cache_total(query.offset + len(rows))
    return rows[: query.limit], len(rows) > query.limit


def _next_to(
    view: LedgerView, scan: CachedScan, query: ListQuery, position: BrowsePosition
) -> StoreOperation[tuple[list[bytes], bool]]:
    """Return the rows next to a call, in the order of the query, and whether more follow."""
    edge = (yield from created_in(view, position.call_id)), position.call_id
    if position.is_before:
        rows = yield from scan.rows(RowRange(0, query.limit, _reverse(query.order), edge))
        return rows[::-1], True
    rows = yield from scan.rows(RowRange(0, query.limit + 1, query.order, edge))
    return rows[: query.limit], len(rows) > query.limit


def _reverse(order: str) -> str:
    return "asc" if order == "desc" else "desc"
