"""Memory mapping of the SQLite file by the reader: it follows growth and VACUUM."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from calltally.store.backends.sqlite.connection import connect
from calltally.store.backends.sqlite.store import SqliteStore
from calltally.store.snapshots.ledger_head import read_ledger_head
from calltally.store.tenants.tenants import add_tenant, admin_list_tenants
from tests.conftest import NOW_US, TENANT

_MANY = 1_000


@pytest.fixture
def path(sqlite_template: Path, tmp_path: Path) -> Path:
    path = tmp_path / "calltally.db"
    path.write_bytes(sqlite_template.read_bytes())
    return path


@pytest.fixture
def other_connection(path: Path) -> Iterator[apsw.Connection]:
    """Connection of an operator's tool, beside that of the store."""
    connection = connect(path)
    yield connection
    connection.close()


def test_only_the_reader_of_short_operations_maps_the_file(path: Path) -> None:
    async def read() -> list[int]:
        store = SqliteStore(path, lambda: NOW_US)
        await store.read(admin_list_tenants(), long=True)
        sizes = [
            each.pragma("mmap_size")
            for each in (store._reader, store._write_connection, *store._idle_readers)
        ]
        await store.close()
        return sizes

    reader, *others = asyncio.run(read())
    assert reader > 1 << 35
    assert others == [0, 0]


def test_file_is_read_correctly_after_growth_and_truncation(
    path: Path, other_connection: apsw.Connection
) -> None:
    def size() -> int:
        other_connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        return path.stat().st_size

    async def read() -> None:
        store = SqliteStore(path, lambda: NOW_US)
        await store.write(add_tenant(TENANT, "Acme", NOW_US, "epoch"))
        await store.read(read_ledger_head(TENANT))
        other_connection.execute("VACUUM")
        small = size()
        with other_connection:
            other_connection.executemany(
                "INSERT INTO tenants (tenant, name, created_us) VALUES (?, ?, 1)",
                ((f"tenant-{number}", "x" * 1_000) for number in range(_MANY)),
            )
        grown = size()
        assert len(await store.read(admin_list_tenants())) == _MANY + 1
        other_connection.execute("DELETE FROM tenants WHERE tenant <> ?", (TENANT,))
        other_connection.execute("VACUUM")
        assert small <= size() < grown
        assert [each.tenant for each in await store.read(admin_list_tenants())] == [TENANT]
        assert (await store.read(read_ledger_head(TENANT))).epoch == "epoch"
        await store.close()

    asyncio.run(read())
