"""Lost connections: waiting callers get an error, and the next request gets a new connection."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import ExitStack, asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from socket import AF_UNIX, socket, socketpair
from struct import pack

import psycopg
import pytest
import uvloop

from calltally.calls.errors import Unavailable
from calltally.calls.events import IngestOutcome
from calltally.calls.list_query import ListQuery
from calltally.store.backends.postgres import pipeline as link
from calltally.store.backends.postgres import pool, transactions
from calltally.store.backends.postgres.pipeline import PipelineConnection
from calltally.store.backends.postgres.pool import connect
from calltally.store.backends.postgres.store import PostgresStore
from calltally.store.backends.postgres.wire import BoundStatement
from calltally.store.db.interface import Submission
from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.listing.list_calls import list_calls
from calltally.store.tenants.tenants import add_tenant, new_epoch
from tests.conftest import NOW_US, TENANT
from tests.integration.store.cutting import Cut, CuttingProxy, cutting
from tests.integration.store.probing import direct, verified
from tests.sample_facts import fact

pytestmark = pytest.mark.parametrize("new_database", ["postgres"], indirect=True)

# Only a hanging test takes so long.
WITHIN_S = 60
ENDED = "SELECT pg_terminate_backend(?::integer, 10000)"
PID = BoundStatement("SELECT pg_backend_pid()", {})
# More than libpq buffers: it is sent, or fails, at once.
BIG = BoundStatement("SELECT %(value)b::bytea", {"value": b"x" * 100_000})
# For each statement of a batch.
SOON_S = 0.5


@pytest.fixture
def url(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=request.param) as made:
        yield made


async def in_time(work: Coroutine[object, object, None]) -> None:
    async with asyncio.timeout(WITHIN_S):
        await work


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(url, lambda: NOW_US)
    with suppress(psycopg.errors.UniqueViolation):
        await store.write(add_tenant(TENANT, "Acme", NOW_US, new_epoch()))
    try:
        yield store
    finally:
        await store.close()


class Facts:
    """Facts of one store, and the calls of the acknowledged ones."""

    def __init__(self, store: PostgresStore) -> None:
        self.store = store
        self.acknowledged: list[str] = []
        self._numbers = count()

    async def submit(self) -> bool:
        """Return True if the fact was acknowledged."""
        sid = f"CA{next(self._numbers)}"
        try:
            [recorded] = await self.store.submit([Submission(TENANT, fact(1, sid))])
        except Unavailable:
            return False
        assert recorded.outcome is IngestOutcome.APPLIED
        self.acknowledged.append(sid)
        return True

    async def read(self) -> bool:
        """Return True if a page of calls was read."""
        try:
            await self.store.read(list_calls(TENANT, ListQuery(limit=5)))
        except Unavailable:
            return False
        return True


def end_backend(url: str, pid: int) -> None:
    """End a backend and return when it has ended; the event loop does not run meanwhile."""
    with direct(url) as db:
        db(ENDED, pid)


async def run_loop_once() -> None:
    """Let the event loop process input."""
    await asyncio.sleep(0)


async def pid_of(link: PipelineConnection) -> int:
    [[(pid,)]] = await link.query(PID)
    await link.sync()
    return int(pid)


def write_connection(store: PostgresStore) -> PipelineConnection:
    assert store._write_connection is not None
    return store._write_connection


@pytest.mark.parametrize("is_noticed", [True, False])
def test_write_after_the_server_ended_an_idle_connection(
    url: str, runner: asyncio.Runner, *, is_noticed: bool
) -> None:
    """Either the event loop notices the end, or libpq does while it sends."""

    async def work() -> None:
        async with opened(url) as store:
            facts = Facts(store)
            for _ in range(5):
                assert await facts.submit()
                made = write_connection(store)
                end_backend(url, await pid_of(made))
                while is_noticed and not made.is_broken:
                    await run_loop_once()
                assert await facts.submit() or not is_noticed
            assert await facts.submit()

    runner.run(in_time(work()))


@pytest.mark.parametrize("requests", range(4))
def test_write_after_the_server_ended_a_transaction(url: str, runner: asyncio.Runner, requests: int) -> None:
    """libpq notices before the event loop, since the operation itself ends its connection."""

    def operation(pid: int) -> StoreOperation[None]:
        for at in range(4):
            if at == requests:
                end_backend(url, pid)
            yield Statement("meta_try_write" if at % 2 else "meta_schema_version", {})

    async def work() -> None:
        async with opened(url) as store:
            facts = Facts(store)
            for _ in range(3):
                assert await facts.submit()
                pid = await pid_of(write_connection(store))
                with pytest.raises(Unavailable):
                    await store.write(operation(pid))
            assert await facts.submit()

    runner.run(in_time(work()))


def test_write_ended_before_its_commit_is_not_acknowledged(url: str, runner: asyncio.Runner) -> None:
    def operation(pid: int) -> StoreOperation[None]:
        yield Statement("meta_schema_version", {})
        end_backend(url, pid)

    async def work() -> None:
        async with opened(url) as store:
            facts = Facts(store)
            for _ in range(3):
                assert await facts.submit()
                pid = await pid_of(write_connection(store))
                with pytest.raises(Unavailable):
                    await store.write(operation(pid))
            assert await facts.submit()

    runner.run(in_time(work()))


async def welcome(listening: socket) -> socket:
    """Accept a connection as a server does, and return its socket."""
    loop = asyncio.get_running_loop()
    end, _ = await loop.sock_accept(listening)
    end.settimeout(0)
    await loop.sock_recv(end, 1_000)
    await loop.sock_sendall(end, b"R" + pack("!ii", 8, 0) + b"Z" + pack("!i", 5) + b"I")
    return end


def test_waiting_caller_gets_an_error_after_a_reset_behind_a_warning(
    url: str, runner: asyncio.Runner, tmp_path: Path
) -> None:
    """A killed server has unread input, so the operating system resets the connection."""
    del url
    word = b"SWARNING\0C57P02\0Mcrash of another server process\0\0"

    async def work() -> None:
        with socket(AF_UNIX) as listening:
            listening.settimeout(0)
            listening.bind(str(tmp_path / ".s.PGSQL.5432"))
            listening.listen()
            welcoming = asyncio.create_task(welcome(listening))
            made = PipelineConnection(
                await psycopg.AsyncConnection.connect(host=str(tmp_path), user="ada"), 2.0 * WITHIN_S
            )
            waiting = asyncio.create_task(made.query(PID))
            end = await welcoming
            while not made._pending:
                await run_loop_once()
            end.sendall(b"N" + pack("!i", 4 + len(word)) + word)
            end.close()
            with pytest.raises(psycopg.OperationalError):
                await waiting
            assert made.is_broken

    runner.run(in_time(work()))


@pytest.mark.parametrize("call", ["query", "queue", "sync", "end"])
def test_connection_is_lost_wherever_libpq_detects_the_end(
    url: str, runner: asyncio.Runner, call: str
) -> None:
    async def work() -> None:
        made = await connect(url)
        end_backend(url, await pid_of(made))
        with suppress(psycopg.OperationalError):
            while not made.is_broken:
                if call == "query":
                    await made.query(BIG)
                elif call == "queue":
                    made.queue(BIG)
                elif call == "sync":
                    await made.sync()
                else:
                    made.end_transaction()
                    await asyncio.sleep(0)
        assert made.is_broken
        with pytest.raises(psycopg.OperationalError, match="lost"):
            await made.sync()

    runner.run(in_time(work()))


def test_sync_fails_when_the_connection_ends(url: str, runner: asyncio.Runner) -> None:
    async def work() -> None:
        made = await connect(url)
        end_backend(url, await pid_of(made))
        with pytest.raises(psycopg.OperationalError):
            await made.sync()

    runner.run(in_time(work()))


def test_descriptor_closed_by_libpq_belongs_to_its_next_owner(url: str, runner: asyncio.Runner) -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        made = await connect(url)
        former = made._pgconn.socket
        end_backend(url, await pid_of(made))
        with suppress(psycopg.OperationalError):
            while made._pgconn.status == psycopg.pq.ConnStatus.OK:
                made.queue(BIG)
        with ExitStack() as sockets:
            pairs = [socketpair() for _ in range(8)]
            for end in [end for pair in pairs for end in pair]:
                sockets.enter_context(end)
            mine = next((pair for pair in pairs if former in {end.fileno() for end in pair}), pairs[0])
            if mine[0].fileno() != former:
                mine = (mine[1], mine[0])
            received = asyncio.Event()
            loop.add_reader(mine[0], received.set)
            made.close()
            os.write(mine[1].fileno(), b"x")
            await received.wait()
            loop.remove_reader(mine[0])

    runner.run(in_time(work()))


async def cut_everywhere(proxy: CuttingProxy, facts: Facts, how: Cut) -> int:
    """Cut at each message of a write and a read, one by one. Return the number of messages."""
    for message in count(1):
        # Only the next request may notice a cut after the last response.
        assert await facts.submit() or await facts.submit()
        assert await facts.read() or await facts.read()
        cuts = proxy.cuts
        proxy.cut_at(message, how)
        await facts.submit()
        await facts.read()
        proxy.cut_nothing()
        if proxy.cuts == cuts:
            return message - 1
    raise AssertionError


@pytest.mark.parametrize(
    ("how", "runner"),
    [(Cut.RESET, asyncio.new_event_loop), (Cut.AMID, uvloop.new_event_loop)],
    indirect=["runner"],
)
def test_no_fact_is_lost_when_a_connection_is_cut_at_any_message(
    url: str, runner: asyncio.Runner, how: Cut
) -> None:
    async def work() -> None:
        async with cutting(url) as proxy, opened(proxy.url) as store:
            facts = Facts(store)
            assert await cut_everywhere(proxy, facts, how) > 20
            await assert_nothing_lost(url, facts)

    runner.run(in_time(work()))


async def assert_nothing_lost(url: str, facts: Facts) -> None:
    assert (await verified(facts.store)).findings == []
    with direct(url) as db:
        kept = {sid for (sid,) in db("SELECT call_sid FROM calls WHERE tenant = ?", TENANT)}
    assert set(facts.acknowledged) <= kept


@pytest.fixture
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "_PROGRESS_CHECK_S", SOON_S / 4)
    monkeypatch.setattr(pool, "RESPONSE_TIMEOUT_S", SOON_S)
    monkeypatch.setattr(transactions, "RESPONSE_TIMEOUT_S", SOON_S)


@pytest.mark.usefixtures("short_timeouts")
@pytest.mark.parametrize("message", [1, 9])
def test_silent_server_is_given_up(url: str, runner: asyncio.Runner, message: int) -> None:
    async def work() -> None:
        async with cutting(url) as proxy, opened(proxy.url) as store:
            facts = Facts(store)
            assert await facts.submit()
            proxy.cut_at(message, Cut.FREEZE)
            assert not await facts.submit()
            assert await facts.submit()
            assert await facts.read()
            proxy.cut_at(message, Cut.FREEZE)
            assert not await facts.read()
            assert await facts.read()

    runner.run(in_time(work()))


def test_new_connection_without_responses_is_given_up(url: str, runner: asyncio.Runner) -> None:
    async def work() -> None:
        async with cutting(url) as proxy:
            # After the start-up, when the server sends one message per response.
            await (await connect(proxy.url)).sync()
            settings = proxy._forwarded - 6
            proxy.cut_at(settings, Cut.FREEZE)
            with pytest.raises(psycopg.OperationalError):
                await connect(proxy.url, connect_s=2)
            assert proxy.cuts == 1

    runner.run(in_time(work()))


@pytest.mark.usefixtures("short_timeouts")
def test_batch_may_take_the_sum_of_its_timeouts(url: str, runner: asyncio.Runner) -> None:
    async def work() -> None:
        made = await connect(url)
        nap = BoundStatement("SELECT 1 FROM pg_sleep(%(seconds)b::double precision)", {"seconds": SOON_S / 5})
        assert await made.query(*[nap] * 10) == [[(1,)]] * 10
        made.close()

    runner.run(in_time(work()))
