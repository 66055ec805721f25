"""Pipelined connection: each caller gets its own rows, and no caller waits for ever."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial

import psycopg
import pytest

from calltally.calls.errors import Unavailable
from calltally.store.backends.postgres.pipeline import PipelineConnection
from calltally.store.backends.postgres.pool import PipelinePool, connect
from calltally.store.backends.postgres.store import PostgresStore
from calltally.store.backends.postgres.wire import BoundStatement
from calltally.store.db.usage import PoolUse
from tests.conftest import Bench
from tests.integration.store.probing import direct, submit
from tests.sample_facts import fact

pytestmark = pytest.mark.parametrize("new_database", ["postgres"], indirect=True)

WITHIN_S = 30
BIG = b"x" * 300_000


@pytest.fixture
def url(new_database: Callable[[], str]) -> str:
    return new_database()


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[PipelineConnection]:
    link = await connect(url)
    try:
        yield link
    finally:
        link.close()


def run(work: Coroutine[object, object, None]) -> None:
    async def in_time() -> None:
        async with asyncio.timeout(WITHIN_S):
            await work

    asyncio.run(in_time())


def number(value: int) -> BoundStatement:
    return BoundStatement("SELECT %(value)b::bigint", {"value": value})


async def run_loop_once() -> None:
    """Let the event loop process input."""
    await asyncio.sleep(0)


PID = BoundStatement("SELECT pg_backend_pid()", {})
SLEEP = BoundStatement("SELECT 1 FROM pg_sleep(%(seconds)b::double precision)", {"seconds": 60.0})
WRONG = BoundStatement("SELECT 1 / %(by)b::bigint", {"by": 0})


def test_each_query_gets_its_own_rows_while_all_are_in_flight(url: str) -> None:
    async def work() -> None:
        async with opened(url) as link:
            answers = await asyncio.gather(*(link.query(number(n), number(-n)) for n in range(50)))
            assert answers == [[[(n,)], [(-n,)]] for n in range(50)]
            assert await link.query() == []

    run(work())


def test_statements_after_an_error_fail_until_the_sync(url: str) -> None:
    async def work() -> None:
        async with opened(url) as link:
            link.queue(WRONG)
            with pytest.raises(psycopg.errors.DivisionByZero):
                await link.query(number(1))
            # The server does not respond to this one.
            with pytest.raises(psycopg.errors.DivisionByZero):
                await link.query(number(2))
            with pytest.raises(psycopg.errors.DivisionByZero):
                await link.sync()
            assert await link.query(number(3)) == [[(3,)]]

    run(work())


def test_statement_not_prepared_because_of_an_error_is_prepared_again(url: str) -> None:
    async def work() -> None:
        async with opened(url) as link:
            with pytest.raises(psycopg.errors.DivisionByZero):
                await link.query(WRONG, number(1))
            link.end_transaction()
            assert await link.query(number(1)) == [[(1,)]]
            with pytest.raises(psycopg.errors.SyntaxError):
                await link.query(BoundStatement("SELEC %(value)b", {"value": 1}))
            link.end_transaction()
            assert await link.query(number(2)) == [[(2,)]]

    run(work())


def test_end_of_transaction_is_sent_without_further_statements(url: str) -> None:
    """The caller does not wait for the Sync, and no transaction stays open on the server."""

    async def work() -> None:
        async with opened(url) as link:
            [[(pid,)]] = await link.query(PID)
            link.end_transaction()
            with direct(url) as db:
                query = "SELECT state FROM pg_stat_activity WHERE pid = ?"
                while db(query, pid) != [("idle",)]:
                    await run_loop_once()

    run(work())


def test_statement_after_a_transaction_sees_earlier_commits(url: str) -> None:
    """Also if it is sent along with the Sync."""

    async def work() -> None:
        with direct(url) as db:
            async with opened(url) as link:
                db("CREATE TABLE seen (n bigint)")
                for n in range(3):
                    assert await link.query(
                        BoundStatement("SELECT count(*) FROM seen WHERE n >= %(n)b", {"n": 0})
                    ) == [[(n,)]]
                    link.end_transaction()
                    db("INSERT INTO seen VALUES (?)", n)

    run(work())


def test_lost_connection_cannot_end_a_transaction(url: str) -> None:
    async def work() -> None:
        async with opened(url) as link:
            await link.query(number(1))
            link.end_transaction()
            link.close()
            await run_loop_once()
            with pytest.raises(psycopg.OperationalError, match="lost"):
                link.end_transaction()

    run(work())


def test_statement_that_cannot_be_encoded_sends_nothing(url: str) -> None:
    async def work() -> None:
        async with opened(url) as link:
            with pytest.raises((psycopg.DataError, OverflowError)):
                await link.query(number(1), number(2**64))
            assert await link.query(number(2)) == [[(2,)]]

    run(work())


def test_large_data_in_both_directions_at_once(url: str) -> None:
    """The data exceeds the socket buffers: both sides send at once, and neither may wait for the other."""

    async def work() -> None:
        async with opened(url) as link:
            same = BoundStatement("SELECT %(value)b::bytea", {"value": BIG})
            for _ in range(40):
                link.queue(same)
            answers = await link.query(*[same] * 40)
            assert answers == [[(BIG,)]] * 40
            await link.sync()

    run(work())


def test_number_of_prepared_statements_is_limited(url: str) -> None:
    async def work() -> None:
        async with opened(url) as link:
            for _ in range(2):
                for n in range(300):
                    statement = BoundStatement(f"SELECT %(value)b::bigint + {n}", {"value": 1})
                    assert await link.query(statement) == [[(n + 1,)]]
            [[(prepared,)]] = await link.query(
                BoundStatement("SELECT count(*) FROM pg_prepared_statements", {})
            )
            assert 0 < prepared <= 256

    run(work())


def test_cancelled_caller_cancels_its_statement(url: str) -> None:
    async def work() -> None:
        pool, pids = PipelinePool(partial(connect, url), 1), []

        async def query_until_timeout() -> None:
            async with asyncio.timeout(0.2), pool.connection() as link:
                pids.extend((await link.query(PID))[0])
                await link.query(SLEEP)

        with pytest.raises(TimeoutError):
            await query_until_timeout()
        # The only slot of the pool is free at once, with another connection.
        async with pool.connection() as link:
            assert await link.query(number(1)) == [[(1,)]]
        await pool.close()
        with direct(url) as db:
            while db("SELECT 1 FROM pg_stat_activity WHERE pid = ?", *pids[0]):
                await run_loop_once()

    run(work())


def test_wait_for_a_free_connection_is_limited(url: str) -> None:
    async def work() -> None:
        pool = PipelinePool(partial(connect, url), 1, wait_s=0.05)
        async with pool.connection():
            waiting = asyncio.create_task(pool.acquire())
            await run_loop_once()
            assert pool.use == PoolUse(in_use=1, waiting=1, limit=1)
            with pytest.raises(Unavailable, match=r"busy for 0\.05 s"):
                await waiting
        assert pool.use == PoolUse(in_use=0, waiting=0, limit=1)
        async with pool.connection() as link:
            assert await link.query(number(1)) == [[(1,)]]
        await pool.close()

    run(work())


def test_pool_does_not_return_a_closed_connection(url: str) -> None:
    async def work() -> None:
        pool = PipelinePool(partial(connect, url), 1)
        async with pool.connection() as link:
            [[(pid,)]] = await link.query(PID)
            link.end_transaction()
        with direct(url) as db:
            db("SELECT pg_terminate_backend(?::integer, 10000)", pid)
        while not link.is_broken:
            await run_loop_once()
        async with pool.connection() as other:
            assert await other.query(number(1)) == [[(1,)]]
        await pool.close()

    run(work())


def test_waiting_caller_gets_an_error_when_the_server_closes(url: str) -> None:
    async def work() -> None:
        async with opened(url) as link:
            [[(pid,)]] = await link.query(PID)
            waiting = asyncio.create_task(link.query(SLEEP))
            await run_loop_once()
            with direct(url) as db:
                db("SELECT pg_terminate_backend(?::integer, 10000)", pid)
            with pytest.raises(psycopg.OperationalError):
                await waiting
            # The server first sent the reason, then closed the connection.
            while not link.is_broken:
                await run_loop_once()
            with pytest.raises(psycopg.OperationalError, match="lost"):
                link.queue(number(1))

    run(work())


def test_plans_for_empty_tables_are_replaced(bench: Bench) -> None:
    """Plans are made while there are hardly any calls, and would stay when there are millions."""
    with direct(bench.url) as db:
        # The time of autovacuum is random, and so are its statistics on rows of other tests.
        db("ALTER TABLE calls SET (autovacuum_enabled = false)")
        db("DELETE FROM pg_statistic WHERE starelid = 'calls'::regclass")
    for commit in range(40):
        submit(bench, *(fact(at, f"CA{commit * 50 + at}") for at in range(50)))
        if commit == 0:
            with direct(bench.url) as db:
                # As autovacuum does by itself at an unpredictable time.
                db("ANALYZE")
    assert isinstance(bench.store, PostgresStore)
    link = bench.store._write_connection
    assert link is not None
    [name] = [name.decode() for shape, name in link._prepared.items() if b"JOIN calls AS t ON" in shape[0]]

    async def explain() -> str:
        [rows] = await link.query(BoundStatement(f"EXPLAIN EXECUTE {name}(NULL, NULL)", {}))
        return "\n".join(line for (line,) in rows)

    assert "Index Scan using calls_pkey" in bench.run(explain())
