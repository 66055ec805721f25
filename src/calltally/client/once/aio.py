"""The same blocks and readers over psycopg's AsyncConnection; what each is for is said in `blocks`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from calltally.client.once import claims, schema
from calltally.client.once.arguments import EFFECT, LEASE_S, Clock, inside, lease_of, outside, reading
from calltally.client.once.claims import Wish
from calltally.client.once.connections import AsyncPsycopgLink, Connection, async_link
from calltally.client.once.decision import Promise, Turn
from calltally.client.once.queries import Entry, Received, Selection, entry_page, event_page, settle_entry
from calltally.client.once.sans_io import Step, drive_async

T = TypeVar("T")


async def install(connection: Connection) -> None:
    """As `once.install`."""
    to = async_link(connection)
    await _in_transaction(to, schema.install_tables(to.dialect))


@asynccontextmanager
async def same_transaction(
    connection: Connection, event: object, *, effect: str = EFFECT, clock: Clock | None = None
) -> AsyncIterator[Turn]:
    """As `once.same_transaction`, by `async with`."""
    wish = inside(event, effect, clock)
    to = async_link(connection)
    async with to.transaction():
        yield await drive_async(claims.take(wish), to)


@asynccontextmanager
async def at_least_once(
    connection: Connection,
    event: object,
    *,
    effect: str = EFFECT,
    lease_s: float = LEASE_S,
    clock: Clock | None = None,
) -> AsyncIterator[Turn]:
    """As `once.at_least_once`, by `async with`."""
    wish = outside(event, effect, Promise.AT_LEAST_ONCE, lease_s, clock)
    async with _claimed(connection, wish, clock) as turn:
        yield turn


@asynccontextmanager
async def at_most_once(
    connection: Connection,
    event: object,
    *,
    effect: str = EFFECT,
    lease_s: float = LEASE_S,
    clock: Clock | None = None,
) -> AsyncIterator[Turn]:
    """As `once.at_most_once`, by `async with`."""
    wish = outside(event, effect, Promise.AT_MOST_ONCE, lease_s, clock)
    async with _claimed(connection, wish, clock) as turn:
        yield turn


@asynccontextmanager
async def _claimed(connection: Connection, wish: Wish, clock: Clock | None) -> AsyncIterator[Turn]:
    to = async_link(connection)
    to.check_idle()
    turn = await _in_transaction(to, claims.take(wish))
    try:
        yield turn
    except BaseException as fault:
        await to.rollback()
        if turn:
            await _in_transaction(to, claims.fail(turn, fault, reading(clock)))
        raise
    await _end(to, turn, clock)


async def _end(to: AsyncPsycopgLink, turn: Turn, clock: Clock | None) -> None:
    try:
        if turn:
            await _in_transaction(to, claims.finish(turn, reading(clock)))
        await to.commit()
    except BaseException:
        await to.rollback()
        raise


async def extend(
    connection: Connection, turn: Turn, *, lease_s: float = LEASE_S, clock: Clock | None = None
) -> None:
    """As `once.extend`."""
    to = async_link(connection)
    to.check_idle()
    await _in_transaction(to, claims.extend(turn, lease_of(lease_s), reading(clock)))


def entries(
    connection: Connection, *, tenant: str | None = None, clock: Clock | None = None
) -> AsyncIterator[Entry]:
    """As `once.entries`, by `async for`."""
    return _pages(async_link(connection), Selection("list_entries", tenant, reading(clock)))


def unfinished(
    connection: Connection, *, tenant: str | None = None, clock: Clock | None = None
) -> AsyncIterator[Entry]:
    """As `once.unfinished`, by `async for`."""
    return _pages(async_link(connection), Selection("list_unfinished", tenant, reading(clock)))


async def _pages(to: AsyncPsycopgLink, selection: Selection) -> AsyncIterator[Entry]:
    behind = None
    while page := await _in_transaction(to, entry_page(selection, behind)):
        for each in page:
            yield each
        behind = page[-1]


async def events(connection: Connection, *, tenant: str | None = None) -> AsyncIterator[Received]:
    """As `once.events`, by `async for`."""
    to = async_link(connection)
    behind = None
    while page := await _in_transaction(to, event_page(tenant, behind)):
        for each in page:
            yield each
        behind = page[-1]


async def settle(
    connection: Connection, entry: Entry, *, happened: bool, reason: str, clock: Clock | None = None
) -> None:
    """As `once.settle`."""
    step = settle_entry(entry, reason, reading(clock), happened=happened)
    await _in_transaction(async_link(connection), step)


async def _in_transaction(to: AsyncPsycopgLink, step: Step[T]) -> T:
    async with to.transaction():
        return await drive_async(step, to)
