"""Reads from a real replica: never older than required, and never a cause of failures."""

import asyncio
from collections.abc import Callable, Iterator

import pytest
from structlog.testing import capture_logs

from calltally.calls.errors import NotFound, Unavailable
from calltally.calls.list_query import ListQuery
from calltally.multiprocess import SharedNumbers
from calltally.store.backends.open import open_store
from calltally.store.backends.postgres import replica
from calltally.store.backends.postgres.options import PostgresOptions
from calltally.store.backends.postgres.store import PostgresStore
from calltally.store.backends.write_readiness import try_write
from calltally.store.db.interface import RevisionNotVisible, Store, Submission
from calltally.store.db.operation import StoreOperation
from calltally.store.listing.list_calls import ListedPage, list_calls
from calltally.store.snapshots.ledger_head import read_ledger_head
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.store.probing import direct, submit
from tests.integration.store.standby import Standby, standby_of
from tests.sample_facts import fact

pytestmark = pytest.mark.parametrize("new_database", ["postgres"], indirect=True)


@pytest.fixture(scope="module")
def standby(postgres_server: str) -> Iterator[Standby]:
    with standby_of(postgres_server) as following:
        yield following


class Reader:
    """Process that reads from the replica; `bench` is another process, which does not."""

    def __init__(self, bench: Bench, standby: Standby, heads: SharedNumbers | None = None) -> None:
        self.bench = bench
        self.standby = standby
        options = PostgresOptions(2, standby.url_of(bench.url), heads)
        self.store: Store = bench.run(self._open(bench.url, options))

    async def _open(self, url: str, options: PostgresOptions) -> Store:
        return open_store(url, lambda: NOW_US, options)

    def calls(self, *, at_least: int = 0, long: bool = False, tenant: str = TENANT) -> int:
        return self.listed(at_least=at_least, long=long, tenant=tenant).total

    def listed(self, *, at_least: int = 0, long: bool = False, tenant: str = TENANT) -> ListedPage:
        reading = self.store.read_tenant(
            tenant, lambda: list_calls(tenant, ListQuery()), at_least=at_least, long=long
        )
        return self.bench.run(reading)

    def report(self, number: int) -> None:
        self.bench.run(self.store.submit([Submission(TENANT, fact(number, f"CA{number}"))]))


@pytest.fixture
def new_reader(bench: Bench, standby: Standby) -> Iterator[Callable[..., Reader]]:
    readers: list[Reader] = []

    def make(heads: SharedNumbers | None = None) -> Reader:
        readers.append(Reader(bench, standby, heads))
        return readers[-1]

    submit(bench, fact(1, "CA1"))
    standby.catch_up()
    yield make
    standby.go_on()
    for reader in readers:
        bench.run(reader.store.close())


@pytest.fixture
def reader(new_reader: Callable[..., Reader]) -> Reader:
    return new_reader()


@pytest.mark.parametrize("long", [False, True])
def test_replica_answers_unless_it_lags(reader: Reader, *, long: bool) -> None:
    assert reader.calls(long=long) == 1
    reader.standby.pause()
    reported = submit(reader.bench, fact(2, "CA2"))
    # A commit of another process is missing while the replica lags, which proves that the replica answered.
    assert reader.calls(long=long) == 1
    # A reader that requires the revision gets it.
    assert reported[0].revision == 2
    assert reader.calls(long=long, at_least=2) == 2
    reader.standby.go_on()
    assert reader.calls(long=long) == 2


def test_process_reads_its_own_writes(reader: Reader) -> None:
    reader.standby.pause()
    reader.report(2)
    assert reader.calls() == 2
    reader.standby.go_on()
    assert reader.calls() == 2
    reader.standby.pause()
    submit(reader.bench, fact(3, "CA3"))
    # The replica answers again.
    assert reader.calls() == 2


