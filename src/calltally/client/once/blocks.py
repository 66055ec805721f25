"""Blocks and readers of the ledger of effects, once for blocking and async connections.

`sync` has them for blocking callers, `aio` for psycopg's AsyncConnection.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, TypeAlias

from calltally.calls.errors import InvalidInput, Misconfigured
from calltally.client.once import claims, statements
from calltally.client.once.claims import ClaimRequest
from calltally.client.once.connections import LedgerConnection
from calltally.client.once.decision import Claim, Promise
from calltally.client.once.final_state import MAX_TEXT_CHARS, final_state
from calltally.client.once.queries import Entry, Received, iterate_entries, iterate_events, settle_entry

Clock: TypeAlias = Callable[[], int]

DEFAULT_EFFECT: Final = "effect"
DEFAULT_LEASE_S: Final = 60.0
_MAX_LEASE_S: Final = 366 * 86_400


async def install(connection: LedgerConnection) -> None:
    """Create missing tables of the ledger, in one transaction.

    It may run repeatedly and concurrently. `SCHEMA` is the file with the tables as plain SQL.
    """
    async with connection.transaction():
        if connection.dialect == "postgres":
            await connection.execute("meta_lock_schema", {})
        for sql in statements.schema_statements():
            await connection.execute_sql(sql, {})
        versions = await connection.execute("meta_read_version", {})
        if not versions:
            await connection.execute("meta_write_version", {"version": statements.VERSION})
        elif versions[0][0] > statements.VERSION:
            raise Misconfigured(
                f"the ledger of effects has version {versions[0][0]} of a later Calltally; this one supports "
                f"version {statements.VERSION}. Install the later Calltally here too"
            )


@asynccontextmanager
async def same_transaction(
    connection: LedgerConnection, event: object, *, effect: str = DEFAULT_EFFECT, clock: Clock | None = None
) -> AsyncIterator[Claim]:
    """Run an effect exactly once: claim and effect are one transaction of the effect's database.

        with once.same_transaction(connection, event, effect="invoice") as first:
            if first:
                connection.execute("INSERT INTO invoices …")

    The block begins a transaction and commits it; an exception rolls back claim and effect. If a transaction
    is open already, the block becomes a part of it, and its owner commits. `event` is any input of
    `final_state`. `clock` returns microseconds UTC; the default is the database's clock.
    """
    request = claim_request(event, effect, Promise.SAME_TRANSACTION, clock=clock)
    async with connection.transaction():
        yield await claims.claim_effect(connection, request)


def at_least_once(
    connection: LedgerConnection,
    event: object,
    *,
    effect: str = DEFAULT_EFFECT,
    lease_s: float = DEFAULT_LEASE_S,
    clock: Clock | None = None,
) -> AbstractAsyncContextManager[Claim]:
    """Run an effect outside the database that may run twice, but must not be omitted.

        with once.at_least_once(connection, event, effect="receipt") as claim:
            if claim:
                send_receipt(…, idempotency_key=claim.idempotency_key)

    The ledger commits the claim, the block runs, and the ledger records the effect as done. Uncommitted
    changes of the block on the connection are committed with that record, or rolled back after an exception.
    After an exception the effect can be claimed again at once. A process that dies leaves a claim that others
    can take after `lease_s`. Raises TransactionOpen if a transaction is open, and Overtaken at the end of a
    block that exceeded its lease while another process took the claim.
    """
    request = claim_request(event, effect, Promise.AT_LEAST_ONCE, lease_s, clock)
    return _claimed(connection, request, clock)


def at_most_once(
    connection: LedgerConnection,
    event: object,
    *,
    effect: str = DEFAULT_EFFECT,
    lease_s: float = DEFAULT_LEASE_S,
    clock: Clock | None = None,
) -> AbstractAsyncContextManager[Claim]:
    """Run an effect outside the database that must never run twice, but may be omitted.

    It works as `at_least_once`, but after an exception or the death of the process no other process runs the
    effect: it becomes uncertain, and `unfinished` lists it for a person. A block that raises NotDone declares
    that the effect certainly did not happen, so it may run again. After `lease_s` a claim counts as lost.
    """
    request = claim_request(event, effect, Promise.AT_MOST_ONCE, lease_s, clock)
    return _claimed(connection, request, clock)


@asynccontextmanager
async def _claimed(
    connection: LedgerConnection, request: ClaimRequest, clock: Clock | None
) -> AsyncIterator[Claim]:
    connection.check_idle()
    async with connection.transaction():
        claim = await claims.claim_effect(connection, request)
    try:
        yield claim
    except BaseException as fault:
        await connection.rollback()
        if claim:
            async with connection.transaction():
                await claims.fail_effect(connection, claim, fault, _read_clock(clock))
        raise
    try:
        if claim:
            async with connection.transaction():
                await claims.finish_effect(connection, claim, _read_clock(clock))
        await connection.commit()
    except BaseException:
        await connection.rollback()
        raise


async def extend(
    connection: LedgerConnection,
    claim: Claim,
    *,
    lease_s: float = DEFAULT_LEASE_S,
    clock: Clock | None = None,
) -> None:
    """Extend a claim to `lease_s` from now, inside its block, for effects that take long.

    Raises Overtaken if another process has the claim; then stop the effect.
    """
    connection.check_idle()
    lease_us = _lease_us(lease_s)
    async with connection.transaction():
        await claims.extend_lease(connection, claim, lease_us, _read_clock(clock))


def entries(
    connection: LedgerConnection, *, tenant: str | None = None, clock: Clock | None = None
) -> AsyncGenerator[Entry, None]:
    """Iterate over all effects, by tenant, call, effect and correction, in pages and constant memory.

    Each page is a separate transaction, so concurrent changes may be included or not.
    """
    return iterate_entries(connection, "list_entries", tenant, _read_clock(clock))


def unfinished(
    connection: LedgerConnection, *, tenant: str | None = None, clock: Clock | None = None
) -> AsyncGenerator[Entry, None]:
    """Iterate over the effects that need attention, in the order of `entries`.

    If `progress` is claimed (by a process that died) or failed, run the effect again: pass
    `entry.final_state` to the same block. Uncertain effects need a person and `settle`.
    """
    return iterate_entries(connection, "list_unfinished", tenant, _read_clock(clock))


def events(connection: LedgerConnection, *, tenant: str | None = None) -> AsyncGenerator[Received, None]:
    """Iterate over all events with a final state, by tenant, call and event id, in pages as `entries`."""
    return iterate_events(connection, tenant)


async def settle(
    connection: LedgerConnection, entry: Entry, *, happened: bool, reason: str, clock: Clock | None = None
) -> None:
    """Record a person's finding on an unfinished effect.

    If it `happened`, it is done; if not, it may run again under any promise. Raises Conflict if the entry
    changed since it was listed.
    """
    async with connection.transaction():
        await settle_entry(connection, entry, reason, _read_clock(clock), happened=happened)


def claim_request(
    event: object,
    effect: str,
    promise: Promise,
    lease_s: float | None = None,
    clock: Clock | None = None,
) -> ClaimRequest:
    """Return the request of a block. Raises InvalidInput, also for an event without a final state."""
    state = final_state(event)
    if not effect or "\0" in effect or len(effect) > MAX_TEXT_CHARS:
        raise InvalidInput.of(
            "effect", f"the name of an effect must have 1 to {MAX_TEXT_CHARS} characters without NUL"
        )
    lease_us = None if lease_s is None else _lease_us(lease_s)
    return ClaimRequest(state, effect, promise, _read_clock(clock), lease_us)


def _read_clock(clock: Clock | None) -> int | None:
    """Return the time of the caller's clock in microseconds UTC, or None to use the database's."""
    return clock() if clock else None


def _lease_us(lease_s: float) -> int:
    if not 0 < lease_s <= _MAX_LEASE_S:
        raise InvalidInput.of("lease_s", f"{lease_s} is not a lease; use seconds above 0, at most a year")
    return round(lease_s * 1_000_000)
