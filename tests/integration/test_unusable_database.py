"""A database that cannot be used is told in words, and a new one is for its owner alone."""

import asyncio
from pathlib import Path

import apsw
import pytest

from calltally.calls.errors import DamagedStore, Misconfigured
from calltally.store.backends.open import check_schema, migrate, open_store


def check(url: str) -> None:
    """Open a store and ask it for its schema."""

    async def work() -> None:
        store = open_store(url, lambda: 0)
        try:
            await check_schema(store)
        finally:
            await store.close()

    asyncio.run(work())


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "junk.db"
    path.write_text("junk" * 1_000)
    with pytest.raises(Misconfigured, match="not an SQLite database"):
        check(f"sqlite:///{path}")


def test_a_damaged_database(sqlite_template: Path, tmp_path: Path) -> None:
    path = tmp_path / "damaged.db"
    content = bytearray(sqlite_template.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises((DamagedStore, Misconfigured)):
        check(f"sqlite:///{path}")


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Misconfigured, match="cannot be created"):
        migrate(f"sqlite:///{tmp_path / 'file' / 'calltally.db'}")


def test_a_new_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "calltally.db"
    migrate(f"sqlite:///{path}")
    assert path.stat().st_mode & 0o777 == 0o600
    connection = apsw.Connection(str(path))
    assert connection.execute("SELECT version_num FROM alembic_version").fetchall()
    connection.close()
