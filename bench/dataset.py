"""A database of so many calls, loaded once through the ledger and kept for the next run."""

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec

from bench.live import TOKEN
from bench.timing import wall_us
from bench.traffic import BIG, TENANTS, VERSION, history, listed_fact, routes_of
from calltally.bootstrap.vaults import open_vault
from calltally.calls.fold import FOLD_VERSION
from calltally.settings.fields import Settings
from calltally.store import migrations
from calltally.store.backends.open import migrate, open_store
from calltally.store.backends.sqlite.connection import connect
from calltally.store.db.interface import Store, Submission
from calltally.store.tenants.api_keys import add_key, mint_key
from calltally.store.tenants.routes import put_route
from calltally.store.tenants.tenants import add_tenant
from calltally.store.tenants.vault import put_provider_secrets

SEED: Final = 20_261_124
FILE: Final = "calltally.db"
_NOTE: Final = "loaded.json"
_BATCH: Final = 2_000
_CHUNK_BYTES: Final = 8 * 1024 * 1024
_MAX_RUNNING: Final = 3


class Dataset(msgspec.Struct, frozen=True):
    """A loaded database: its size, the big tenant's key, and how fast it was loaded."""

    url: str
    folder: str
    calls: int
    key: str
    facts_per_s: float

    @property
    def path(self) -> Path:
        """The file, where it is SQLite."""
        return Path(self.folder) / FILE


def schema_mark() -> str:
    """Return a key that changes when a loaded database is out of date."""
    folder = Path(migrations.__file__).parent / "versions"
    digest = sha256(f"{VERSION} {FOLD_VERSION} {SEED}".encode())
    for file in sorted(folder.glob("*.sql")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


async def sqlite_dataset(root: Path, calls: int) -> Dataset:
    """The SQLite database of `calls` calls below `root`, loaded if it is not there."""
    folder = root / f"{calls}-{schema_mark()}"
    note = folder / _NOTE
    if note.exists():
        return msgspec.json.decode(note.read_bytes(), type=Dataset)
    shutil.rmtree(folder, ignore_errors=True)
    made = await load_calls(f"sqlite:///{folder / FILE}", folder, calls)
    note.write_bytes(msgspec.json.encode(made))
    return made


async def load_calls(url: str, folder: Path, calls: int) -> Dataset:
    """Migrate `url` and bring the calls in by the ledger, in large requests, one fact a call."""
    await asyncio.to_thread(migrate, url)
    store = open_store(url, wall_us)
    try:
        key = await add_tenants(store, folder)
        started = time.perf_counter()
        await _submit_all(store, calls)
        seconds = time.perf_counter() - started
    finally:
        await store.close()
    return Dataset(url, str(folder), calls, key, calls / seconds)


async def add_tenants(store: Store, folder: Path) -> str:
    """All tenants with their routes and secrets; returns a key that reads the big one's calls."""
    vault = open_vault(_settings(folder))
    for tenant in TENANTS:
        await store.write(add_tenant(tenant, tenant, wall_us(), f"epoch-of-{tenant}"))
        for route in routes_of(tenant):
            await store.write(put_route(tenant, route, wall_us()))
        sealed = vault.seal(tenant, "twilio", {"auth_token": TOKEN})
        await store.write(put_provider_secrets(tenant, "twilio", sealed, wall_us()))
    key = mint_key(BIG, ["calls:read"])
    await store.write(add_key(BIG, key, "benchmark", wall_us()))
    return key.text


def _settings(folder: Path) -> Settings:
    given: dict[str, Any] = {"database_url": f"sqlite:///{folder / FILE}"}
    return Settings(**given)


async def _submit_all(store: Store, calls: int) -> None:
    submissions = (
        Submission(made.tenant, listed_fact(made), announce=False) for made in history(calls, SEED)
    )
    running: set[asyncio.Task[object]] = set()
    for done, batch in enumerate(_batches(submissions)):
        if len(running) == _MAX_RUNNING:
            finished, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in finished:
                await task
        running.add(asyncio.create_task(store.submit(batch)))
        _print_progress(done * _BATCH, calls)
    await asyncio.gather(*running)


def _batches(submissions: Iterator[Submission]) -> Iterator[list[Submission]]:
    while batch := list(islice(submissions, _BATCH)):
        yield batch


def _print_progress(done: int, calls: int) -> None:
    if done and done % (25 * _BATCH) == 0:
        print(f"  loaded {done:,} of {calls:,} calls", file=sys.stderr)


def copy_of(dataset: Dataset, folder: Path) -> Dataset:
    """A copy to write to, with what the service needs beside it."""
    folder.mkdir(parents=True)
    for name in (FILE, "secret.key"):
        _copy(dataset.path.with_name(name), folder / name)
    url = f"sqlite:///{folder / FILE}"
    return msgspec.structs.replace(dataset, url=url, folder=str(folder))


def read_through(path: Path) -> None:
    """Have it in the system's memory: a page is compared with another page, not with the disk."""
    with path.open("rb", buffering=0) as file:
        while file.read(_CHUNK_BYTES):
            pass


def read_indexes(path: Path) -> None:
    """Have them in the system's memory, as it has them where the service has run for a while.

    Each new call touches a page of its own in most of them; the rows of old calls nobody asks for.
    """
    connection = connect(path)
    for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'index'").fetchall():
        connection.execute("SELECT sum(pgsize) FROM dbstat WHERE name = ?", (name,)).fetchall()
    connection.close()


def _copy(source: Path, target: Path) -> None:
    """Have it on disk now, else the first commits that are measured would wait for it.

    Of the source nothing stays in the system's memory: of two large files it would hold half of each, where
    who runs the service has one.
    """
    with source.open("rb", buffering=0) as read, target.open("wb") as written:
        while chunk := read.read(_CHUNK_BYTES):
            written.write(chunk)
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(read.fileno(), 0, read.tell(), os.POSIX_FADV_DONTNEED)
        written.flush()
        os.fsync(written.fileno())
