"""Reads in threads, on SQLite: their connections are kept for the next ones, and not for ever."""

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


def test_one_after_the_other_uses_one_connection_and_sees_what_is_new(
    runner: asyncio.Runner, store: SqliteStore
) -> None:
    async def read() -> None:
        await store.read(read_ledger_head(TENANT), long=True)
        (kept,) = store._idle_readers
        await store.write(add_tenant("bolt", "Bolt", NOW_US, "epoch-2"))
        assert (await store.read(read_ledger_head("bolt"), long=True)).epoch == "epoch-2"
        assert store._idle_readers == [kept]
        assert not kept.in_transaction
        await store.close()

    runner.run(read())


def test_many_at_once_leave_few_behind_and_none_when_the_store_is_closed(
    runner: asyncio.Runner, store: SqliteStore
) -> None:
    async def read() -> list[apsw.Connection]:
        await asyncio.gather(*(store.read(read_ledger_head(TENANT), long=True) for _ in range(40)))
        kept = [*store._idle_readers]
        await store.close()
        return kept

    kept = runner.run(read())
    assert 1 <= len(kept) <= 4
    assert not store._idle_readers
    for connection in kept:
        with pytest.raises(apsw.ConnectionClosedError):
            connection.execute("SELECT 1")


def test_a_connection_on_which_something_failed_is_not_used_again(
    runner: asyncio.Runner, store: SqliteStore
) -> None:
    async def fail() -> None:
        await store.read(read_ledger_head(TENANT), long=True)
        with pytest.raises(NotFound):
            await store.read(read_ledger_head("nobody"), long=True)
        assert store._idle_readers == []
        await store.read(read_ledger_head(TENANT), long=True)
        await store.close()

    runner.run(fail())
