"""Blocks and readers over a connection that is not awaited. `aio` has the same for one that is."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from calltally.client.once import claims, schema
from calltally.client.once.arguments import EFFECT, LEASE_S, Clock, inside, lease_of, outside, reading
from calltally.client.once.claims import Wish
from calltally.client.once.connections import Connection, Link, link
from calltally.client.once.decision import Promise, Turn
from calltally.client.once.queries import Entry, Received, Selection, entry_page, event_page, settle_entry
from calltally.client.once.sans_io import Step, drive

T = TypeVar("T")


def install(connection: Connection) -> None:
    """Make the ledger's tables where they are not there yet, all of them or none.

    Harmless when it is run again, also by several at once. The tables are plain SQL: `SCHEMA` is the file.
    """
    to = link(connection)
    _in_transaction(to, schema.install_tables(to.dialect))


@contextmanager
def same_transaction(
    connection: Connection, event: object, *, effect: str = EFFECT, clock: Clock | None = None
) -> Iterator[Turn]:
    """Exactly once: claim and effect are one transaction of the database that the effect changes.

        with once.same_transaction(connection, event, effect="invoice") as first:
            if first:
                connection.execute("INSERT INTO invoices …")

    The block begins a transaction and commits it; an exception rolls back claim and effect. Where one is open
    already, the block is a part of it, and whoever opened it commits it. `event` is whatever `final_state`
    reads. `clock` gives microseconds UTC; without one the database's is read.
    """
    wish = inside(event, effect, clock)
    to = link(connection)
    with to.transaction():
        yield drive(claims.take(wish), to)


@contextmanager
def at_least_once(
    connection: Connection,
    event: object,
    *,
    effect: str = EFFECT,
    lease_s: float = LEASE_S,
    clock: Clock | None = None,
) -> Iterator[Turn]:
    """For an effect outside the database that may be run twice, and must not be left out.

        with once.at_least_once(connection, event, effect="receipt") as turn:
            if turn:
                send_receipt(…, idempotency_key=turn.idempotency_key)

    The claim is committed, then the block runs, then the ledger is told that it is done; what the block left
    uncommitted on the connection is committed with that, or rolled back after an exception. After an
    exception the effect may be claimed again at once; a process that dies leaves a claim that may be taken
    once `lease_s` has run out. Raises TransactionOpen where the connection has one open, and Overtaken at the
    end of a block that took longer than its lease while another took the claim.
    """
    wish = outside(event, effect, Promise.AT_LEAST_ONCE, lease_s, clock)
    with _claimed(connection, wish, clock) as turn:
        yield turn


@contextmanager
def at_most_once(
    connection: Connection,
    event: object,
    *,
    effect: str = EFFECT,
    lease_s: float = LEASE_S,
    clock: Clock | None = None,
) -> Iterator[Turn]:
    """For an effect outside the database that must never be run twice, and may be left out.

    As `at_least_once`, but nobody takes over from a process that died, or after an exception: such effects
    become uncertain, and `unfinished` lists them for a person. An effect that raises NotDone says that it
    certainly did not happen, and may be run again. `lease_s` is how long to wait before a claim counts as
    lost.
    """
    wish = outside(event, effect, Promise.AT_MOST_ONCE, lease_s, clock)
    with _claimed(connection, wish, clock) as turn:
        yield turn


@contextmanager
def _claimed(connection: Connection, wish: Wish, clock: Clock | None) -> Iterator[Turn]:
    to = link(connection)
    to.check_idle()
    turn = _in_transaction(to, claims.take(wish))
    try:
        yield turn
    except BaseException as fault:
        to.rollback()
        if turn:
            _in_transaction(to, claims.fail(turn, fault, reading(clock)))
        raise
    _end(to, turn, clock)


def _end(to: Link, turn: Turn, clock: Clock | None) -> None:
    try:
        if turn:
            _in_transaction(to, claims.finish(turn, reading(clock)))
        to.commit()
    except BaseException:
        to.rollback()
        raise


def extend(
    connection: Connection, turn: Turn, *, lease_s: float = LEASE_S, clock: Clock | None = None
) -> None:
    """Hold a claim for `lease_s` from now, from inside its block: for effects that take long.

    Raises Overtaken where it is another's by now; then stop.
    """
    to = link(connection)
    to.check_idle()
    _in_transaction(to, claims.extend(turn, lease_of(lease_s), reading(clock)))


def entries(
    connection: Connection, *, tenant: str | None = None, clock: Clock | None = None
) -> Iterator[Entry]:
    """Every effect in the ledger, by tenant, call, effect and correction; read in pages, in flat memory.

    Each page is a transaction of its own, so that what changes meanwhile may be seen or not.
    """
    return _pages(link(connection), Selection("list_entries", tenant, reading(clock)))


def unfinished(
    connection: Connection, *, tenant: str | None = None, clock: Clock | None = None
) -> Iterator[Entry]:
    """The effects that need somebody, in the same order.

    Those whose `progress` is claimed (by a process that died) or failed are to be run again: hand
    `entry.told` to the same block. The uncertain ones want a person, and `settle`.
    """
    return _pages(link(connection), Selection("list_unfinished", tenant, reading(clock)))


def _pages(to: Link, selection: Selection) -> Iterator[Entry]:
    behind = None
    while page := _in_reading(to, entry_page(selection, behind)):
        yield from page
        behind = page[-1]


def events(connection: Connection, *, tenant: str | None = None) -> Iterator[Received]:
    """Every event that told a final state here, by tenant, call and event id. Read as `entries` are."""
    to = link(connection)
    behind = None
    while page := _in_reading(to, event_page(tenant, behind)):
        yield from page
        behind = page[-1]


def settle(
    connection: Connection, entry: Entry, *, happened: bool, reason: str, clock: Clock | None = None
) -> None:
    """Write down what a person found out about an unfinished effect.

    If it happened it is done; if not it may be run again, whatever was promised. Raises Conflict where the
    entry has gone on since it was listed.
    """
    _in_transaction(link(connection), settle_entry(entry, reason, reading(clock), happened=happened))


def _in_transaction(to: Link, step: Step[T]) -> T:
    with to.transaction():
        return drive(step, to)


def _in_reading(to: Link, step: Step[T]) -> T:
    with to.reading():
        return drive(step, to)
