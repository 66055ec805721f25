"""Copies of a whole database: equal rows, lists, feeds and tokens, from each kind of database to each."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import psycopg
import pytest
from msgspec.structs import replace

from calltally.calls.errors import Misconfigured
from calltally.calls.filters import CallFilter
from calltally.calls.list_query import ListQuery
from calltally.cli.db_copy import ProgressReport
from calltally.store.backends.open import check_schema, migrate, open_store, sqlite_path
from calltally.store.backends.schema import COPYING
from calltally.store.backends.sqlite.connection import sole_service
from calltally.store.copy import sqlite_file
from calltally.store.copy.run import CopiedTable, opened_copy
from calltally.store.listing.list_calls import list_calls
from calltally.store.maintenance.erasure import erase_call
from calltally.store.snapshots.change_feed import changes_after
from calltally.store.tenants.api_keys import add_key, digest_of_key, find_key, mint_key
from tests.conftest import NOW_US, TENANT, Bench
from tests.databases import Databases, address
from tests.integration.store.probing import direct, submit, verified
from tests.sample_facts import own

NewUrl: TypeAlias = Callable[[str], str]
KINDS: Final = ("sqlite", "postgres")
DIRECTIONS: Final = [(source, target) for source in KINDS for target in KINDS]
CALLS: Final = 60
WORDS: Final = "Müller booked a table, a table for 2 at St. Pauli."

# Kills itself at the so manieth page that it loads.
KILLED: Final = """
import os, signal, sys
from calltally.store.copy import database, postgres_database, sqlite_file
from calltally.store.copy.run import opened_copy

source, target, left = sys.argv[1], sys.argv[2], int(sys.argv[3])
sqlite_file._PAGE_ROWS, postgres_database._PAGE_BLOCKS = 7, 1
load = database.CopyDatabase.load

def killed(*args):
    global left
    left -= 1
    load(*args)
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

database.CopyDatabase.load = killed
with opened_copy(source, target, lambda step, rows: None) as copy:
    copy.run()
