"""Long reads in threads on SQLite: a few idle connections are reused and closed with the store."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from calltally.calls.errors import NotFound
from calltally.store.backends.sqlite.store import SqliteStore
from calltally.store.snapshots.ledger_head import read_ledger_head
from calltally.store.tenants.tenants import add_tenant, new_epoch
from tests.conftest import NOW_US, TENANT


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def store(runner: asyncio.Runner, sqlite_template: Path, tmp_path: Path) -> SqliteStore:
    path = tmp_path / "calltally.db"
    path.write_bytes(sqlite_template.read_bytes())

    async def opened() -> SqliteStore:
        store = SqliteStore(path, lambda: NOW_US)
        await store.write(add_tenant(TENANT, "Acme", NOW_US, new_epoch()))
        return store

    return runner.run(opened())


def test_consecutive_reads_reuse_a_connection_and_see_new_commits(
    runner: asyncio.Runner, store: SqliteStore
) -> None:
    async def read() -> None:
        await store.read(read_ledger_head(TENANT), long=True)
        (idle,) = store._idle_readers
        await store.write(add_tenant("bolt", "Bolt", NOW_US, "epoch-2"))
        assert (await store.read(read_ledger_head("bolt"), long=True)).epoch == "epoch-2"
        assert store._idle_readers == [idle]
        assert not idle.in_transaction
        await store.close()

    runner.run(read())


def test_concurrent_reads_leave_few_connections_and_close_removes_them(
    runner: asyncio.Runner, store: SqliteStore
) -> None:
    async def read() -> list[apsw.Connection]:
        await asyncio.gather(*(store.read(read_ledger_head(TENANT), long=True) for _ in range(40)))
        idle = [*store._idle_readers]
        await store.close()
        return idle

    idle = runner.run(read())
    assert 1 <= len(idle) <= 4
    assert not store._idle_readers
    for connection in idle:
        with pytest.raises(apsw.ConnectionClosedError):
            connection.execute("SELECT 1")


def test_connection_is_not_reused_after_an_error(runner: asyncio.Runner, store: SqliteStore) -> None:
    async def fail() -> None:
        await store.read(read_ledger_head(TENANT), long=True)
        with pytest.raises(NotFound):
            await store.read(read_ledger_head("nobody"), long=True)
        assert store._idle_readers == []
        await store.read(read_ledger_head(TENANT), long=True)
        await store.close()

    runner.run(fail())
