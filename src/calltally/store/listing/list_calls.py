"""List of calls: a page with its total, of the present or as of an older revision."""

from typing import NamedTuple

from msgspec.structs import replace

from calltally.calls.errors import InvalidInput
from calltally.calls.filters import CallFilter
from calltally.calls.identity import uuid_text
from calltally.calls.list_query import ListQuery
from calltally.calls.model import check_documents
from calltally.store.db.operation import Statement, StoreOperation, execute_batch, execute_with, resume
from calltally.store.listing.caches import COUNTER_CACHE
from calltally.store.listing.conditions import facet_of
from calltally.store.listing.scan import CachedScan
from calltally.store.listing.seek import PageRecords, Seek
from calltally.store.listing.seek_as_of import SeekAsOf
from calltally.store.snapshots.holds import find_hold_revision
from calltally.store.snapshots.ledger_head import ledger_head_from, ledger_head_statement, read_ledger_head
from calltally.store.snapshots.tokens import SNAPSHOT, LedgerHead, make_token, read_snapshot


class LedgerView(NamedTuple):
    """State of a ledger that a query reads."""

    ledger_head: LedgerHead
    as_of: int

    @property
    def is_past(self) -> bool:
        """Return whether the ledger has changed since."""
        return self.as_of != self.ledger_head.revision

    @property
    def token(self) -> str:
        return make_token(SNAPSHOT, self.ledger_head, self.as_of)


class ListedPage(NamedTuple):
    """Page of finished records joined by SEPARATOR, with the total, its offset and its snapshot."""

    records: bytes
    total: int
    offset: int
    snapshot: str


def is_seek(calls: CallFilter) -> bool:
    """Return whether a filter costs the same at any size; others grow with the calls that match."""
    return facet_of(calls) is not None or calls.call_sid is not None or calls.call_sid_prefix is not None


def list_calls(tenant: str, query: ListQuery) -> StoreOperation[ListedPage]:
    """Return a page of a tenant's calls.

    Raises InvalidInput for an unknown call in `after`, SnapshotGone for a snapshot that is not kept. A hold
    that was never pinned reads the present.
    """
    if is_present(query):
        return (yield from list_present(tenant, query))[1]
    return (yield from list_view((yield from view_or_present(tenant, query)), query))


def is_present(query: ListQuery) -> bool:
    """Return whether a query reads the present and names no call to continue after."""
    return query.snapshot is None and query.hold is None and query.after is None


def list_present(tenant: str, query: ListQuery) -> StoreOperation[tuple[LedgerView, ListedPage]]:
    """Return a page of the present, with as few round trips as possible."""
    facet_name = facet_of(query.filter)
    if facet_name is None:
        ledger_head = yield from read_ledger_head(tenant)
        return _listed(ledger_head, query, (yield from scan_of(present_view(ledger_head), query).page()))
    seek = Seek(tenant, query, facet_name)
    found = yield from _from_cached_counters(tenant, query, seek)
    if found is None:
        rows, *answers = yield from execute_batch(ledger_head_statement(tenant), *seek.requests())
        ledger_head = ledger_head_from(tenant, rows)
        COUNTER_CACHE.put_counters(ledger_head, query.filter, answers)
        seek.epoch = ledger_head.epoch
        found = ledger_head, (yield from seek.page_of(answers))
    return _listed(found[0], query, found[1])


def _from_cached_counters(
    tenant: str, query: ListQuery, seek: Seek
) -> StoreOperation[tuple[LedgerHead, PageRecords] | None]:
    """Return the page by cached counters; None if they are not cached or the ledger head has moved."""
    cached = COUNTER_CACHE.find_steady(tenant, query.filter)
    if cached is None:
        return None
    ledger_head, answers = cached
    seek.epoch = ledger_head.epoch
    page = seek.page_of(answers)
    try:
        request = next(page)
    except StopIteration as done:
        # A page after the last one reads nothing.
        return (ledger_head, done.value) if (yield from read_ledger_head(tenant)) == ledger_head else None
    rows, answer = yield from execute_with(ledger_head_statement(tenant), request)
    if ledger_head_from(tenant, rows) != ledger_head:
        # Stop here: rows of the new head must not be cached as rows of the old head.
        page.close()
        return None
    return ledger_head, (yield from resume(page, answer))


def present_view(ledger_head: LedgerHead) -> LedgerView:
    return LedgerView(ledger_head, ledger_head.revision)


