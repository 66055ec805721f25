"""A database file that is removed or replaced: nothing more is acknowledged, since it would be lost."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from calltally.calls.errors import NothingCommitted, Unavailable
from calltally.calls.times import SECOND_US
from calltally.store.backends.sqlite.store import SqliteStore
from calltally.store.backends.write_readiness import check_writer
from calltally.store.tenants.tenants import add_tenant
from tests.conftest import NOW_US


def remove(path: Path) -> None:
    path.rename(path.with_suffix(".away"))


def replace(path: Path) -> None:
    content = path.read_bytes()
    remove(path)
    path.write_bytes(content)


@pytest.mark.parametrize("change", [remove, replace])
def test_writes_fail_until_the_file_is_back(
    sqlite_template: Path, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    path = tmp_path / "calltally.db"
    path.write_bytes(sqlite_template.read_bytes())
    now_us = NOW_US

    async def work() -> None:
        nonlocal now_us
        store = SqliteStore(path, lambda: now_us)
        await store.write(add_tenant("acme", "acme", NOW_US, "epoch"))
        change(path)
        with pytest.raises(Unavailable, match="removed or replaced"):
            await store.write(add_tenant("globex", "globex", NOW_US, "epoch"))
        now_us += 6 * SECOND_US
        with pytest.raises(NothingCommitted):
            await check_writer(store)
        path.with_suffix(".away").rename(path)
        await check_writer(store)
        await store.write(add_tenant("globex", "globex", NOW_US, "epoch"))
        await store.close()

    asyncio.run(work())
