"""Schema support: code runs on its own schema, and on later ones that support it."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import psycopg
import pytest

from calltally.calls.errors import Misconfigured
from calltally.store.backends.open import check_schema, migrate
from calltally.store.backends.schema import HEAD
from tests.conftest import Bench
from tests.integration.store.probing import Direct, direct
from tests.integration.web.service import Service, slug

LATER = f"{int(HEAD) + 1:04}"
BEFORE = f"{int(HEAD) - 1:04}"
# The schema of the last release: one release may bring several.
RELEASED = "0003"
MIGRATES_WITHIN_S = 60


def put(bench: Bench, version: str, oldest: str) -> None:
    """Set the database to a schema that supports code from `oldest` on."""
    with direct(bench.url) as db:
        db("UPDATE alembic_version SET version_num = ?", version)
        db("UPDATE schema_support SET oldest = ?", oldest)


@pytest.mark.parametrize(("version", "oldest"), [(HEAD, HEAD), (LATER, HEAD), (LATER, BEFORE)])
def test_code_runs_on_its_schema_and_on_later_ones_that_support_it(
    bench: Bench, version: str, oldest: str
) -> None:
    put(bench, version, oldest)
    bench.run(check_schema(bench.store))
    assert Service(bench).get("/readyz", {}).status_code == 200


@pytest.mark.parametrize(
    ("version", "oldest", "expected"),
    [
        (
            LATER,
            LATER,
            f"the schema is at version {LATER}, later than {HEAD} of this code; upgrade Calltally",
        ),
        (
            BEFORE,
            BEFORE,
            f"the schema is at version {BEFORE}, this code needs {HEAD}; run `calltally migrate`",
        ),
    ],
)
def test_message_names_the_remedy_for_an_unsupported_schema(
    bench: Bench, version: str, oldest: str, expected: str
) -> None:
    put(bench, version, oldest)
    with pytest.raises(Misconfigured, match=expected):
        bench.run(check_schema(bench.store))
    answer = Service(bench).get("/readyz", {})
    assert (answer.status_code, slug(answer)) == (503, "unavailable")


def test_later_schema_without_support_is_refused(bench: Bench) -> None:
    put(bench, LATER, HEAD)
    with direct(bench.url) as db:
        db("DELETE FROM schema_support")
    with pytest.raises(Misconfigured, match="later than"):
        bench.run(check_schema(bench.store))


def test_unfinished_schema_requires_migration(bench: Bench) -> None:
    with direct(bench.url) as db:
        db("DELETE FROM alembic_version")
    with pytest.raises(Misconfigured, match="at version none, this code needs"):
        bench.run(check_schema(bench.store))


def test_schema_supports_the_previous_release(bench: Bench) -> None:
    with direct(bench.url) as db:
        assert db("SELECT oldest FROM schema_support") == [(RELEASED,)]


def test_migration_of_a_later_schema_is_refused_in_one_line(bench: Bench) -> None:
    put(bench, LATER, HEAD)
    with pytest.raises(Misconfigured, match="could not be migrated: its schema belongs to a later version"):
        migrate(bench.url)


# ----------------------------------------------------------------------------------------------------- locks

# The last migration that locks readers out of tables starts from here.
_BEFORE = "import sys, calltally.store.backends.migrate as m; m.upgrade(sys.stdin.read(), '0001')"
_SOON = "import calltally.store.backends.migrate as m; m._LOCK_TIMEOUT_S = m._BUSY_S = 1; m.main()"


def run(code: str, url: str) -> "subprocess.CompletedProcess[str]":
    """Run code of the migrations in a subprocess."""
    return subprocess.run(
        [sys.executable, "-c", code], input=url, text=True, capture_output=True, check=False
    )


async def migrate_concurrently(url: str) -> "subprocess.CompletedProcess[str]":
    """Migrate, but wait at most a second for locks."""
    return await asyncio.to_thread(run, _SOON, url)


def test_migration_gives_up_waiting_for_a_writer_with_a_message(bench: Bench) -> None:
    is_sqlite = bench.store.dialect == "sqlite"
    with direct(bench.url) as db:
        db("BEGIN IMMEDIATE" if is_sqlite else "BEGIN")
        db("UPDATE ledger_heads SET revision = revision")
        done = bench.run(migrate_concurrently(bench.url))
        db("ROLLBACK")
    assert done.returncode == 1
    assert "for more than 1 s; nothing was changed" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert bench.run(migrate_concurrently(bench.url)).returncode == 0


@pytest.fixture
def old_url(postgres_server: str) -> Iterator[str]:
    """A PostgreSQL database at the schema before a migration that locks tables."""
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE before_head")
        url = urlsplit(postgres_server)._replace(path="/before_head").geturl()
        assert run(_BEFORE, url).returncode == 0
        yield url
        connection.execute("DROP DATABASE before_head WITH (FORCE)")


def wait_for_migration(db: Direct) -> None:
    """Wait until the migration waits for a table with a reader."""
    waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
    deadline = time.monotonic() + MIGRATES_WITHIN_S
    while db(waits) == [(0,)]:
        assert time.monotonic() < deadline
        db("SELECT pg_sleep(0.01)")


def test_migration_releases_locks_for_a_reader_that_needs_another_table(old_url: str) -> None:
    """If each held a table that the other waits for, PostgreSQL would abort one of them."""
    with ThreadPoolExecutor(1) as pool, direct(old_url) as reader, direct(old_url) as watcher:
        reader("SET deadlock_timeout = '5s'")
        reader("BEGIN")
        reader("SELECT count(*) FROM call_versions")
        migrating = pool.submit(run, "import calltally.store.backends.migrate as m; m.main()", old_url)
        wait_for_migration(watcher)
        assert reader("SELECT count(*) FROM facts") == [(0,)]
        reader("COMMIT")
        done = migrating.result(MIGRATES_WITHIN_S)
        assert (done.returncode, done.stderr) == (0, "")
        assert watcher("SELECT version_num FROM alembic_version") == [(HEAD,)]
