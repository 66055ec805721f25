"""Async counterparts of `blocks` for psycopg's AsyncConnection. The docstrings are in `blocks`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from calltally.client.once import claims, schema
from calltally.client.once.arguments import (
    DEFAULT_EFFECT,
    DEFAULT_LEASE_S,
    Clock,
    external_request,
    lease_microseconds,
    read_clock,
    same_transaction_request,
)
from calltally.client.once.claims import ClaimRequest
from calltally.client.once.connections import AsyncPsycopgAdapter, Connection, async_adapter_for
from calltally.client.once.decision import Promise, Turn
from calltally.client.once.queries import (
    Entry,
    EntrySelection,
    Received,
    entry_page,
    event_page,
    settle_entry,
)
from calltally.client.once.sans_io import LedgerOperation, run_operation_async

T = TypeVar("T")


async def install(connection: Connection) -> None:
    """As `once.install`."""
    adapter = async_adapter_for(connection)
    await _in_transaction(adapter, schema.install_tables(adapter.dialect))


@asynccontextmanager
async def same_transaction(
    connection: Connection, event: object, *, effect: str = DEFAULT_EFFECT, clock: Clock | None = None
) -> AsyncIterator[Turn]:
    """As `once.same_transaction`, by `async with`."""
    request = same_transaction_request(event, effect, clock)
    adapter = async_adapter_for(connection)
    async with adapter.transaction():
        yield await run_operation_async(claims.claim_effect(request), adapter)


@asynccontextmanager
async def at_least_once(
    connection: Connection,
    event: object,
    *,
    effect: str = DEFAULT_EFFECT,
    lease_s: float = DEFAULT_LEASE_S,
    clock: Clock | None = None,
) -> AsyncIterator[Turn]:
    """As `once.at_least_once`, by `async with`."""
    request = external_request(event, effect, Promise.AT_LEAST_ONCE, lease_s, clock)
    async with _claimed(connection, request, clock) as turn:
        yield turn


@asynccontextmanager
async def at_most_once(
    connection: Connection,
    event: object,
    *,
    effect: str = DEFAULT_EFFECT,
    lease_s: float = DEFAULT_LEASE_S,
    clock: Clock | None = None,
) -> AsyncIterator[Turn]:
    """As `once.at_most_once`, by `async with`."""
    request = external_request(event, effect, Promise.AT_MOST_ONCE, lease_s, clock)
    async with _claimed(connection, request, clock) as turn:
        yield turn


@asynccontextmanager
async def _claimed(connection: Connection, request: ClaimRequest, clock: Clock | None) -> AsyncIterator[Turn]:
    adapter = async_adapter_for(connection)
    adapter.check_idle()
    turn = await _in_transaction(adapter, claims.claim_effect(request))
    try:
        yield turn
    except BaseException as fault:
        await adapter.rollback()
        if turn:
            await _in_transaction(adapter, claims.fail_effect(turn, fault, read_clock(clock)))
        raise
    await _end(adapter, turn, clock)


async def _end(adapter: AsyncPsycopgAdapter, turn: Turn, clock: Clock | None) -> None:
    try:
        if turn:
            await _in_transaction(adapter, claims.finish_effect(turn, read_clock(clock)))
        await adapter.commit()
    except BaseException:
        await adapter.rollback()
        raise


async def extend(
    connection: Connection, turn: Turn, *, lease_s: float = DEFAULT_LEASE_S, clock: Clock | None = None
) -> None:
    """As `once.extend`."""
    adapter = async_adapter_for(connection)
    adapter.check_idle()
    await _in_transaction(adapter, claims.extend_lease(turn, lease_microseconds(lease_s), read_clock(clock)))


def entries(
    connection: Connection, *, tenant: str | None = None, clock: Clock | None = None
) -> AsyncIterator[Entry]:
    """As `once.entries`, by `async for`."""
    return _pages(async_adapter_for(connection), EntrySelection("list_entries", tenant, read_clock(clock)))


def unfinished(
    connection: Connection, *, tenant: str | None = None, clock: Clock | None = None
) -> AsyncIterator[Entry]:
    """As `once.unfinished`, by `async for`."""
    return _pages(async_adapter_for(connection), EntrySelection("list_unfinished", tenant, read_clock(clock)))


async def _pages(adapter: AsyncPsycopgAdapter, selection: EntrySelection) -> AsyncIterator[Entry]:
    after = None
    while page := await _in_transaction(adapter, entry_page(selection, after)):
        for each in page:
            yield each
        after = page[-1]


async def events(connection: Connection, *, tenant: str | None = None) -> AsyncIterator[Received]:
    """As `once.events`, by `async for`."""
    adapter = async_adapter_for(connection)
    after = None
    while page := await _in_transaction(adapter, event_page(tenant, after)):
        for each in page:
            yield each
        after = page[-1]


async def settle(
    connection: Connection, entry: Entry, *, happened: bool, reason: str, clock: Clock | None = None
) -> None:
    """As `once.settle`."""
    operation = settle_entry(entry, reason, read_clock(clock), happened=happened)
    await _in_transaction(async_adapter_for(connection), operation)


async def _in_transaction(adapter: AsyncPsycopgAdapter, operation: LedgerOperation[T]) -> T:
    async with adapter.transaction():
        return await run_operation_async(operation, adapter)
