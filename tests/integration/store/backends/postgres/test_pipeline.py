"""A connection with many statements on their way: each answer finds who asked, and nobody waits for ever."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial

import psycopg
import pytest

from calltally.calls.errors import Unavailable
from calltally.store.backends.postgres.pipeline import PipelineConnection
from calltally.store.backends.postgres.pool import ConnectionPool, connect
from calltally.store.backends.postgres.store import PostgresStore
from calltally.store.backends.postgres.wire import BoundStatement
from tests.conftest import Bench
from tests.integration.store.probing import direct, submit
from tests.telling import fact

pytestmark = pytest.mark.parametrize("new_database", ["postgres"], indirect=True)

WITHIN_S = 30
BIG = b"x" * 300_000


@pytest.fixture
def url(new_database: Callable[[], str]) -> str:
    return new_database()


@asynccontextmanager
async def linked(url: str) -> AsyncIterator[PipelineConnection]:
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


async def turn() -> None:
    """Let the loop see what came in."""
    await asyncio.sleep(0)


PID = BoundStatement("SELECT pg_backend_pid()", {})
SLEEP = BoundStatement("SELECT 1 FROM pg_sleep(%(seconds)b::double precision)", {"seconds": 60.0})
WRONG = BoundStatement("SELECT 1 / %(by)b::bigint", {"by": 0})


def test_each_gets_its_own_rows_though_all_are_on_their_way(url: str) -> None:
    async def work() -> None:
        async with linked(url) as link:
            answers = await asyncio.gather(*(link.query(number(n), number(-n)) for n in range(50)))
            assert answers == [[[(n,)], [(-n,)]] for n in range(50)]
            assert await link.query() == []

    run(work())


def test_after_a_fault_nothing_is_waited_for_until_the_end(url: str) -> None:
    async def work() -> None:
        async with linked(url) as link:
            link.queue(WRONG)
            with pytest.raises(psycopg.errors.DivisionByZero):
                await link.query(number(1))
            # The server says nothing to this any more.
            with pytest.raises(psycopg.errors.DivisionByZero):
                await link.query(number(2))
            with pytest.raises(psycopg.errors.DivisionByZero):
                await link.sync()
            assert await link.query(number(3)) == [[(3,)]]

    run(work())


def test_a_statement_that_was_never_prepared_for_a_fault_before_it_is_prepared_again(url: str) -> None:
    async def work() -> None:
        async with linked(url) as link:
            with pytest.raises(psycopg.errors.DivisionByZero):
                await link.query(WRONG, number(1))
            link.end_transaction()
            assert await link.query(number(1)) == [[(1,)]]
            with pytest.raises(psycopg.errors.SyntaxError):
                await link.query(BoundStatement("SELEC %(value)b", {"value": 1}))
            link.end_transaction()
            assert await link.query(number(2)) == [[(2,)]]

    run(work())


def test_an_end_is_sent_by_itself(url: str) -> None:
    """Whoever has an answer does not wait for it, and the server keeps no transaction open for that."""

    async def work() -> None:
        async with linked(url) as link:
            [[(pid,)]] = await link.query(PID)
            link.end_transaction()
            with direct(url) as db:
                asked = "SELECT state FROM pg_stat_activity WHERE pid = ?"
                while db(asked, pid) != [("idle",)]:
                    await turn()

    run(work())


def test_what_is_asked_behind_an_end_sees_what_was_committed_before(url: str) -> None:
    """Also where it is sent together with the end."""

    async def work() -> None:
        with direct(url) as db:
            async with linked(url) as link:
                db("CREATE TABLE seen (n bigint)")
                for n in range(3):
                    assert await link.query(
                        BoundStatement("SELECT count(*) FROM seen WHERE n >= %(n)b", {"n": 0})
                    ) == [[(n,)]]
                    link.end_transaction()
                    db("INSERT INTO seen VALUES (?)", n)

    run(work())


def test_of_a_connection_that_is_lost_nothing_is_ended(url: str) -> None:
    async def work() -> None:
        async with linked(url) as link:
            await link.query(number(1))
            link.end_transaction()
            link.close()
            await turn()
            with pytest.raises(psycopg.OperationalError, match="lost"):
                link.end_transaction()

    run(work())


def test_what_cannot_be_encoded_leaves_nothing_on_its_way(url: str) -> None:
    async def work() -> None:
        async with linked(url) as link:
            with pytest.raises((psycopg.DataError, OverflowError)):
                await link.query(number(1), number(2**64))
            assert await link.query(number(2)) == [[(2,)]]

    run(work())


def test_much_in_both_directions_at_once(url: str) -> None:
    """More than sockets hold: while we send the server sends, and neither may wait for the other."""

    async def work() -> None:
        async with linked(url) as link:
            same = BoundStatement("SELECT %(value)b::bytea", {"value": BIG})
            for _ in range(40):
                link.queue(same)
            answers = await link.query(*[same] * 40)
            assert answers == [[(BIG,)]] * 40
            await link.sync()

    run(work())


def test_more_statements_than_are_kept_prepared(url: str) -> None:
    async def work() -> None:
        async with linked(url) as link:
            for _ in range(2):
                for n in range(300):
                    asked = BoundStatement(f"SELECT %(value)b::bigint + {n}", {"value": 1})
                    assert await link.query(asked) == [[(n + 1,)]]
            [[(kept,)]] = await link.query(BoundStatement("SELECT count(*) FROM pg_prepared_statements", {}))
            assert 0 < kept <= 256

    run(work())


def test_who_stops_waiting_takes_the_statement_along(url: str) -> None:
    async def work() -> None:
        pool, pids = ConnectionPool(partial(connect, url), 1), []

        async def ask_in_vain() -> None:
            async with asyncio.timeout(0.2), pool.connection() as link:
                pids.extend((await link.query(PID))[0])
                await link.query(SLEEP)

        with pytest.raises(TimeoutError):
            await ask_in_vain()
        # The only connection: it is given back at once, and is another one.
        async with pool.connection() as link:
            assert await link.query(number(1)) == [[(1,)]]
        await pool.close()
        with direct(url) as db:
            while db("SELECT 1 FROM pg_stat_activity WHERE pid = ?", *pids[0]):
                await turn()

    run(work())


def test_nobody_waits_for_ever_for_a_free_one(url: str) -> None:
    async def work() -> None:
        pool = ConnectionPool(partial(connect, url), 1, wait_s=0.05)
        async with pool.connection():
            with pytest.raises(Unavailable, match=r"busy for 0\.05 s"):
                async with pool.connection():
                    pass
        async with pool.connection() as link:
            assert await link.query(number(1)) == [[(1,)]]
        await pool.close()

    run(work())


def test_a_connection_that_the_server_closed_is_not_handed_out(url: str) -> None:
    async def work() -> None:
        pool = ConnectionPool(partial(connect, url), 1)
        async with pool.connection() as link:
            [[(pid,)]] = await link.query(PID)
            link.end_transaction()
        with direct(url) as db:
            db("SELECT pg_terminate_backend(?::integer, 10000)", pid)
        while not link.is_broken:
            await turn()
        async with pool.connection() as other:
            assert await other.query(number(1)) == [[(1,)]]
        await pool.close()

    run(work())


def test_whoever_waits_is_told_that_the_server_closed(url: str) -> None:
    async def work() -> None:
        async with linked(url) as link:
            [[(pid,)]] = await link.query(PID)
            waiting = asyncio.create_task(link.query(SLEEP))
            await turn()
            with direct(url) as db:
                db("SELECT pg_terminate_backend(?::integer, 10000)", pid)
            with pytest.raises(psycopg.OperationalError):
                await waiting
            # The first that the server said was why; then it hung up.
            while not link.is_broken:
                await turn()
            with pytest.raises(psycopg.OperationalError, match="lost"):
                link.queue(number(1))

    run(work())


def test_what_was_planned_for_tables_that_were_empty_is_planned_anew(bench: Bench) -> None:
    """The ledger's plans are made when there is hardly a call, and kept while there come to be millions."""
    with direct(bench.url) as db:
        # When autovacuum looks is luck, and so is what it learned of another test's rows.
        db("ALTER TABLE calls SET (autovacuum_enabled = false)")
        db("DELETE FROM pg_statistic WHERE starelid = 'calls'::regclass")
    for commit in range(40):
        submit(bench, *(fact(at, f"CA{commit * 50 + at}") for at in range(50)))
        if commit == 0:
            with direct(bench.url) as db:
                # As the server does by itself at a time that no test knows, or has done for an earlier one.
                db("ANALYZE")
    assert isinstance(bench.store, PostgresStore)
    link = bench.store._write_connection
    assert link is not None
    [name] = [name.decode() for shape, name in link._prepared.items() if b"JOIN calls AS t ON" in shape[0]]

    async def explain() -> str:
        [rows] = await link.query(BoundStatement(f"EXPLAIN EXECUTE {name}(NULL, NULL)", {}))
        return "\n".join(line for (line,) in rows)

    assert "Index Scan using calls_pkey" in bench.run(explain())
