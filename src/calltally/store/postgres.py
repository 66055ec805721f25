"""The shared store: PostgreSQL by psycopg 3. Any number of processes may read and write it."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import psycopg
from psycopg.rows import tuple_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from calltally.calls.errors import Misconfigured, Unavailable
from calltally.store.schema import NO_TABLES
from calltally.store.statements import Statements
from calltally.store.steps import Clock, Many, Params, Rows, Statement, Step, drive_async
from calltally.store.store import Recorded, Submission
from calltally.store.writer import Writer

T = TypeVar("T")

_READERS: Final = 8
_POOL_TIMEOUT_S: Final = 10.0
_STATEMENT_TIMEOUT: Final = "-c statement_timeout=30000 -c lock_timeout=10000"
_NOT_NOW: Final = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)


class PostgresStore:
    """One database. Reads take a connection of the pool; writes go through one writer a process."""

    dialect = "postgres"

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url
        self._statements = Statements(self.dialect)
        self._pool: AsyncConnectionPool[psycopg.AsyncConnection[Any]] = AsyncConnectionPool(
            url,
            kwargs={"autocommit": True, "options": _STATEMENT_TIMEOUT, "row_factory": tuple_row},
            configure=_configure_reader,
            min_size=1,
            max_size=_READERS,
            timeout=_POOL_TIMEOUT_S,
            open=False,
        )
        self._opened = asyncio.Lock()
        self._writing: psycopg.AsyncConnection[Any] | None = None
        self._writer = Writer(self._transact, clock)

    @property
    def waiting(self) -> int:
        """Requests that wait for the writer now."""
        return self._writer.waiting

    async def read(self, step: Step[T], *, long: bool = False) -> T:
        """Run a reading step in one repeatable-read transaction; a `long` one without a time limit."""
        with _told_apart():
            await self._open()
            async with self._pool.connection() as connection, connection.transaction():
                if long:
                    await connection.execute("SET LOCAL statement_timeout = 0")
                return await drive_async(step, _Executor(connection, self._statements))

    async def _open(self) -> None:
        if self._pool.closed:
            async with self._opened:
                if self._pool.closed:
                    await self._pool.open()

    async def write(self, step: Step[T]) -> T:
        """Run a step as one transaction of the writer."""
        return await self._writer.write(step)

    async def submit(self, submissions: Sequence[Submission]) -> list[Recorded]:
        """Record facts with whatever else is queued."""
        return await self._writer.submit(submissions) if submissions else []

    async def close(self) -> None:
        """Finish what is queued and close the connections."""
        await self._writer.close()
        await self._pool.close()
        if self._writing is not None:
            await self._writing.close()

    async def _transact(self, step: Step[T]) -> T:
        with _told_apart():
            connection = await self._connection()
            # In a pipeline only statements that answer are waited for.
            async with connection.transaction(), connection.pipeline():
                return await drive_async(step, _Executor(connection, self._statements))

    async def _connection(self) -> psycopg.AsyncConnection[Any]:
        """The writer's connection, made anew after the server closed it.

        READ COMMITTED, so that the statement after the lock on a tenant sees what was committed
        while it waited.
        """
        if self._writing is None or self._writing.closed or self._writing.broken:
            self._writing = await psycopg.AsyncConnection.connect(
                self._url, autocommit=True, options=_STATEMENT_TIMEOUT, row_factory=tuple_row
            )
            await self._writing.set_isolation_level(psycopg.IsolationLevel.READ_COMMITTED)
            await _sync_commits(self._writing)
        return self._writing


async def _sync_commits(connection: psycopg.AsyncConnection[Any]) -> None:
    """What is acknowledged is on the disk, even where the database was told to be quicker than that.

    Any other level than `off` waits for this server's disk, and stronger ones for more.
    """
    level = await (await connection.execute("SHOW synchronous_commit")).fetchone()
    if level == ("off",):
        await connection.execute("SET synchronous_commit = on")


class _Executor:
    def __init__(self, connection: psycopg.AsyncConnection[Any], statements: Statements) -> None:
        self._connection = connection
        self._statements = statements

    async def __call__(self, request: Statement | Many) -> Rows:
        named = self._statements.find(request.name, request.clauses)
        cursor = await self._connection.execute(named.sql, _params(request), binary=True)
        return await cursor.fetchall() if named.answers else []


def _params(request: Statement | Many) -> Params:
    if isinstance(request, Statement):
        return request.params
    rows = request.rows
    return {name: [row[name] for row in rows] for name in rows[0]}


async def _configure_reader(connection: psycopg.AsyncConnection[Any]) -> None:
    await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
    await connection.set_read_only(True)


@contextmanager
def _told_apart() -> Iterator[None]:
    """A database that cannot answer now is not a fault of the program."""
    try:
        yield
    except psycopg.errors.UndefinedTable as fault:
        raise Misconfigured(NO_TABLES) from fault
    except psycopg.errors.ProgramLimitExceeded:
        # Counted among the operational ones, but it is the request that is too large: it fails alone.
        raise
    except _NOT_NOW as fault:
        message = "the database cannot answer now; nothing was recorded unless a repeat says so, try again"
        raise Unavailable(message) from fault
