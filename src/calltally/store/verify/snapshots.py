"""Check of invariant 5 by samples: pages by counters and history compared with pages by rows alone."""

from random import Random
from typing import Final

from msgspec.structs import replace

from calltally.calls.errors import SnapshotGone
from calltally.calls.filters import CallFilter
from calltally.calls.list_query import ListQuery
from calltally.calls.model import DIRECTIONS, STATUSES
from calltally.calls.times import DAY_US
from calltally.store.db.operation import Rows, Statement, StoreOperation
from calltally.store.listing.conditions import facet_of
from calltally.store.listing.scan import Scan
from calltally.store.listing.seek import PageRecords, Seek
from calltally.store.listing.seek_as_of import SeekAsOf
from calltally.store.snapshots.ledger_head import read_ledger_head
from calltally.store.snapshots.tokens import LedgerHead
from calltally.store.verify.revisions import CheckResult, InvariantFinding

SAMPLES: Final = 20
_LIMIT: Final = 50
_ID_BYTES: Final = 16


def check_as_of(tenant: str, random: Random) -> StoreOperation[CheckResult]:
    """Check one page of a random day, filter and offset, as of a random kept commit.

    Snapshots from a time when the previous release still wrote are refused to everyone: that is no finding,
    and no page is counted.
    """
    ledger_head = yield from read_ledger_head(tenant)
    as_of = yield from _commit_head(ledger_head, random)
    window = yield from _some_day(tenant, random)
    if window is None:
        return CheckResult(0, [], None)
    order = random.choice(("desc", "asc"))
    query = ListQuery(filter=_some_filter(window, random), limit=_LIMIT, order=order)
    try:
        return (yield from _compare_page(ledger_head, query, as_of, random))
    except SnapshotGone:
        return CheckResult(0, [], None)


def _compare_page(
    ledger_head: LedgerHead, query: ListQuery, as_of: int, random: Random
) -> StoreOperation[CheckResult]:
    tenant, past = ledger_head.tenant, None if as_of == ledger_head.revision else as_of
    by_rows = yield from Scan(ledger_head, query, past).page()
    query = replace(query, offset=random.randint(0, by_rows.total))
    by_rows = yield from Scan(ledger_head, query, past).page()
    facet_name = facet_of(query.filter) or ""
    seek = Seek(tenant, query, facet_name) if past is None else SeekAsOf(tenant, query, facet_name, past)
    by_counters = yield from seek.page()
    return CheckResult(1, _differences(tenant, as_of, query, by_rows, by_counters), None)


def _commit_head(ledger_head: LedgerHead, random: Random) -> StoreOperation[int]:
    """Return the head of a random fact's commit, or the current head if that one is not kept."""
    rows = yield from _random_row("fact_revision_after", ledger_head.tenant, random)
    is_kept = rows and ledger_head.kept_from <= rows[0][0] <= ledger_head.revision
    return rows[0][0] if is_kept else ledger_head.revision


def _some_day(tenant: str, random: Random) -> StoreOperation[CallFilter | None]:
    """Return a day around a random call, not aligned to buckets; None without calls."""
    rows = yield from _random_row("call_after", tenant, random)
    if not rows:
        return None
    from_us = rows[0][0] - random.randrange(DAY_US)
    return CallFilter(from_us=from_us, to_us=from_us + DAY_US, route=rows[0][1])


def _random_row(name: str, tenant: str, random: Random) -> StoreOperation[Rows]:
    """Return the row after a random id; ids are hashes, so each row is equally likely."""
    rows = yield Statement(name, {"tenant": tenant, "id": random.randbytes(_ID_BYTES)})
    return rows or (yield Statement(name, {"tenant": tenant, "id": b""}))


def _some_filter(window: CallFilter, random: Random) -> CallFilter:
    statuses = tuple(str(status) for status in STATUSES if random.random() < random.choice((0, 0, 1 / 2)))
    direction = random.choice((None, None, *map(str, DIRECTIONS)))
    route = random.choice((None, window.route))
    return replace(window, statuses=statuses, direction=direction, route=route)


def _differences(
    tenant: str, as_of: int, query: ListQuery, by_rows: PageRecords, by_counters: PageRecords
) -> list[InvariantFinding]:
    subject = f"a page of {tenant} as of revision {as_of}: {query.filter} {query.order} offset {query.offset}"
    if by_rows.total != by_counters.total:
        counted = f"its counters count {by_counters.total} calls, its rows are {by_rows.total}"
        return [InvariantFinding(5, subject, counted)]
    if by_rows.records != by_counters.records:
        return [
            InvariantFinding(
                5,
                subject,
                "a page has other calls if it is found by counters than if its rows are counted",
            )
        ]
    return []
