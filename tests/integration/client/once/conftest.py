"""Ledgers of effects in new databases, with each supported driver and mode."""

import itertools
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from calltally.client import once

_numbers = itertools.count()


def sqlite_connection(path: Path, *, autocommit: bool = False) -> sqlite3.Connection:
    # Syncing protects only against power cuts, and takes most of the time of a test.
    connection = sqlite3.connect(path, timeout=20, isolation_level=None if autocommit else "DEFERRED")
    connection.execute("PRAGMA synchronous = off")
    return connection


def apsw_connection(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(20_000)
    connection.execute("PRAGMA synchronous = off")
    return connection


OPENERS: dict[str, Callable[[Any], Any]] = {
    "sqlite3": sqlite_connection,
    "sqlite3-autocommit": lambda path: sqlite_connection(path, autocommit=True),
    "apsw": apsw_connection,
    "psycopg": psycopg.connect,
    "psycopg-autocommit": lambda url: psycopg.connect(url, autocommit=True),
}
SQLITE = ["sqlite3", "sqlite3-autocommit", "apsw"]


class Receiver:
    """Database of a consumer. Each connection represents one of its processes."""

    def __init__(self, kind: str, address: Any) -> None:  # noqa: ANN401 (a path or a URL)
        self.kind = kind
        self.address = address
        self._opened: list[Any] = []
        self.here = self.connect()

    @property
    def is_sqlite(self) -> bool:
        return self.kind in SQLITE

    def connect(self, kind: str | None = None) -> Any:  # noqa: ANN401 (five drivers and modes that share no type)
        self._opened.append(OPENERS[kind or self.kind](self.address))
        return self._opened[-1]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return rows over another connection, which sees only committed data."""
        with closing(OPENERS[self.kind](self.address)) as other:
            rows: list[tuple[Any, ...]] = other.execute(sql).fetchall()
            return rows

    def close(self) -> None:
        for connection in self._opened:
            connection.close()


def postgres_address(server: str) -> str:
    """Create a schema and return its address: cheaper than a database."""
    name = f"once_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA "{name}"')
    return make_conninfo(server, options=f"-c search_path={name}")


def new_address(kind: str, request: pytest.FixtureRequest) -> Any:  # noqa: ANN401 (a path or a URL)
    if kind in SQLITE:
        folder: Path = request.getfixturevalue("tmp_path")
        return folder / "receiver.db"
    return postgres_address(request.getfixturevalue("postgres_server"))


@pytest.fixture(params=list(OPENERS))
def receiver(request: pytest.FixtureRequest) -> Iterator[Receiver]:
    """Receiver with a ledger, and a table `invoices (call_id, words)` for effects."""
    with closing(Receiver(request.param, new_address(request.param, request))) as made:
        once.install(made.here)
        made.here.execute("CREATE TABLE invoices (call_id TEXT, words TEXT)")
        if request.param == "psycopg":
            made.here.commit()
        yield made


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    return postgres_address(postgres_server)