def test_sender_of_a_duplicate_can_read_it(reader: Reader) -> None:
    reader.standby.pause()
    submit(reader.bench, fact(2, "CA2"))
    assert reader.calls() == 1
    reader.report(2)
    assert reader.calls() == 2


def test_other_processes_read_these_writes_too(new_reader: Callable[..., Reader]) -> None:
    heads = SharedNumbers()
    one, other, stranger = new_reader(heads), new_reader(heads), new_reader()
    one.standby.pause()
    one.report(2)
    assert [reader.calls() for reader in (one, other, stranger)] == [2, 2, 1]


def test_primary_decides_about_refusals_of_the_replica(reader: Reader) -> None:
    reader.standby.pause()
    reader.bench.add_tenant("late")
    assert reader.calls(tenant="late") == 0
    with pytest.raises(NotFound):
        reader.calls(tenant="never")


def test_operation_that_lags_runs_again_on_the_primary(reader: Reader) -> None:
    reader.standby.pause()
    submit(reader.bench, fact(2, "CA2"))
    made: list[int] = []

    def make() -> StoreOperation[int]:
        made.append(1)
        ledger_head = yield from read_ledger_head(TENANT)
        if ledger_head.revision < 2:
            raise RevisionNotVisible("a token says that there is more")
        return ledger_head.revision

    assert reader.bench.run(reader.store.read_tenant(TENANT, make)) == 2
    assert len(made) == 2


def test_lost_replica_is_replaced_by_the_primary_and_used_again_later(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica, "_PAUSE_S", 0.0)
    assert reader.calls() == 1
    reader.standby.stop()
    try:
        assert [reader.calls() for _ in range(5)] == [1] * 5
    finally:
        reader.standby.start()
    reader.standby.pause()
    submit(reader.bench, fact(2, "CA2"))
    assert reader.calls() == 1


def test_failing_replica_is_paused(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica, "_PAUSE_S", 3_600.0)
    reader.standby.stop()
    try:
        assert reader.calls() == 1
    finally:
        reader.standby.start()
    reader.standby.pause()
    submit(reader.bench, fact(2, "CA2"))
    assert reader.calls() == 2


def test_replica_of_another_database_is_refused(
    bench: Bench, new_bench: Callable[[], Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine it must not be paused for being slow instead.
    monkeypatch.setattr(replica, "_POOL_WAIT_S", 60.0)
    monkeypatch.setattr(replica, "_CONNECT_S", 60)
    other = new_bench()
    for number in range(5):
        submit(other, fact(number, f"CA{number}"))

    async def work() -> int:
        store = open_store(bench.url, lambda: NOW_US, PostgresOptions(2, other.url))
        page = await store.read_tenant(TENANT, lambda: list_calls(TENANT, ListQuery()))
        await store.close()
        return page.total

    with capture_logs() as logged:
        assert bench.run(work()) == 0
    assert ["CALLTALLY_READ_URL names no replica" in line["reason"] for line in logged] == [True]


def test_cancelled_read_leaves_the_replica_usable(reader: Reader) -> None:
    async def work() -> None:
        reading = asyncio.create_task(
            reader.store.read_tenant(TENANT, lambda: list_calls(TENANT, ListQuery()))
        )
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

    reader.bench.run(work())
    reader.standby.pause()
    submit(reader.bench, fact(2, "CA2"))
    assert reader.calls() == 1
    with direct(reader.bench.url) as db:
        assert db("SELECT count(*) FROM calls") == [(2,)]


def test_connection_to_a_standby_is_given_up_by_a_write(bench: Bench, standby: Standby) -> None:
    """After a failover the same address may be the new primary's."""
    standby.catch_up()

    async def work() -> None:
        store = PostgresStore(standby.url_of(bench.url), lambda: NOW_US)
        await store.read(list_calls(TENANT, ListQuery()))
        with pytest.raises(Unavailable):
            await store.write(try_write(store))
        assert store._write_connection is not None
        assert store._write_connection.is_broken
        await store.close()

    bench.run(work())