def _listed(ledger_head: LedgerHead, query: ListQuery, page: PageRecords) -> tuple[LedgerView, ListedPage]:
    view = present_view(ledger_head)
    return view, ListedPage(check_documents(page.records), page.total, query.offset, view.token)


def next_calls(tenant: str, query: ListQuery) -> StoreOperation[bytes]:
    """Return the records of a later page of a stream, joined by LINE_FEED, without counting them."""
    view = yield from view_or_present(tenant, query)
    return (yield from _reader_of(view, query).records_of_stream())


def view_or_present(tenant: str, query: ListQuery) -> StoreOperation[LedgerView]:
    """Return the state that a query names; the present also for a hold that is not pinned yet."""
    view = yield from view_of(tenant, query)
    return view or present_view((yield from read_ledger_head(tenant)))


def view_of(tenant: str, query: ListQuery) -> StoreOperation[LedgerView | None]:
    """Return the state that a query names, else the present; None for a hold that is not pinned yet."""
    ledger_head = yield from read_ledger_head(tenant)
    if query.snapshot is not None:
        return LedgerView(ledger_head, read_snapshot(ledger_head, query.snapshot))
    if query.hold is None:
        return present_view(ledger_head)
    begins = query.offset == 0 and query.after is None
    revision = yield from find_hold_revision(ledger_head, query.hold, begins=begins)
    return None if revision is None else LedgerView(ledger_head, revision)


def list_view(view: LedgerView, query: ListQuery) -> StoreOperation[ListedPage]:
    if query.after is not None:
        query = yield from _after(view, query, query.after)
    page = yield from _reader_of(view, query).page()
    return ListedPage(check_documents(page.records), page.total, query.offset, view.token)


def scan_of(view: LedgerView, query: ListQuery) -> CachedScan:
    return CachedScan(view.ledger_head, query, view.as_of if view.is_past else None)


def _reader_of(view: LedgerView, query: ListQuery) -> Seek | CachedScan:
    """Return the seek of a query, or the scan if its filter has no counters."""
    facet_name = facet_of(query.filter)
    if facet_name is None:
        return scan_of(view, query)
    tenant, epoch = view.ledger_head.tenant, view.ledger_head.epoch
    if view.is_past:
        return SeekAsOf(tenant, query, facet_name, view.as_of)
    return Seek(tenant, query, facet_name, epoch)


def _after(view: LedgerView, query: ListQuery, call_id: bytes) -> StoreOperation[ListQuery]:
    """Return the query with the offset at which the calls after `call_id` begin."""
    at_us = yield from created_in(view, call_id)
    calls, before = query.filter, 0
    # Rows that come earlier in the order of the query, and rows of the same instant up to the call itself.
    earlier = _cut_at(calls, at_us) if query.order == "asc" else _cut_after(calls, at_us)
    if not _is_empty(earlier):
        before = yield from _reader_of(view, replace(query, filter=earlier)).total()
    if not _is_empty(_cut_after(_cut_at(calls, at_us + 1), at_us - 1)):
        before += yield from scan_of(view, query).count_at(at_us, call_id)
    return replace(query, after=None, offset=before)


def _cut_at(calls: CallFilter, at_us: int) -> CallFilter:
    return replace(calls, to_us=at_us if calls.to_us is None else min(calls.to_us, at_us))


def _cut_after(calls: CallFilter, at_us: int) -> CallFilter:
    return replace(calls, from_us=at_us + 1 if calls.from_us is None else max(calls.from_us, at_us + 1))


def _is_empty(calls: CallFilter) -> bool:
    return calls.from_us is not None and calls.to_us is not None and calls.from_us >= calls.to_us


def created_in(view: LedgerView, call_id: bytes) -> StoreOperation[int]:
    """Return the creation time (us) of a call as of a view; raise InvalidInput for an unknown call."""
    tenant = view.ledger_head.tenant
    rows = yield Statement("created_of_call", {"tenant": tenant, "id": call_id})
    created_us, revision = rows[0] if rows else (0, None)
    if revision is None:
        ended = yield Statement("ends_of_id", {"tenant": tenant, "id": call_id})
        revision = ended[0][0] if ended else None
        created_us = None
    while revision is not None and (created_us is None or revision > view.as_of):
        rows = yield Statement("version_that_ended", {"tenant": tenant, "valid_to": revision})
        _id, created_us, revision = rows[0] if rows else (None, None, None)
    if created_us is None or revision is None:
        raise InvalidInput.of(
            "after", f"there is no call {uuid_text(call_id)} in this list; begin without after"
        )
    found: int = created_us
    return found
