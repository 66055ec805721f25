"""Checkpoints of SQLite: the file alone has all facts, and no error ends the checkpoints."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

import apsw
import pytest
from structlog.testing import capture_logs

from calltally.calls.errors import Unavailable
from calltally.store.backends.sqlite import checkpoints
from calltally.store.backends.sqlite.checkpoints import Checkpointer
from calltally.store.backends.sqlite.connection import connect
from calltally.store.backends.sqlite.store import SqliteStore
from calltally.store.tenants.tenants import add_tenant
from tests.conftest import NOW_US

HAPPENS_WITHIN_S = 30


@pytest.fixture
def path(sqlite_template: Path, tmp_path: Path) -> Path:
    path = tmp_path / "calltally.db"
    path.write_bytes(sqlite_template.read_bytes())
    return path


@pytest.fixture
def other_connection(path: Path) -> Iterator[apsw.Connection]:
    """Connection of another process, so that the store does not close the last one."""
    with closing(connect(path)) as connection:
        yield connection


def wal(path: Path) -> int:
    return path.with_name("calltally.db-wal").stat().st_size


def tenants_of_copy(path: Path) -> list[str]:
    """Return the tenants in a copy of the database file alone."""
    copy = Path(shutil.copy(path, path.with_name("copy.db")))
    with closing(apsw.Connection(str(copy))) as connection:
        found = [tenant for (tenant,) in connection.execute("SELECT tenant FROM tenants ORDER BY tenant")]
    for each in path.parent.glob("copy.db*"):
        each.unlink()
    return found


async def store_tenant(store: SqliteStore, tenant: str) -> None:
    await store.write(add_tenant(tenant, tenant, NOW_US, "epoch"))


async def store_tenants(store: SqliteStore, many: int) -> None:
    for number in range(many):
        await store_tenant(store, f"tenant-{number}")


@pytest.fixture
def emptied(monkeypatch: pytest.MonkeyPatch) -> Event:
    """Event that is set each time the WAL is emptied."""
    event, empty = Event(), Checkpointer._empty

    def report(self: Checkpointer, connection: apsw.Connection) -> None:
        empty(self, connection)
        event.set()

    monkeypatch.setattr(Checkpointer, "_empty", report)
    return event


def test_file_alone_is_complete_after_an_idle_minute(
    path: Path, other_connection: apsw.Connection, emptied: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "_IDLE_S", 0.01)

    async def record() -> None:
        store = SqliteStore(path, lambda: NOW_US)
        await store_tenant(store, "acme")
        # Another process writes: the store notices only its own commits.
        await asyncio.to_thread(other_connection.execute, "UPDATE tenants SET name = 'Acme'")
        assert await asyncio.to_thread(emptied.wait, HAPPENS_WITHIN_S)
        assert tenants_of_copy(path) == ["acme"]
        await store.close()

    asyncio.run(record())


def test_file_alone_is_complete_after_a_clean_stop(path: Path, other_connection: apsw.Connection) -> None:
    async def record() -> None:
        store = SqliteStore(path, lambda: NOW_US)
        await store_tenant(store, "acme")
        await store.close()

    asyncio.run(record())
    assert wal(path) == 0
    assert tenants_of_copy(path) == ["acme"]
    assert other_connection.execute("SELECT count(*) FROM tenants").get == 1


class Failing:
    """Connection on which the first checkpoints fail."""

    def __init__(self, connection: apsw.Connection, faults: list[Exception], done: Event) -> None:
        self._connection = connection
        self._faults = faults
        self._done = done

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (as the connection has it)
        return getattr(self._connection, name)

    def wal_checkpoint(self, *, mode: int) -> tuple[int, int]:
        if self._faults:
            raise self._faults.pop(0)
        copied = self._connection.wal_checkpoint(mode=mode)
        self._done.set()
        return copied


def failing(faults: list[Exception], done: Event) -> Callable[[Path], Any]:
    return lambda path: Failing(connect(path), faults, done)


@pytest.mark.parametrize("fault", [apsw.FullError("full"), apsw.IOError("i/o"), OSError("too many files")])
def test_thread_survives_a_failing_checkpoint(
    path: Path, fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, faults = Event(), [fault] * 9
    monkeypatch.setattr(checkpoints, "connect", failing(faults, done))
    monkeypatch.setattr(checkpoints, "_CHECKPOINT_PAGES", 0)
    # The writer never runs a checkpoint.
    monkeypatch.setattr(checkpoints, "_LAST_PAGES", 0)

    async def record() -> None:
        store = SqliteStore(path, lambda: NOW_US)
        for number in range(1_000):
            await store_tenant(store, f"tenant-{number}")
            if done.is_set():
                break
        assert await asyncio.to_thread(done.wait, HAPPENS_WITHIN_S)
        await store.close()

    with capture_logs() as logs:
        asyncio.run(record())
    assert faults == []
    failed = [line for line in logs if line["event"].startswith("a checkpoint of the database failed")]
    assert [line["reason"] for line in failed] == [str(fault)]


def test_commit_is_durable_although_its_checkpoint_fails(path: Path) -> None:
    async def record() -> None:
        store = SqliteStore(path, lambda: NOW_US)
        faults: list[Exception] = [apsw.FullError("full")]
        store._checkpointer._write_connection = Failing(store._write_connection, faults, Event())  # type: ignore[assignment]
        store._checkpointer._nearly_done = True
        await store_tenant(store, "acme")
        assert faults == []
        await store.close()

    asyncio.run(record())
    assert tenants_of_copy(path) == ["acme"]


def test_full_disk_empties_the_wal(path: Path, emptied: Event) -> None:
    async def record() -> None:
        store = SqliteStore(path, lambda: NOW_US)
        await store_tenant(store, "acme")
        assert wal(path) > 0
        store._write_connection.pragma("max_page_count", store._write_connection.pragma("page_count"))
        with pytest.raises(Unavailable, match="full"):
            await store_tenants(store, 1_000)
        assert await asyncio.to_thread(emptied.wait, HAPPENS_WITHIN_S)
        assert wal(path) == 0
        await store.close()

    asyncio.run(record())
