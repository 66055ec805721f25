"""Concurrent processes with the same call: locks and outcomes."""

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import psycopg
import pytest
from psycopg import IsolationLevel

from calltally.calls.errors import Unavailable
from calltally.client import once
from calltally.client.once import Claim, Outcome
from tests.integration.client.once.conftest import Receiver
from tests.integration.client.once.sample_events import Crash, SampleState, insert, invoice, invoices

TIMEOUT_S = 20


@pytest.fixture
def other_process() -> Iterator[ThreadPoolExecutor]:
    """Thread in place of another process."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest.fixture
def postgres_receiver(postgres_url: str) -> Iterator[Receiver]:
    with closing(Receiver("psycopg", postgres_url)) as made:
        once.install(made.here)
        made.here.execute("CREATE TABLE invoices (call_id TEXT, words TEXT)")
        made.here.commit()
        yield made


def wait_until_blocked(receiver: Receiver, waiting: "Future[Claim]") -> None:
    """Wait until the other transaction waits for a lock."""
    sql = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    while receiver.rows(sql) == [(0,)]:
        assert not waiting.done(), "it did not block"


@pytest.mark.parametrize("commits", [True, False])
def test_second_transaction_waits_for_the_first_on_postgres(
    postgres_receiver: Receiver, other_process: ThreadPoolExecutor, *, commits: bool
) -> None:
    other = postgres_receiver.connect()
    block = once.same_transaction(postgres_receiver.here, SampleState().event(), effect="invoice")
    assert block.__enter__()
    insert(postgres_receiver, postgres_receiver.here, SampleState())
    waiting = other_process.submit(invoice, postgres_receiver, SampleState(), other)
    wait_until_blocked(postgres_receiver, waiting)
    block.__exit__(*((None, None, None) if commits else (Crash, Crash(), None)))
    expected = Outcome.REPEAT if commits else Outcome.RUN
    assert waiting.result(TIMEOUT_S).outcome is expected
    assert invoices(postgres_receiver) == [("call-1", "completed")]


def test_concurrent_corrections_see_each_other_on_postgres(
    postgres_receiver: Receiver, other_process: ThreadPoolExecutor
) -> None:
    invoice(postgres_receiver)
    other = postgres_receiver.connect()
    block = once.same_transaction(postgres_receiver.here, SampleState("failed", 7).event(), effect="invoice")
    assert block.__enter__()
    waiting = other_process.submit(invoice, postgres_receiver, SampleState("busy", 9), other)
    wait_until_blocked(postgres_receiver, waiting)
    block.__exit__(None, None, None)
    second = waiting.result(TIMEOUT_S)
    assert second.corrects is not None
    assert (second.correction, second.corrects.status) == (2, "failed")


def test_repeatable_read_needs_another_try_on_postgres(
    postgres_receiver: Receiver,
) -> None:
    strict = postgres_receiver.connect()
    strict.isolation_level = IsolationLevel.REPEATABLE_READ
    strict.execute("SELECT 1")
    strict.execute("SELECT count(*) FROM invoices")
    invoice(postgres_receiver)
    with pytest.raises(psycopg.errors.SerializationFailure):
        invoice(postgres_receiver, SampleState(), strict)
    strict.rollback()
    assert invoice(postgres_receiver, SampleState(), strict).outcome is Outcome.REPEAT
    assert invoices(postgres_receiver) == [("call-1", "completed")]


# Both connections are of one library: two copies of SQLite in one process do not see each other's locks.
@pytest.mark.parametrize("open_database", [partial(sqlite3.connect, timeout=0), apsw.Connection])
def test_locked_database_is_unavailable_on_sqlite(
    tmp_path: Path, open_database: Callable[[str], Any]
) -> None:
    path = str(tmp_path / "receiver.db")
    with closing(open_database(path)) as waiter, closing(open_database(path)) as writer:
        once.install(writer)
        writer.execute("BEGIN IMMEDIATE")
        with (
            pytest.raises(Unavailable, match="nothing was written"),
            once.same_transaction(waiter, SampleState().event()),
        ):
            pass
        writer.execute("ROLLBACK")
        with once.same_transaction(waiter, SampleState().event()) as claim:
            assert claim


def test_blocked_commit_rolls_back_the_claim_on_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "receiver.db"
    with closing(sqlite3.connect(path, timeout=0)) as here, closing(sqlite3.connect(path)) as reader:
        once.install(here)
        reading = reader.execute("SELECT version FROM calltally_once_schema")
        with pytest.raises(Unavailable), once.same_transaction(here, SampleState().event()) as claim:
            assert claim
        assert not here.in_transaction
        reading.close()
        with once.same_transaction(here, SampleState().event()) as claim:
            assert claim


def test_other_database_errors_are_passed_on(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "receiver.db")) as here:
        with (
            pytest.raises(sqlite3.OperationalError, match="no such table"),
            once.same_transaction(here, SampleState().event()),
        ):
            pass
        assert not here.in_transaction
        here.close()
        with pytest.raises(sqlite3.ProgrammingError), once.same_transaction(here, SampleState().event()):
            pass


def test_file_that_is_no_database_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "receiver.db"
    path.write_text("words" * 1000)
    with closing(sqlite3.connect(path)) as here, pytest.raises(sqlite3.DatabaseError, match="not a database"):
        once.install(here)


def test_concurrent_installations_succeed(receiver: Receiver) -> None:
    others = [receiver.connect() for _ in range(4)] if not receiver.is_sqlite else []
    with ThreadPoolExecutor(4) as executor:
        for done in [executor.submit(once.install, other) for other in others]:
            done.result(TIMEOUT_S)
    once.install(receiver.here)
    assert receiver.rows("SELECT version FROM calltally_once_schema") == [(1,)]
