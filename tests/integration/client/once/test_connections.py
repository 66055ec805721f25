"""Supported connections, their row factories, and the ledger's tables."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from calltally.calls.errors import Misconfigured
from calltally.client import once
from calltally.client.once import aio, queries
from calltally.reconcile.events import ReceivedEvent, read_events
from tests.integration.client.once.conftest import Receiver
from tests.integration.client.once.sample_events import Crash, SampleState, invoice


class Inherited(sqlite3.Connection):
    """Subclass as tracing wrappers use it."""


class AlwaysOpen(sqlite3.Connection):
    """Connection as with `autocommit=False` in Python 3.12: a transaction is always open."""

    autocommit = False

    def __init__(self, path: Path) -> None:
        super().__init__(path, isolation_level=None)
        self.execute("BEGIN")

    def commit(self) -> None:
        self.execute("COMMIT")
        self.execute("BEGIN")

    def rollback(self) -> None:
        self.execute("ROLLBACK")
        self.execute("BEGIN")


@pytest.fixture
def always_open(tmp_path: Path) -> Iterator[AlwaysOpen]:
    with closing(AlwaysOpen(tmp_path / "receiver.db")) as connection:
        once.install(connection)
        yield connection


def count(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as other:
        (number,) = other.execute(f"SELECT count(*) FROM {table}").fetchone()
        return int(number)


def test_block_commits_an_always_open_transaction(always_open: AlwaysOpen, tmp_path: Path) -> None:
    path = tmp_path / "receiver.db"
    with once.same_transaction(always_open, SampleState().event()) as claim:
        assert claim
    assert count(path, "calltally_once_effects") == 1
    with pytest.raises(Crash), once.same_transaction(always_open, SampleState(call="call-2").event()):
        raise Crash
    assert count(path, "calltally_once_effects") == 1
    with once.at_least_once(always_open, SampleState(call="call-3").event()) as claim:
        assert count(path, "calltally_once_effects") == 2
        once.extend(always_open, claim)
    with pytest.raises(Crash), once.at_least_once(always_open, SampleState(call="call-4").event()):
        raise Crash
    assert [each.progress for each in once.entries(always_open)] == ["done", "done", "failed"]


@pytest.mark.parametrize("row_factory", [sqlite3.Row, lambda cursor, row: {"row": row, "of": cursor}])
def test_any_row_factory_works(tmp_path: Path, row_factory: Callable[..., object]) -> None:
    with closing(sqlite3.connect(tmp_path / "receiver.db", factory=Inherited)) as here:
        here.row_factory = row_factory
        once.install(here)
        for expected in ("run", "repeat"):
            with once.same_transaction(here, SampleState().event()) as claim:
                assert claim.outcome == expected
        assert [each.call_id for each in once.entries(here)] == ["call-1"]


def test_any_row_factory_of_psycopg_works(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, row_factory=dict_row) as here:
        once.install(here)
        for expected in ("run", "repeat"):
            with once.same_transaction(here, SampleState().event()) as claim:
                assert claim.outcome == expected
        assert [each.call_id for each in once.entries(here)] == ["call-1"]


def test_any_row_trace_of_apsw_works(tmp_path: Path) -> None:
    receiver = Receiver("apsw", tmp_path / "receiver.db")
    receiver.here.row_trace = lambda _cursor, row: {"row": row}
    once.install(receiver.here)
    for expected in ("run", "repeat"):
        with once.same_transaction(receiver.here, SampleState().event()) as claim:
            assert claim.outcome == expected
    receiver.close()


class Impostor:
    def cursor(self) -> object:
        return None


def test_other_objects_are_refused() -> None:
    with pytest.raises(
        once.WrongConnection, match=r"Impostor.* is not a connection of sqlite3, apsw or psycopg"
    ):
        once.install(Impostor())
    with (
        closing(sqlite3.connect(":memory:")) as here,
        pytest.raises(once.WrongConnection, match="AsyncConnection"),
    ):
        aio.entries(here)


def test_ledger_of_a_later_version_is_refused(receiver: Receiver) -> None:
    receiver.here.execute("UPDATE calltally_once_schema SET version = 2")
    if receiver.kind in ("sqlite3", "psycopg"):
        receiver.here.commit()
    with pytest.raises(Misconfigured, match="version 2 of a later Calltally"):
        once.install(receiver.here)


def test_schema_file_can_be_run_manually(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "receiver.db")) as here:
        here.executescript(once.SCHEMA.read_text())
        with once.same_transaction(here, SampleState().event()) as claim:
            assert claim
        once.install(here)


def test_long_ledger_is_read_in_pages(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "PAGE_ROWS", 3)
    calls = sorted(f"call-{number}" for number in range(10))
    for call in calls:
        invoice(receiver, SampleState(call=call))
        invoice(receiver, SampleState(call=call))
    assert [each.call_id for each in once.entries(receiver.here)] == calls
    assert [len(each.event_ids) for each in once.entries(receiver.here)] == [2] * 10
    assert [each.call_id for each in once.events(receiver.here)] == [call for call in calls for _ in range(2)]


def test_event_lines_are_readable_by_reconcile(receiver: Receiver, tmp_path: Path) -> None:
    delivered = SampleState().event()
    for event in (
        delivered,
        once.FinalState(tenant="acme", call_id="x", status="busy", event_id="msg_by_hand"),
    ):
        with once.same_transaction(receiver.here, event):
            pass
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"".join(each.line() for each in once.events(receiver.here)))
    with file.open("rb") as lines:
        first, second = read_events(lines, file.name)
    received = {each.event_id: each.received_us for each in once.events(receiver.here)}
    assert isinstance(first, ReceivedEvent)
    assert first == ReceivedEvent(
        index=1,
        id=delivered["id"],
        name="voice.call.completed",
        created_us=1_790_847_000_000_000,
        received_us=received[delivered["id"]],
        tenant="acme",
        call_sid="CA-call-1",
        call_id="call-1",
        status="completed",
        revision=5,
    )
    assert isinstance(second, ReceivedEvent)
    assert second.created_us == second.received_us == received["msg_by_hand"]
