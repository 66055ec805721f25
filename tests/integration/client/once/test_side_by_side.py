"""Two processes at the same call at the same time: who waits for whom, and what each is told."""

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
from calltally.client.once import Outcome, Turn
from tests.integration.client.once.conftest import Receiver
from tests.integration.client.once.telling import Crash, Told, insert, invoice, invoices

WAITS_FOR_S = 20


@pytest.fixture
def beside() -> Iterator[ThreadPoolExecutor]:
    """Where another process would be."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest.fixture
def on_postgres(postgres_url: str) -> Iterator[Receiver]:
    with closing(Receiver("psycopg", postgres_url)) as made:
        once.install(made.here)
        made.here.execute("CREATE TABLE invoices (call_id TEXT, words TEXT)")
        made.here.commit()
        yield made


def until_it_waits(receiver: Receiver, waiting: "Future[Turn]") -> None:
    """Wait for the other to wait for a lock."""
    sql = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    while receiver.rows(sql) == [(0,)]:
        assert not waiting.done(), "it did not wait"


@pytest.mark.parametrize("ends_well", [True, False])
def test_on_postgres_the_second_waits_for_how_the_first_ends(
    on_postgres: Receiver, beside: ThreadPoolExecutor, *, ends_well: bool
) -> None:
    other = on_postgres.connect()
    block = once.same_transaction(on_postgres.here, Told().event(), effect="invoice")
    assert block.__enter__()
    insert(on_postgres, on_postgres.here, Told())
    waiting = beside.submit(invoice, on_postgres, Told(), other)
    until_it_waits(on_postgres, waiting)
    block.__exit__(*((None, None, None) if ends_well else (Crash, Crash(), None)))
    expected = Outcome.REPEAT if ends_well else Outcome.RUN
    assert waiting.result(WAITS_FOR_S).outcome is expected
    assert invoices(on_postgres) == [("call-1", "completed")]


def test_on_postgres_of_two_corrections_at_once_the_later_one_knows_of_the_first(
    on_postgres: Receiver, beside: ThreadPoolExecutor
) -> None:
    invoice(on_postgres)
    other = on_postgres.connect()
    block = once.same_transaction(on_postgres.here, Told("failed", 7).event(), effect="invoice")
    assert block.__enter__()
    waiting = beside.submit(invoice, on_postgres, Told("busy", 9), other)
    until_it_waits(on_postgres, waiting)
    block.__exit__(None, None, None)
    second = waiting.result(WAITS_FOR_S)
    assert second.corrects is not None
    assert (second.correction, second.corrects.status) == (2, "failed")


def test_on_postgres_a_stricter_isolation_asks_for_another_try(
    on_postgres: Receiver,
) -> None:
    strict = on_postgres.connect()
    strict.isolation_level = IsolationLevel.REPEATABLE_READ
    strict.execute("SELECT 1")
    strict.execute("SELECT count(*) FROM invoices")
    invoice(on_postgres)
    with pytest.raises(psycopg.errors.SerializationFailure):
        invoice(on_postgres, Told(), strict)
    strict.rollback()
    assert invoice(on_postgres, Told(), strict).outcome is Outcome.REPEAT
    assert invoices(on_postgres) == [("call-1", "completed")]


# Both of one library: two copies of SQLite in one process do not see each other's locks.
@pytest.mark.parametrize("opened", [partial(sqlite3.connect, timeout=0), apsw.Connection])
def test_on_sqlite_who_has_waited_long_enough_is_told_so(
    tmp_path: Path, opened: Callable[[str], Any]
) -> None:
    path = str(tmp_path / "receiver.db")
    with closing(opened(path)) as impatient, closing(opened(path)) as writer:
        once.install(writer)
        writer.execute("BEGIN IMMEDIATE")
        with (
            pytest.raises(Unavailable, match="nothing was written"),
            once.same_transaction(impatient, Told().event()),
        ):
            pass
        writer.execute("ROLLBACK")
        with once.same_transaction(impatient, Told().event()) as turn:
            assert turn


def test_on_sqlite_a_commit_that_readers_hold_up_takes_the_claim_back(tmp_path: Path) -> None:
    path = tmp_path / "receiver.db"
    with closing(sqlite3.connect(path, timeout=0)) as here, closing(sqlite3.connect(path)) as reader:
        once.install(here)
        reading = reader.execute("SELECT version FROM calltally_once_schema")
        with pytest.raises(Unavailable), once.same_transaction(here, Told().event()) as turn:
            assert turn
        assert not here.in_transaction
        reading.close()
        with once.same_transaction(here, Told().event()) as turn:
            assert turn


def test_other_faults_of_the_database_are_its_own(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "receiver.db")) as here:
        with (
            pytest.raises(sqlite3.OperationalError, match="no such table"),
            once.same_transaction(here, Told().event()),
        ):
            pass
        assert not here.in_transaction
        here.close()
        with pytest.raises(sqlite3.ProgrammingError), once.same_transaction(here, Told().event()):
            pass


def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "receiver.db"
    path.write_text("words" * 1000)
    with closing(sqlite3.connect(path)) as here, pytest.raises(sqlite3.DatabaseError, match="not a database"):
        once.install(here)


def test_many_may_install_at_once(receiver: Receiver) -> None:
    others = [receiver.connect() for _ in range(4)] if not receiver.is_sqlite else []
    with ThreadPoolExecutor(4) as executor:
        for done in [executor.submit(once.install, other) for other in others]:
            done.result(WAITS_FOR_S)
    once.install(receiver.here)
    assert receiver.rows("SELECT version FROM calltally_once_schema") == [(1,)]
