"""Whether a window is complete: what of it may still change, and what is missing.

An expectation from what has been, and no proof: the feed brings whatever comes later all the same.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from calltally.calls.filters import MAX_LIMIT, CallFilter, ListQuery
from calltally.calls.model import OPEN, STATUSES
from calltally.calls.times import DAY_US, parse_instant
from calltally.calls.watermark import LONGEST_US, watermark_us
from calltally.calls.windows import Window
from calltally.reconcile.open_calls import OpenCalls, read_open, summed, usual_by_provider
from calltally.reconcile.provider_gaps import LOOK_BACK_US, Silence, Stretch, silences
from calltally.reconcile.window_report import Disputed, DisputedCalls, Seen, WindowStatus, report_of
from calltally.store.db.interface import Store
from calltally.store.db.operation import Row
from calltally.store.ledger.window_status import active_hours, disputed_records, waiting_letters
from calltally.store.listing.list_calls import Listed, list_calls
from calltally.store.snapshots.change_feed import lags_of
from calltally.store.snapshots.ledger_head import standing_of

# Of how many calls the lags are looked at, as the feed's watermark does.
_RECENT: Final = 2_000
# Open calls beyond are counted and not looked at one by one.
_MOST_OPEN: Final = 20_000
_LISTED: Final = 20
_OPEN: Final = tuple(str(status) for status in STATUSES if status in OPEN)


async def window_status(store: Store, tenant: str, window: Window, now_us: int) -> WindowStatus:
    """Look at a window as it is now. Raises NotFound for an unknown tenant.

    All but one of its questions cost the same at any size; the search for contradictions is linear in the
    calls of the window, a day at a time.
    """
    standing = await store.read(standing_of(tenant))
    lags = await store.read(lags_of(tenant, _RECENT))
    seen = Seen(
        calls=(await _listed(store, tenant, _query(window, (), limit=1))).total,
        revision=standing.revision,
        watermark_us=_settled_us(standing.revision, now_us, lags),
        open=await _open(store, tenant, window, now_us=now_us, lags=lags),
        disputed=await _disputed(store, tenant, window),
        silences=await _silences(store, tenant, window, now_us),
        letters=tuple(await store.read(waiting_letters(tenant, window.from_us))),
    )
    return report_of(tenant, window, now_us, seen)


def _settled_us(revision: int, now_us: int, lags: Sequence[Row]) -> int | None:
    """The watermark; where calls only came long after they were, as by an import, seven days are waited."""
    known_us = watermark_us(now_us, lags)
    return now_us - LONGEST_US if known_us is None and revision else known_us


def _query(window: Window, statuses: tuple[str, ...], *, limit: int) -> ListQuery:
    calls = CallFilter(from_us=window.from_us, to_us=window.to_us, statuses=statuses)
    return ListQuery(filter=calls, limit=limit, order="asc")


async def _listed(store: Store, tenant: str, query: ListQuery) -> Listed:
    return await store.read_tenant(tenant, lambda: list_calls(tenant, query))


async def _open(store: Store, tenant: str, window: Window, *, now_us: int, lags: Sequence[Row]) -> OpenCalls:
    """The open ones by their counters: it costs as many as there are, not as many as the window has."""
    query = _query(window, _OPEN, limit=MAX_LIMIT)
    page = await _listed(store, tenant, query)
    calls = read_open(page.records)
    while len(calls) < min(page.total, _MOST_OPEN) and page.records:
        query = replace(query, offset=len(calls), snapshot=page.snapshot)
        page = await _listed(store, tenant, query)
        calls += read_open(page.records)
    return summed(page.total, calls, usual_by_provider(lags), now_us)


async def _disputed(store: Store, tenant: str, window: Window) -> DisputedCalls:
    """Day by day, so that no statement runs for long; from the first call to the last."""
    found: list[Disputed] = []
    begin_us, to_us = await _reach(store, tenant, window)
    while begin_us < to_us:
        end_us = min(begin_us + DAY_US, to_us)
        found += await _disputed_between(store, tenant, begin_us, end_us)
        begin_us = end_us
    return DisputedCalls(len(found), tuple(found[:_LISTED]))


async def _reach(store: Store, tenant: str, window: Window) -> Window:
    """The window from its first call to its last: it may be of thousands of years."""
    query = _query(window, (), limit=1)
    pages = [await _listed(store, tenant, replace(query, order=order)) for order in ("asc", "desc")]
    began = [
        parse_instant(call.created_at) for page in pages for call in _began.decode(b"[%b]" % page.records)
    ]
    return Window(min(began), max(began) + 1) if began else Window(window.from_us, window.from_us)


async def _disputed_between(store: Store, tenant: str, begin_us: int, end_us: int) -> list[Disputed]:
    records = await store.read_tenant(tenant, lambda: disputed_records(tenant, begin_us, end_us), long=True)
    return sorted(map(_decoder.decode, records), key=lambda call: (call.created_at, call.id))


async def _silences(store: Store, tenant: str, window: Window, now_us: int) -> tuple[Silence, ...]:
    known_to_us = min(now_us, window.to_us + LOOK_BACK_US)
    stretch = Stretch(window.from_us, window.to_us, known_to_us)
    begin_us = window.from_us - LOOK_BACK_US
    hours = await store.read(active_hours(tenant, begin_us, max(known_to_us, begin_us)))
    return tuple(silence for provider, each in hours.items() for silence in silences(provider, each, stretch))


class _Began(msgspec.Struct, frozen=True):
    created_at: str


_decoder: Final = msgspec.json.Decoder(Disputed)
_began: Final = msgspec.json.Decoder(list[_Began])