"""


class Observation(NamedTuple):
    """Answers of a database to its clients."""

    pages: list[Any]
    feed: list[bytes]
    position: str
    has_key: bool


@pytest.fixture
def new_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[NewUrl]:
    """Makes URLs of migrated, empty databases of a kind."""
    taken: list[str] = []

    def make(kind: str) -> str:
        if kind == "sqlite":
            path = tmp_path_factory.mktemp("copy") / "calltally.db"
            shutil.copy(sqlite_template, path)
            return f"sqlite:///{path}"
        databases: Databases = request.getfixturevalue("postgres_databases")
        taken.append(databases.take())
        return taken[-1]

    yield make
    for url in taken:
        request.getfixturevalue("postgres_databases").give_back(url)


@pytest.fixture
def empty_postgres(postgres_server: str) -> Iterator[str]:
    """The URL of a database without tables."""
    with psycopg.connect(postgres_server, autocommit=True) as server:
        server.execute("CREATE DATABASE copied TEMPLATE template0")
        yield address(postgres_server, "copied")
        server.execute("DROP DATABASE copied WITH (FORCE)")


def filled(url: str) -> tuple[str, str]:
    """Fill a database with rows of every table. Return a key, and a snapshot before the last calls."""
    with asyncio.Runner() as runner:
        bench = Bench(url, runner)
        try:
            key, snapshot = mint_key(TENANT, ["calls:read"]), ""
            bench.run(bench.store.write(add_key(TENANT, key, "copied", NOW_US)))
            for number in range(CALLS):
                _submit_call(bench, number)
                if number == CALLS // 2:
                    snapshot = bench.run(bench.store.read(list_calls(TENANT, ListQuery()))).snapshot
            assert bench.run(bench.store.write(erase_call(TENANT, "call-3", NOW_US)))
        finally:
            bench.close()
    _fill_every_table(url)
    return key.text, snapshot


def _submit_call(bench: Bench, number: int) -> None:
    stated: dict[str, Any] = {
        "from_number": f"+1415555{number:04}",
        "summary": WORDS,
        "route": ("sales", "help")[number % 2],
    }
    for second, status in enumerate(("ringing", ("ringing", "completed", "failed")[number % 3])):
        submit(bench, own(number * 400 + second, f"call-{number}", status=status, **stated))


def _fill_every_table(url: str) -> None:
    """Add a row to each empty table: an accent, and bytes that are no text."""
    values = {"text": "ö", "blob": b"\x00\xff", "bytea": b"\x00\xff"}
    with direct(url) as db:
        for table, columns in columns_of(url).items():
            if not db(f"SELECT 1 FROM {table} LIMIT 1"):
                row = {name: values.get(kind, 7) for name, kind in columns.items()}
                listed = ", ".join(row)
                db(f"INSERT INTO {table} ({listed}) VALUES ({', '.join('?' * len(row))})", *row.values())


def columns_of(url: str) -> dict[str, dict[str, str]]:
    """Return the stored columns of each table with a tenant, with their types."""
    of_sqlite = """
        SELECT l.name, x.name, lower(x.type) FROM pragma_table_list AS l JOIN pragma_table_xinfo(l.name) AS x
        WHERE l.type = 'table' AND x.hidden = 0 AND x.name <> 'document'
    """
    of_postgres = """
        SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns
        WHERE table_schema = 'public'
    """
    tables: dict[str, dict[str, str]] = {}
    with direct(url) as db:
        for table, column, kind in db(of_sqlite if sqlite_path(url) else of_postgres):
            tables.setdefault(table, {})[column] = kind
    return {table: columns for table, columns in tables.items() if "tenant" in columns}


def rows_of(url: str) -> dict[str, set[tuple[Any, ...]]]:
    """Return all rows of a database; words in the order of a tsvector."""
    every = {}
    with direct(url) as db:
        for table, columns in sorted(columns_of(url).items()):
            words = "array_to_string(tsvector_to_array(words), ' ')" if not sqlite_path(url) else "words"
            listed = ", ".join(words if name == "words" else name for name in sorted(columns))
            rows = db(f"SELECT {listed} FROM {table}")
            every[table] = {tuple(map(_comparable, row)) for row in rows}
            assert len(every[table]) == len(rows)
    return every


def _comparable(value: object) -> object:
    return " ".join(sorted(value.split())) if isinstance(value, str) else value


def copied(source: str, target: str) -> list[CopiedTable]:
    with opened_copy(source, target, lambda _step, _rows: None) as copy:
        return copy.run()


def observed(url: str, key: str, snapshot: str) -> Observation:
    """Read lists as clients do: now, by words, by a number, and as of an earlier snapshot; and the feed."""
    return asyncio.run(_observed(url, key, snapshot))


async def _observed(url: str, key: str, snapshot: str) -> Observation:
    store = open_store(url, lambda: NOW_US)
    try:
        await check_schema(store)
        assert (await verified(store)).findings == []
        filters = (
            CallFilter(),
            CallFilter(q="muller pauli"),
            CallFilter(q="müller"),
            CallFilter(route="sales"),
        )
        queries = [ListQuery(filter=each) for each in (*filters, CallFilter(from_number="+14155550007"))]
        queries += [replace(queries[each], snapshot=snapshot, offset=5) for each in (0, 3)]
        pages = [await store.read(list_calls(TENANT, each)) for each in queries]
        feed = await store.read(changes_after(TENANT, 7, 1_000))
        found = await store.read(find_key(TENANT, digest_of_key(key)))
        return Observation(pages, feed.documents, feed.position, found is not None)
    finally:
        await store.close()


@pytest.mark.parametrize(("source", "target"), DIRECTIONS)
def test_a_copy_answers_as_its_source(new_url: NewUrl, source: str, target: str) -> None:
    source_url, target_url = new_url(source), new_url(target)
    key, snapshot = filled(source_url)
    before = observed(source_url, key, snapshot)
    assert [page.total for page in before.pages][:3] == [CALLS - 1, 0, CALLS - 1]
    assert before.has_key
    tables = copied(source_url, target_url)
    assert rows_of(target_url) == rows_of(source_url)
    assert all(each.rows for each in tables)
    assert observed(target_url, key, snapshot) == before
    assert index_names(target_url) == index_names(new_url(target))


def index_names(url: str) -> list[tuple[Any, ...]]:
    of_postgres = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
    of_sqlite = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'call_words%' ORDER BY 1"
    with direct(url) as db:
        return db(of_sqlite if sqlite_path(url) else of_postgres)


@pytest.mark.parametrize(("source", "target"), [("sqlite", "postgres"), ("postgres", "sqlite")])
def test_a_killed_copy_continues(new_url: NewUrl, source: str, target: str) -> None:
    source_url, target_url = new_url(source), new_url(target)
    key, snapshot = filled(source_url)
    for pages in ("3", "8", "5"):
        program = [sys.executable, "-c", KILLED, source_url, target_url, pages]
        assert subprocess.run(program, check=False).returncode == -9
        with direct(target_url) as db:
            assert db("SELECT version_num FROM alembic_version") == [(COPYING,)]
    unfinished = "it is a copy that is not finished; run the same `calltally db copy` again"
    with pytest.raises(Misconfigured, match=unfinished):
        observed(target_url, key, snapshot)
    with pytest.raises(Misconfigured, match=unfinished):
        migrate(target_url)
    copied(source_url, target_url)
    assert rows_of(target_url) == rows_of(source_url)
    assert observed(target_url, key, snapshot) == observed(source_url, key, snapshot)


@pytest.mark.parametrize(("source", "target"), [("sqlite", "postgres"), ("postgres", "sqlite")])
def test_writes_between_two_runs_are_copied_too(new_url: NewUrl, source: str, target: str) -> None:
    source_url, target_url = new_url(source), new_url(target)
    filled(source_url)
    assert (
        subprocess.run([sys.executable, "-c", KILLED, source_url, target_url, "20"], check=False).returncode
        == -9
    )
    with direct(source_url) as db:
        db("UPDATE api_keys SET last_used_us = 11")
        db("DELETE FROM call_texts WHERE valid_from < 20")
    copied(source_url, target_url)
    assert rows_of(target_url) == rows_of(source_url)


def test_a_target_without_tables_gets_them(new_url: NewUrl, empty_postgres: str, tmp_path: Path) -> None:
    source_url = new_url("sqlite")
    filled(source_url)
    copied(source_url, empty_postgres)
    back = f"sqlite:///{tmp_path}/new/calltally.db"
    copied(empty_postgres, back)
    assert rows_of(back) == rows_of(source_url)
    assert (tmp_path / "new/calltally.db").stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_copied_is_refused(new_url: NewUrl, tmp_path: Path) -> None:
    source_url, target_url = new_url("sqlite"), new_url("sqlite")
    filled(source_url)
    filled(target_url)
    for source, target, reason in (
        (source_url, source_url, "the same database"),
        (source_url, target_url, "the target has rows in alert_changes, alert_notices"),
        (f"sqlite:///{tmp_path}/none.db", target_url, "there is no database at"),
        ("mysql://x", target_url, "has to begin with sqlite:/// or postgresql://"),
    ):
        with pytest.raises(Misconfigured, match=reason):
            copied(source, target)
    for url, side in ((target_url, "target"), (source_url, "source")):
        for version, reason in (("0022", "is at version 0022, this code needs"), (COPYING, "")):
            with direct(url) as db:
                db("UPDATE alembic_version SET version_num = ?", version)
            if version != COPYING or side == "source":
                with pytest.raises(Misconfigured, match=reason or "is itself a copy that is not finished"):
                    copied(source_url, new_url("sqlite") if side == "source" else url)
    with direct(new := new_url("sqlite")) as db:
        db("CREATE TABLE other (tenant TEXT)")
    with pytest.raises(Misconfigured, match="different tables or columns"):
        copied(new, new_url("sqlite"))


def test_a_source_in_use_is_refused(new_url: NewUrl) -> None:
    source_url, target_url = new_url("sqlite"), new_url("postgres")
    path = sqlite_path(source_url)
    with sole_service(path), pytest.raises(Misconfigured, match="another `calltally serve`"):
        copied(source_url, target_url)
    with asyncio.Runner() as runner:
        bench = Bench(target_url, runner)
        with pytest.raises(Misconfigured, match=r"connections of Calltally use .* Stop its servers"):
            copied(target_url, source_url)
        bench.close()


def test_no_two_copies_use_one_database(new_url: NewUrl) -> None:
    source_url, target_url = new_url("sqlite"), new_url("postgres")
    with (
        opened_copy(source_url, target_url, lambda _step, _rows: None),
        pytest.raises(Misconfigured, match="another `calltally db copy` uses"),
    ):
        copied(target_url, new_url("sqlite"))


def test_no_write_slips_into_a_copy(new_url: NewUrl) -> None:
    """While rows are read, a writer of the source waits and gives up."""
    source_url = new_url("postgres")
    filled(source_url)
    refused: list[str] = []

    def report(_step: str, _rows: int) -> None:
        if not refused:
            with psycopg.connect(source_url) as other:
                other.execute("SET lock_timeout = '10ms'")
                with pytest.raises(psycopg.errors.LockNotAvailable) as fault:
                    other.execute("UPDATE tenants SET name = name")
                refused.append(str(fault.value))

    with opened_copy(source_url, new_url("sqlite"), report) as copy:
        copy.run()
    assert refused


def test_rows_that_do_not_arrive_are_found(new_url: NewUrl, monkeypatch: pytest.MonkeyPatch) -> None:
    source_url, target_url = new_url("sqlite"), new_url("sqlite")
    filled(source_url)
    insert = sqlite_file.SqliteCopy.insert
    monkeypatch.setattr(
        sqlite_file.SqliteCopy, "insert", lambda self, table, rows: insert(self, table, rows[1:])
    )
    with pytest.raises(Exception, match="the target stores other rows in alert_changes"):
        copied(source_url, target_url)


def test_progress_is_printed_every_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = iter((0, 9, 10, 11, 20))
    progress = ProgressReport(lambda: next(seconds) * 1_000_000)
    for rows in range(1_000, 5_000, 1_000):
        progress.report("copied facts", rows)
    assert capsys.readouterr().err == "copied facts: 2,000 rows\ncopied facts: 4,000 rows\n"
