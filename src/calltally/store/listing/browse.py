"""Dashboard page for filters without counters: returns rows at once, and a lower bound of the total.

The rows are those of the API's page. `count` counts what the page does not wait for.
"""

from typing import NamedTuple

from calltally.calls.filters import ListQuery
from calltally.store.db.operation import StoreOperation
from calltally.store.listing.list_calls import View, created_in, now_of, scan_of, view_of
from calltally.store.listing.scan import KnownScan, Rows
from calltally.store.listing.seek import SEPARATOR
from calltally.store.snapshots.ledger_head import read_ledger_head


class Position(NamedTuple):
    """The call after which a page begins, or before which it ends. Nothing is skipped then."""

    call_id: bytes
    is_before: bool = False


class Browsed(NamedTuple):
    """One page: its records joined by SEPARATOR, whether more follow, and how many calls there are in all.

    `total` is None where it was not counted; there are `at_least` so many then.
    """

    records: bytes
    has_more: bool
    total: int | None
    at_least: int
    snapshot: str


def browse(tenant: str, query: ListQuery, position: Position | None = None) -> StoreOperation[Browsed]:
    """Return the page that `query` asks for, or the one beside a call.

    Beside a call, the offset only says which rows those are. Raises InvalidInput and SnapshotGone as the
    list does.
    """
    view = yield from _view(tenant, query)
    scan = scan_of(view, query)
    if position is None:
        rows, has_more = yield from _at_offset(scan, query)
    else:
        rows, has_more = yield from _beside(view, scan, query, position)
    total, at_least = yield from scan.at_least()
    if total is None and rows:
        at_least = max(at_least, query.offset + len(rows) + has_more)
    return Browsed(SEPARATOR.join(rows), has_more, total, at_least, view.token)


def count(tenant: str, query: ListQuery) -> StoreOperation[int]:
    """Count the calls of a query, however long that takes."""
    view = yield from _view(tenant, query)
    return (yield from scan_of(view, query).total())


def count_fresh(tenant: str, query: ListQuery) -> StoreOperation[int]:
    """Count how many more calls a query finds now than under its snapshot: linear in the changes since."""
    view = yield from _view(tenant, query)
    return (yield from scan_of(view, query).fresh())


def _at_offset(scan: KnownScan, query: ListQuery) -> StoreOperation[tuple[list[bytes], bool]]:
    """Return the rows from the offset on; from the other end of the list, if that is nearer."""
    total = scan.known_total()
    if total is not None and query.offset > total // 2:
        left = max(total - query.offset, 0)
        most = min(left, query.limit)
        rows = (yield from scan.rows(Rows(left - most, most, _reverse(query.order)))) if most else []
        return rows[::-1], left > most
    rows = yield from scan.rows(Rows(query.offset, query.limit + 1, query.order))
    if not rows and query.offset:
        # Behind the last page. The total, which is remembered, leads back.
        yield from scan.total()
    elif len(rows) <= query.limit:
        scan.note(query.offset + len(rows))
    return rows[: query.limit], len(rows) > query.limit


def _beside(
    view: View, scan: KnownScan, query: ListQuery, position: Position
) -> StoreOperation[tuple[list[bytes], bool]]:
    """Return the rows beside a call, in the order asked for, and whether more follow."""
    behind = (yield from created_in(view, position.call_id)), position.call_id
    if position.is_before:
        rows = yield from scan.rows(Rows(0, query.limit, _reverse(query.order), behind))
        return rows[::-1], True
    rows = yield from scan.rows(Rows(0, query.limit + 1, query.order, behind))
    return rows[: query.limit], len(rows) > query.limit


def _view(tenant: str, query: ListQuery) -> StoreOperation[View]:
    view = yield from view_of(tenant, query)
    return view or now_of((yield from read_ledger_head(tenant)))


def _reverse(order: str) -> str:
    return "asc" if order == "desc" else "desc"
