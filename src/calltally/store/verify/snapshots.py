"""Invariant 5 on a live ledger, by sampling: pages by counters and history against those by rows alone."""

from random import Random
from typing import Final

from msgspec.structs import replace

from calltally.calls.errors import SnapshotGone
from calltally.calls.filters import CallFilter, ListQuery
from calltally.calls.model import DIRECTIONS, STATUSES
from calltally.calls.times import DAY_US
from calltally.store.db.operation import Rows, Statement, StoreOperation
from calltally.store.listing.conditions import facet_of
from calltally.store.listing.scan import Scan
from calltally.store.listing.seek import Page, Seek
from calltally.store.listing.seek_as_of import PastSeek
from calltally.store.snapshots.ledger_head import read_ledger_head
from calltally.store.snapshots.tokens import LedgerHead
from calltally.store.verify.revisions import Checked, Finding

SAMPLES: Final = 20
_LIMIT: Final = 50
_ID_BYTES: Final = 16


def check_past(tenant: str, random: Random) -> StoreOperation[Checked]:
    """One page of one day, filter and offset, as of the head of some commit that is still kept.

    A snapshot of a time when a node of the release before still wrote is refused to everyone: it is not
    wrong, and counts as no page.
    """
    ledger_head = yield from read_ledger_head(tenant)
    as_of = yield from _commit_head(ledger_head, random)
    window = yield from _some_day(tenant, random)
    if window is None:
        return Checked(0, [], None)
    order = random.choice(("desc", "asc"))
    query = ListQuery(filter=_some_filter(window, random), limit=_LIMIT, order=order)
    try:
        return (yield from _both_ways(ledger_head, query, as_of, random))
    except SnapshotGone:
        return Checked(0, [], None)


def _both_ways(
    ledger_head: LedgerHead, query: ListQuery, as_of: int, random: Random
) -> StoreOperation[Checked]:
    by_rows = yield from Scan(ledger_head, query, _past(ledger_head, as_of)).page()
    query = replace(query, offset=random.randint(0, by_rows.total))
    by_rows = yield from Scan(ledger_head, query, _past(ledger_head, as_of)).page()
    by_counters = yield from _seek(ledger_head, query, as_of).page()
    return Checked(1, _compared(ledger_head.tenant, (as_of, query), by_rows, by_counters), None)


def _past(ledger_head: LedgerHead, as_of: int) -> int | None:
    return None if as_of == ledger_head.revision else as_of


def _seek(ledger_head: LedgerHead, query: ListQuery, as_of: int) -> Seek:
    facet_name = facet_of(query.filter) or ""
    if as_of == ledger_head.revision:
        return Seek(ledger_head.tenant, query, facet_name)
    return PastSeek(ledger_head.tenant, query, facet_name, as_of)


def _commit_head(ledger_head: LedgerHead, random: Random) -> StoreOperation[int]:
    """Each fact knows the head of its commit; the head of now, where the one drawn is not kept."""
    rows = yield from _drawn("fact_revision_after", ledger_head.tenant, random)
    is_kept = rows and ledger_head.kept_from <= rows[0][0] <= ledger_head.revision
    return rows[0][0] if is_kept else ledger_head.revision


def _some_day(tenant: str, random: Random) -> StoreOperation[CallFilter | None]:
    """A day around a call that is drawn by its id, not cut at whole buckets."""
    rows = yield from _drawn("place_after", tenant, random)
    if not rows:
        return None
    from_us = rows[0][0] - random.randrange(DAY_US)
    return CallFilter(from_us=from_us, to_us=from_us + DAY_US, route=rows[0][1])


def _drawn(name: str, tenant: str, random: Random) -> StoreOperation[Rows]:
    """A row by a hashed id, so that each is as likely as any; the first of all behind the last."""
    rows = yield Statement(name, {"tenant": tenant, "id": random.randbytes(_ID_BYTES)})
    return rows or (yield Statement(name, {"tenant": tenant, "id": b""}))


def _some_filter(window: CallFilter, random: Random) -> CallFilter:
    statuses = tuple(str(status) for status in STATUSES if random.random() < random.choice((0, 0, 1 / 2)))
    direction = random.choice((None, None, *map(str, DIRECTIONS)))
    route = random.choice((None, window.route))
    return replace(window, statuses=statuses, direction=direction, route=route)


def _compared(tenant: str, asked: tuple[int, ListQuery], by_rows: Page, by_counters: Page) -> list[Finding]:
    as_of, query = asked
    subject = f"a page of {tenant} as of revision {as_of}: {query.filter} {query.order} offset {query.offset}"
    if by_rows.total != by_counters.total:
        counted = f"its counters tell {by_counters.total} calls, its rows are {by_rows.total}"
        return [Finding(5, subject, counted)]
    if by_rows.records != by_counters.records:
        return [Finding(5, subject, "by its counters it holds other calls than by its rows")]
    return []
