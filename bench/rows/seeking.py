"""Pages at any offset and exact totals, asked of the store itself: what the database part costs."""

import random
from collections.abc import Callable
from functools import partial
from typing import Final

import apsw

from bench.dataset import SEED
from bench.lab import Lab
from bench.table import Row, at_least, at_most, micros, pro_rata, within
from bench.timing import Timed, interleaved, wall_us
from bench.traffic import BIG, busy_offsets, calls_of
from calltally.calls.filters import CallFilter
from calltally.calls.list_query import ListQuery
from calltally.calls.model import DIRECTION_NUMBER, STATUS_NUMBER
from calltally.store.backends.open import open_store
from calltally.store.backends.sqlite.connection import connect
from calltally.store.db.interface import Store
from calltally.store.listing.list_calls import list_calls

_ROUNDS: Final = 40
_SLOW_ROUNDS: Final = 15
# About as many as a turn has of the first page.
_AS_OFTEN: Final = 60
_ONCE: Final = "page of 25 at any offset, where nobody was before"
ANY_OFFSET_LIMIT: Final = 1.3
_OFFSET_TIMES: Final = 300
_AT_OFFSET: Final = 2_000_000
_TOTAL_TIMES: Final = 300
_AT_CALLS: Final = 10_000_000
EVERY: Final = CallFilter()
FILTERED: Final = CallFilter(statuses=("completed",), direction="outbound")
_FIRST: Final = ListQuery()


def offsets_of(size: int) -> Callable[[], int]:
    """Draws offsets: every other one of the whole list, every other one of its busiest hour."""
    rng = random.Random(SEED)
    busy, most = busy_offsets(size), calls_of(size, BIG) - _FIRST.limit
    is_second = [False]

    def draw() -> int:
        is_second[0] = not is_second[0]
        return rng.choice(busy) if is_second[0] and busy else rng.randrange(most)

    return draw


def page_reader(store: Store, draw: Callable[[], int], calls: CallFilter = EVERY) -> Timed:
    """Reads a page of 25 at an offset drawn anew each time."""

    async def read() -> None:
        page = await store.read(list_calls(BIG, ListQuery(filter=calls, offset=draw())))
        assert page.total

    return read


async def offset(lab: Lab) -> list[Row]:
    """A page anywhere against the first, and against OFFSET."""
    dataset = await lab.dataset()
    store = open_store(dataset.url, wall_us)
    connection = connect(dataset.path)
    try:
        rows = [
            await _anywhere(store, lab.size, calls, what, times)
            for what, times in (("page of 25 at any offset", _AS_OFTEN), (_ONCE, 1))
            for calls, what in ((EVERY, what), (FILTERED, f"{what}, of a status and direction"))
        ]
        rows.append(await _against_offset(store, connection, lab.size))
    finally:
        connection.close()
        await store.close()
    return rows


async def _anywhere(store: Store, size: int, calls: CallFilter, what: str, times: int) -> Row:
    """Each offset so many times. The first page is asked for again and again, so it lies in the caches."""
    most = await _matches(store, calls)
    draw = _repeated(offsets_of(size), times)
    anywhere = page_reader(store, lambda: draw() * most // calls_of(size, BIG), calls)
    first = page_reader(store, lambda: 0, calls)
    ours, theirs = await interleaved(anywhere, first, rounds=_ROUNDS)
    against = f"its first page: {micros(theirs)}"
    return at_most(what, micros(ours), against, ratio=ours / theirs, limit=ANY_OFFSET_LIMIT)


def _repeated(draw: Callable[[], int], times: int) -> Callable[[], int]:
    return partial(next, (offset for offset in iter(draw, None) for _ in range(times)))


async def _matches(store: Store, calls: CallFilter) -> int:
    return (await store.read(list_calls(BIG, ListQuery(filter=calls)))).total


async def _against_offset(store: Store, connection: apsw.Connection, size: int) -> Row:
    deep = min(_AT_OFFSET, calls_of(size, BIG) - _FIRST.limit)
    ours, theirs = await interleaved(
        page_reader(store, lambda: deep),
        _sql(
            connection,
            "SELECT record FROM calls WHERE tenant = ? ORDER BY created_us DESC, id DESC LIMIT 25 OFFSET ?",
            (BIG, deep),
        ),
        rounds=_SLOW_ROUNDS,
    )
    return at_least(
        f"page of 25 at offset {deep:,}",
        micros(ours),
        f"OFFSET in the same database: {micros(theirs)}",
        ratio=theirs / ours,
        limit=pro_rata(_OFFSET_TIMES, deep, _AT_OFFSET, "offset 2 M"),
    )


def _sql(connection: apsw.Connection, statement: str, bindings: tuple[str | int, ...]) -> Timed:
    async def run() -> None:
        assert connection.execute(statement, bindings).fetchall()

    return run


async def total(lab: Lab) -> list[Row]:
    """The exact total of a filter."""
    dataset = await lab.dataset()
    store = open_store(dataset.url, wall_us)
    connection = connect(dataset.path)
    try:
        return await _total_rows(store, connection, lab.size)
    finally:
        connection.close()
        await store.close()


async def _total_rows(store: Store, connection: apsw.Connection, size: int) -> list[Row]:
    counted = (BIG, STATUS_NUMBER["completed"], DIRECTION_NUMBER["outbound"])
    counting = _sql(
        connection, "SELECT count(*) FROM calls WHERE tenant = ? AND status = ? AND direction = ?", counted
    )
    total_of = total_reader(store)
    with_page, page = await interleaved(total_of, page_reader(store, lambda: 0, FILTERED), rounds=_ROUNDS)
    ours, theirs = await interleaved(total_of, counting, rounds=_SLOW_ROUNDS)
    what = "exact total of a status and direction"
    limit = pro_rata(_TOTAL_TIMES, size, _AT_CALLS, "10 M calls")
    against = f"count(*): {micros(theirs)}"
    return [
        within(
            what,
            micros(with_page),
            against=f"its page of 25: {micros(page)}",
            target="inside the page's time",
            met=with_page <= page,
        ),
        at_least(what, micros(ours), against, ratio=theirs / ours, limit=limit),
    ]


def total_reader(store: Store) -> Timed:
    """Asks for the total beside the smallest page that there is."""

    async def read() -> None:
        page = await store.read(list_calls(BIG, ListQuery(filter=FILTERED, limit=1)))
        assert page.total

    return read
