"""Migrations produce the schema of their files, once, also when several run at once."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

import calltally
from calltally.calls.errors import Misconfigured
from calltally.store.backends.migrate import statements_of
from calltally.store.backends.open import migrate, sqlite_path
from calltally.store.backends.schema import HEAD
from tests.integration.store.probing import Direct, direct

VERSIONS = Path(calltally.__file__).parent / "store" / "migrations" / "versions"
# All that a migration may do: nodes of the release before go on reading and writing on the new schema. A
# column has a default or may be null, since their INSERT does not name it. An index may be replaced under its
# name, since a statement names it and not its columns.
ADDITIVE = re.compile(
    r"CREATE (VIRTUAL )?TABLE |CREATE (UNIQUE )?INDEX |CREATE TRIGGER |INSERT INTO |UPDATE |LOCK TABLE "
    r"|ALTER TABLE \w+( ADD COLUMN (?!\w+ [^,]*NOT NULL(?! DEFAULT))[^,]+(,|$))+"
    r"|ALTER TABLE \w+ SET \("
)
AT_ONCE = 4
_numbers = count()

Shape = list[tuple[Any, ...]]


@pytest.fixture(params=["sqlite", "postgres"])
def empty_databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[str]]:
    """URLs of two databases without tables; the SQLite files do not exist yet."""
    if request.param == "sqlite":
        yield [f"sqlite:///{tmp_path / 'new' / name}" for name in ("one.db", "other.db")]
        return
    server: str = request.getfixturevalue("postgres_server")
    names = [f"empty_{next(_numbers)}" for _ in range(2)]
    with psycopg.connect(server, autocommit=True) as connection:
        for name in names:
            connection.execute(f'CREATE DATABASE "{name}"')
        yield [urlsplit(server)._replace(path=f"/{name}").geturl() for name in names]
        for name in names:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def shape(url: str) -> Shape:
    """Return every table, column, default, key and index, except those of the migrations."""
    with direct(url) as db:
        return _sqlite_shape(db) if sqlite_path(url) else _postgres_shape(db)


def _sqlite_shape(db: Direct) -> Shape:
    rows = db("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE tbl_name <> 'alembic_version'")
    return sorted((*names, " ".join((sql or "").split())) for *names, sql in rows)


def _postgres_shape(db: Direct) -> Shape:
    columns = db(
        "SELECT table_name, ordinal_position, column_name, data_type, collation_name, is_nullable,"
        " column_default FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
    )
    indexes = db(
        "SELECT tablename, indexname, indexdef FROM pg_indexes"
        " WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
    )
    storage = db(
        "SELECT relname, reloptions FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'alembic_version'"
    )
    return sorted(columns) + sorted(indexes) + sorted(storage)


def run_files(url: str) -> None:
    """Apply the files of all versions without a migration tool."""
    path = sqlite_path(url)
    dialect = "sqlite" if path else "postgres"
    if path:
        path.touch()
    with direct(url) as db:
        for file in sorted(VERSIONS.glob(f"*.{dialect}.sql")):
            for statement in re.sub(r"--[^\n]*", "", file.read_text(encoding="utf-8")).split(";\n"):
                # LOCK changes no schema and requires a transaction.
                if statement.strip() and not statement.lstrip().startswith("LOCK TABLE"):
                    db(statement)


def version(url: str) -> list[tuple[Any, ...]]:
    with direct(url) as db:
        return db("SELECT version_num FROM alembic_version")


def test_migrated_schema_equals_the_files_and_migration_is_idempotent(empty_databases: list[str]) -> None:
    migrated, written = empty_databases
    migrate(migrated)
    run_files(written)
    assert shape(migrated) == shape(written) != []
    assert version(migrated) == [(HEAD,)]
    with direct(migrated) as db:
        db("INSERT INTO tenants (tenant, name, created_us) VALUES ('acme', 'Acme', 0)")
    migrate(migrated)
    assert shape(migrated) == shape(written)
    assert version(migrated) == [(HEAD,)]
    with direct(migrated) as db:
        assert db("SELECT tenant FROM tenants") == [("acme",)]


@pytest.mark.parametrize("file", sorted(VERSIONS.glob("*.sql")), ids=lambda file: file.name)
def test_migration_only_adds(file: Path) -> None:
    statements = [" ".join(each.split()) for each in statements_of(file.read_text(encoding="utf-8"))]
    assert statements
    assert not_added(statements) == []


def not_added(statements: list[str]) -> list[str]:
    """Return the statements that take something away."""
    made = {each.split()[2] for each in statements if each.startswith("CREATE INDEX ")}
    replaced = {f"DROP INDEX {name}" for name in made}
    return [each for each in statements if each not in replaced and not ADDITIVE.match(each)]


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE calls",
        "ALTER TABLE calls DROP COLUMN route",
        "ALTER TABLE calls RENAME COLUMN route TO path",
        "ALTER TABLE calls ALTER COLUMN route SET NOT NULL",
        "ALTER TABLE calls ADD COLUMN mark TEXT NOT NULL",
        "DELETE FROM calls",
        "DROP INDEX calls_from",
    ],
)
def test_statement_that_breaks_the_release_before_is_noticed(statement: str) -> None:
    other = "CREATE INDEX calls_from_ending ON calls (tenant)"
    assert not_added([statement, other]) == [statement]


def test_concurrent_migrations_all_succeed(empty_databases: list[str]) -> None:
    url, _ = empty_databases
    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert list(pool.map(migrate, [url] * AT_ONCE)) == [None] * AT_ONCE
    assert version(url) == [(HEAD,)]


def test_failed_migration_leaves_nothing(empty_databases: list[str]) -> None:
    """A conflicting table makes the migration fail; no table created before it may stay."""
    url, _ = empty_databases
    if path := sqlite_path(url):
        path.parent.mkdir()
        path.touch()
    with direct(url) as db:
        db("CREATE TABLE outbox (tenant TEXT)")
    before = shape(url)
    with pytest.raises(Misconfigured, match=r"could not be migrated: .*outbox"):
        migrate(url)
    assert shape(url) == before


def test_missing_database_is_reported_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="could not be migrated") as caught:
        migrate(f"postgresql:///postgres?host={tmp_path}")
    assert "\n" not in caught.value.detail


def test_database_of_another_encoding_is_refused_with_what_to_do(postgres_server: str) -> None:
    name = f"ascii_{next(_numbers)}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
        try:
            with pytest.raises(Misconfigured, match=r"encoding is SQL_ASCII.*ENCODING 'UTF8'"):
                migrate(urlsplit(postgres_server)._replace(path=f"/{name}").geturl())
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
