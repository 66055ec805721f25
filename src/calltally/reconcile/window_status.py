"""Completeness of a window: calls that may still change, and missing data.

It is an expectation from past data, and no proof: later changes still arrive in the change feed.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec
from msgspec.structs import replace

from calltally.calls.filters import CallFilter
from calltally.calls.list_query import MAX_LIMIT, ListQuery
from calltally.calls.model import OPEN, STATUSES
from calltally.calls.times import DAY_US, parse_instant, utc_text
from calltally.calls.watermark import MAX_LAG_US, watermark_us
from calltally.calls.windows import TimeWindow
from calltally.reconcile.provider_gaps import USUAL_PERIOD_US, GapWindow, find_gaps
from calltally.reconcile.window_report import (
    DisputedCall,
    DisputedCalls,
    OpenCalls,
    ProviderSilence,
    WaitingLetters,
    WindowStatus,
    evaluated,
    parse_open_calls,
    summarize,
    usual_lag_by_provider,
)
from calltally.store.db.interface import Store
from calltally.store.db.operation import Row
from calltally.store.ledger.fact_queries import active_hours, disputed_records, waiting_letters
from calltally.store.listing.list_calls import ListedPage, list_calls
from calltally.store.maintenance.worker_presence import admin_missing_worker, missing_worker_text
from calltally.store.snapshots.change_feed import lags_of
from calltally.store.snapshots.ledger_head import read_ledger_head
from calltally.store.tenants.unlisted_fields import unlisted_fields_of

# The number of recent calls for the lags, as in the feed's watermark.
_RECENT: Final = 2_000
# More open calls are counted, but not read one by one.
_MOST_OPEN: Final = 20_000
_LISTED: Final = 20
_OPEN: Final = tuple(str(status) for status in STATUSES if status in OPEN)


async def window_status(store: Store, tenant: str, window: TimeWindow, now_us: int) -> WindowStatus:
    """Return the current status of a window. Raises NotFound for an unknown tenant.

    Nearly all queries cost the same for any size. The search for contradictions is linear in the calls of the
    window, one day at a time.
    """
    ledger_head = await store.read(read_ledger_head(tenant))
    lags = await store.read(lags_of(tenant, _RECENT))
    watermark = watermark_us(now_us, lags)
    if watermark is None and ledger_head.revision:
        # All calls arrived late, as by an import.
        watermark = now_us - MAX_LAG_US
    status = WindowStatus(
        tenant=tenant,
        begins=utc_text(window.from_us),
        ends=utc_text(window.to_us),
        at=utc_text(now_us),
        calls=(await _listed(store, tenant, _query(window, (), limit=1))).total,
        revision=ledger_head.revision,
        watermark=None if watermark is None else utc_text(watermark),
        open=await _open(store, tenant, window, now_us=now_us, lags=lags),
        disputed=await _disputed(store, tenant, window),
        silences=await _silences(store, tenant, window, now_us),
        dead_letters=tuple(
            WaitingLetters(each.provider, each.letters, utc_text(each.oldest_us))
            for each in await store.read(waiting_letters(tenant, window.from_us))
        ),
    )
    report = evaluated(status, await store.read(unlisted_fields_of(tenant)))
    missing = await store.read(admin_missing_worker(now_us))
    return replace(report, remarks=(*report.remarks, missing_worker_text(missing))) if missing else report


def _query(window: TimeWindow, statuses: tuple[str, ...], *, limit: int) -> ListQuery:
    calls = CallFilter(from_us=window.from_us, to_us=window.to_us, statuses=statuses)
    return ListQuery(filter=calls, limit=limit, order="asc")


async def _listed(store: Store, tenant: str, query: ListQuery) -> ListedPage:
    return await store.read_tenant(tenant, lambda: list_calls(tenant, query))


async def _open(
    store: Store, tenant: str, window: TimeWindow, *, now_us: int, lags: Sequence[Row]
) -> OpenCalls:
    """Read the open calls by their counters. The cost depends on their number, not on the window's calls."""
    query = _query(window, _OPEN, limit=MAX_LIMIT)
    page = await _listed(store, tenant, query)
    calls = parse_open_calls(page.records)
    while len(calls) < min(page.total, _MOST_OPEN) and page.records:
        query = replace(query, offset=len(calls), snapshot=page.snapshot)
        page = await _listed(store, tenant, query)
        calls += parse_open_calls(page.records)
    return summarize(page.total, calls, usual_lag_by_provider(lags), now_us)


async def _disputed(store: Store, tenant: str, window: TimeWindow) -> DisputedCalls:
    """Search day by day from the first call to the last, so that no statement runs for long."""
    found: list[DisputedCall] = []
    begin_us, to_us = await _occupied_window(store, tenant, window)
    while begin_us < to_us:
        end_us = min(begin_us + DAY_US, to_us)
        day = partial(disputed_records, tenant, begin_us, end_us)
        records = await store.read_tenant(tenant, day, long=True)
        found += sorted(map(_decoder.decode, records), key=lambda call: (call.created_at, call.id))
        begin_us = end_us
    return DisputedCalls(len(found), tuple(found[:_LISTED]))


async def _occupied_window(store: Store, tenant: str, window: TimeWindow) -> TimeWindow:
    """Return the window from its first call to its last: the requested one may span thousands of years."""
    query = _query(window, (), limit=1)
    pages = [await _listed(store, tenant, replace(query, order=order)) for order in ("asc", "desc")]
    began = [
        parse_instant(call.created_at) for page in pages for call in _created.decode(b"[%b]" % page.records)
    ]
    return TimeWindow(min(began), max(began) + 1) if began else TimeWindow(window.from_us, window.from_us)


async def _silences(
    store: Store, tenant: str, window: TimeWindow, now_us: int
) -> tuple[ProviderSilence, ...]:
    complete_to_us = min(now_us, window.to_us + USUAL_PERIOD_US)
    gap_window = GapWindow(window.from_us, window.to_us, complete_to_us)
    begin_us = window.from_us - USUAL_PERIOD_US
    hours = await store.read(active_hours(tenant, begin_us, max(complete_to_us, begin_us)))
    gaps = [gap for provider, each in hours.items() for gap in find_gaps(provider, each, gap_window)]
    return tuple(
        ProviderSilence(
            gap.provider,
            utc_text(gap.from_us),
            None if gap.to_us is None else utc_text(gap.to_us),
            gap.hours,
            gap.usual_hours,
        )
        for gap in gaps
    )


class _Created(msgspec.Struct, frozen=True):
    created_at: str


_decoder: Final = msgspec.json.Decoder(DisputedCall)
_created: Final = msgspec.json.Decoder(list[_Created])
