"""Blocks and readers for blocking connections. `aio` has the async counterparts."""

from collections.abc import Iterator
from contextlib import contextmanager
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
from calltally.client.once.connections import Connection, ConnectionAdapter, adapter_for
from calltally.client.once.decision import Promise, Turn
from calltally.client.once.queries import (
    Entry,
    EntrySelection,
    Received,
    entry_page,
    event_page,
    settle_entry,
)
from calltally.client.once.sans_io import LedgerOperation, run_operation

T = TypeVar("T")


def install(connection: Connection) -> None:
    """Create missing tables of the ledger, in one transaction.

    It may run repeatedly and concurrently. `SCHEMA` is the file with the tables as plain SQL.
    """
    adapter = adapter_for(connection)
    _in_transaction(adapter, schema.install_tables(adapter.dialect))


@contextmanager
def same_transaction(
    connection: Connection, event: object, *, effect: str = DEFAULT_EFFECT, clock: Clock | None = None
) -> Iterator[Turn]:
    """Run an effect exactly once: claim and effect are one transaction of the effect's database.

        with once.same_transaction(connection, event, effect="invoice") as first:
            if first:
                connection.execute("INSERT INTO invoices …")

    The block begins a transaction and commits it; an exception rolls back claim and effect. If a transaction
    is open already, the block becomes a part of it, and its owner commits. `event` is any input of
    `final_state`. `clock` returns microseconds UTC; the default is the database's clock.
    """
    request = same_transaction_request(event, effect, clock)
    adapter = adapter_for(connection)
    with adapter.transaction():
        yield run_operation(claims.claim_effect(request), adapter)


@contextmanager
def at_least_once(
    connection: Connection,
    event: object,
    *,
    effect: str = DEFAULT_EFFECT,
    lease_s: float = DEFAULT_LEASE_S,
    clock: Clock | None = None,
) -> Iterator[Turn]:
    """Run an effect outside the database that may run twice, but must not be omitted.

        with once.at_least_once(connection, event, effect="receipt") as turn:
            if turn:
                send_receipt(…, idempotency_key=turn.idempotency_key)

    The ledger commits the claim, the block runs, and the ledger records the effect as done. Uncommitted
    changes of the block on the connection are committed with that record, or rolled back after an exception.
    After an exception the effect can be claimed again at once. A process that dies leaves a claim that others
    can take after `lease_s`. Raises TransactionOpen if a transaction is open, and Overtaken at the end of a
    block that exceeded its lease while another process took the claim.
    """
    request = external_request(event, effect, Promise.AT_LEAST_ONCE, lease_s, clock)
    with _claimed(connection, request, clock) as turn:
        yield turn


@contextmanager
def at_most_once(
    connection: Connection,
    event: object,
    *,
    effect: str = DEFAULT_EFFECT,
    lease_s: float = DEFAULT_LEASE_S,
    clock: Clock | None = None,
) -> Iterator[Turn]:
    """Run an effect outside the database that must never run twice, but may be omitted.

    It works as `at_least_once`, but after an exception or the death of the process no other process runs the
    effect: it becomes uncertain, and `unfinished` lists it for a person. A block that raises NotDone declares
    that the effect certainly did not happen, so it may run again. After `lease_s` a claim counts as lost.
    """
    request = external_request(event, effect, Promise.AT_MOST_ONCE, lease_s, clock)
    with _claimed(connection, request, clock) as turn:
        yield turn


@contextmanager
def _claimed(connection: Connection, request: ClaimRequest, clock: Clock | None) -> Iterator[Turn]:
    adapter = adapter_for(connection)
    adapter.check_idle()
    turn = _in_transaction(adapter, claims.claim_effect(request))
    try:
        yield turn
    except BaseException as fault:
        adapter.rollback()
        if turn:
            _in_transaction(adapter, claims.fail_effect(turn, fault, read_clock(clock)))
        raise
    _end(adapter, turn, clock)


def _end(adapter: ConnectionAdapter, turn: Turn, clock: Clock | None) -> None:
    try:
        if turn:
            _in_transaction(adapter, claims.finish_effect(turn, read_clock(clock)))
        adapter.commit()
    except BaseException:
        adapter.rollback()
        raise


def extend(
    connection: Connection, turn: Turn, *, lease_s: float = DEFAULT_LEASE_S, clock: Clock | None = None
) -> None:
    """Extend a claim to `lease_s` from now, inside its block, for effects that take long.

    Raises Overtaken if another process has the claim; then stop the effect.
    """
    adapter = adapter_for(connection)
    adapter.check_idle()
    _in_transaction(adapter, claims.extend_lease(turn, lease_microseconds(lease_s), read_clock(clock)))


def entries(
    connection: Connection, *, tenant: str | None = None, clock: Clock | None = None
) -> Iterator[Entry]:
    """Iterate over all effects, by tenant, call, effect and correction, in pages and constant memory.

    Each page is a separate transaction, so concurrent changes may be included or not.
    """
    return _pages(adapter_for(connection), EntrySelection("list_entries", tenant, read_clock(clock)))


def unfinished(
    connection: Connection, *, tenant: str | None = None, clock: Clock | None = None
) -> Iterator[Entry]:
    """Iterate over the effects that need attention, in the order of `entries`.

    If `progress` is claimed (by a process that died) or failed, run the effect again: pass `entry.told` to
    the same block. Uncertain effects need a person and `settle`.
    """
    return _pages(adapter_for(connection), EntrySelection("list_unfinished", tenant, read_clock(clock)))


def _pages(adapter: ConnectionAdapter, selection: EntrySelection) -> Iterator[Entry]:
    after = None
    while page := _in_read_transaction(adapter, entry_page(selection, after)):
        yield from page
        after = page[-1]


def events(connection: Connection, *, tenant: str | None = None) -> Iterator[Received]:
    """Iterate over all events with a final state, by tenant, call and event id, in pages as `entries`."""
    adapter = adapter_for(connection)
    after = None
    while page := _in_read_transaction(adapter, event_page(tenant, after)):
        yield from page
        after = page[-1]


def settle(
    connection: Connection, entry: Entry, *, happened: bool, reason: str, clock: Clock | None = None
) -> None:
    """Record a person's finding on an unfinished effect.

    If it `happened`, it is done; if not, it may run again under any promise. Raises Conflict if the entry
    changed since it was listed.
    """
    _in_transaction(
        adapter_for(connection), settle_entry(entry, reason, read_clock(clock), happened=happened)
    )


def _in_transaction(adapter: ConnectionAdapter, operation: LedgerOperation[T]) -> T:
    with adapter.transaction():
        return run_operation(operation, adapter)


def _in_read_transaction(adapter: ConnectionAdapter, operation: LedgerOperation[T]) -> T:
    with adapter.read_transaction():
        return run_operation(operation, adapter)
