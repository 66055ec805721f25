"""Acknowledged facts survive a power cut. A kill proves nothing: the system keeps all writes."""

import asyncio
import shutil
from pathlib import Path

import apsw
import pytest

from calltally.store.backends.open import open_store
from calltally.store.backends.postgres.store import PostgresStore
from calltally.store.backends.postgres.wire import BoundStatement
from calltally.store.backends.sqlite import checkpoints
from calltally.store.backends.sqlite import store as sqlite
from calltally.store.backends.sqlite.connection import connect
from calltally.store.db.interface import Store, Submission
from calltally.store.tenants.tenants import add_tenant, new_epoch
from tests.conftest import NOW_US, TENANT, Bench
from tests.examples import examples
from tests.integration.store.power import Cut, Disk, power_cut_disk
from tests.integration.store.probing import direct, submit, verified
from tests.sample_facts import fact

ROUNDS = examples(12)
AT_ONCE = 6
STATES = ("ringing", "in-progress", "completed")


@pytest.fixture
def database(sqlite_template: Path, tmp_path: Path) -> str:
    shutil.copy(sqlite_template, tmp_path / "calltally.db")
    return f"sqlite:///{tmp_path / 'calltally.db'}"


async def queue(store: Store, disk: Disk, number: int, state: str) -> None:
    reported = fact(number, f"CA{number % 40:032x}", status=state, mapped_route="support")
    await store.submit([Submission(TENANT, reported)])
    disk.acknowledge(reported.key)


async def traffic(url: str, disk: Disk) -> None:
    """Send rounds of requests that share commits, with a cut after each; then close the store."""
    store = open_store(url, lambda: NOW_US)
    await store.write(add_tenant(TENANT, "Acme", NOW_US, new_epoch()))
    for round_number in range(ROUNDS):
        numbers = range(round_number * AT_ONCE, (round_number + 1) * AT_ONCE)
        await asyncio.gather(*(queue(store, disk, number, STATES[number % 3]) for number in numbers))
        disk.cut()
    disk.checkpoints = disk.syncs["calltally.db"]
    await store.close()
    disk.cut()


def traffic_on(url: str) -> Disk:
    with power_cut_disk(each_nth=23) as disk:
        asyncio.run(traffic(url, disk))
    assert len(disk.cuts) > 2 * ROUNDS
    assert len(disk.cuts[-1].acknowledged) == ROUNDS * AT_ONCE
    return disk


def lost(cut: Cut, folder: Path) -> set[bytes]:
    """Restart after a cut and return the lost acknowledged facts. The rest must verify."""
    folder.mkdir()
    cut.restore(folder)
    url = f"sqlite:///{folder / 'calltally.db'}"
    with direct(url) as db:
        assert db("PRAGMA integrity_check") == [("ok",)]
        kept = {key for (key,) in db("SELECT key FROM facts")}
        tenants = [tenant for (tenant,) in db("SELECT tenant FROM tenants")]
    asyncio.run(_check(url, tenants))
    return set(cut.acknowledged) - kept


async def _check(url: str, tenants: list[str]) -> None:
    store = open_store(url, lambda: NOW_US)
    for tenant in tenants:
        assert (await verified(store, tenant)).findings == []
    await store.close()


@pytest.fixture(params=["beside the writer", "by the writer", "at the end"])
def checkpointing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Checkpoints as a busy day has them, in a moment's traffic."""
    how: str = request.param
    pages = {
        "beside the writer": (20, 2**40),
        "by the writer": (2**40, 60 * 4096),
        "at the end": (2**40, 2**40),
    }
    most_pages, cap_bytes = pages[how]
    monkeypatch.setattr(checkpoints, "_CHECKPOINT_PAGES", most_pages)
    monkeypatch.setattr(checkpoints, "_WAL_CAP_BYTES", cap_bytes)
    return how


def test_every_acknowledged_fact_is_stored_after_a_power_cut(
    database: str, tmp_path: Path, checkpointing: str
) -> None:
    disk = traffic_on(database)
    assert (disk.checkpoints > 0) == (checkpointing != "at the end")
    for number, cut in enumerate(disk.cuts):
        assert lost(cut, tmp_path / f"cut-{number}") == set()


@pytest.mark.parametrize("level", ["OFF", "NORMAL"])
def test_with_less_than_full_sync_facts_are_lost(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: str
) -> None:
    """So the test above can fail, and FULL is what keeps it from failing."""

    def careless(path: Path) -> apsw.Connection:
        connection = connect(path)
        connection.pragma("synchronous", level)
        return connection

    for module in (sqlite, checkpoints):
        monkeypatch.setattr(module, "connect", careless)
    cuts = [cut for cut in traffic_on(database).cuts if len(cut.acknowledged) >= ROUNDS]
    assert any(lost(cut, tmp_path / f"cut-{number}") for number, cut in enumerate(cuts[:8]))


@pytest.mark.parametrize("new_database", ["postgres"], indirect=True)
@pytest.mark.parametrize("requested", ["on", "off", "local"])
def test_a_commit_of_postgres_waits_for_its_disk_with_any_setting_of_the_database(
    bench: Bench, requested: str
) -> None:
    with direct(bench.url) as db:
        [(name,)] = db("SELECT current_database()")
        db(f'ALTER DATABASE "{name}" SET synchronous_commit = {requested}')

    async def of_a_new_store() -> str:
        store = open_store(bench.url, lambda: NOW_US)
        assert isinstance(store, PostgresStore)
        await store.submit([Submission(TENANT, fact(1))])
        assert store._write_connection
        [[(level,)]] = await store._write_connection.query(BoundStatement("SHOW synchronous_commit", {}))
        await store.close()
        return str(level)

    # `local` waits for this server's disk, though not for those of others.
    assert bench.run(of_a_new_store()) == {"on": "on", "off": "on", "local": "local"}[requested]


@pytest.mark.parametrize("new_database", ["postgres"], indirect=True)
def test_no_statement_disables_the_sync_of_postgres(bench: Bench) -> None:
    submit(bench, fact(1))
    with direct(bench.url) as db:
        assert db("SELECT boot_val FROM pg_settings WHERE name = 'fsync'") == [("on",)]
        # The tests' own server says otherwise in its configuration, and nobody else may.
        assert db("SELECT source FROM pg_settings WHERE name = 'fsync'") == [("configuration file",)]
