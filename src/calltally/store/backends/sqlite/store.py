"""The embedded store: SQLite in WAL by apsw. Nothing to install, one file, one writer."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from operator import itemgetter
from pathlib import Path
from time import perf_counter
from typing import Any, Final, TypeVar

import apsw

from calltally.store.backends.group_commit import Writer
from calltally.store.backends.sqlite.checkpoints import Checkpoints
from calltally.store.backends.sqlite.connection import (
    BUSY_MS,
    TOLD_APART,
    connect,
    connect_to_read,
    retry_lock,
)
from calltally.store.db.interface import Submission, SubmissionResult
from calltally.store.db.operation import (
    AnyStatement,
    Clock,
    Params,
    ParamsTable,
    Rows,
    StatementMany,
    StoreOperation,
    execute_sequentially,
    run_operation,
    run_operation_async,
)
from calltally.store.db.statements import NamedSql, Statements

T = TypeVar("T")

# More than any file has: SQLite maps what there is of it.
_MAPPED_BYTES: Final = 1 << 40
# What is read at length is mostly read once: more than a page of 1,000 calls from all over the file need not
# be held.
_APART_CACHE_KIB: Final = 4 * 1024
_MOST_APART: Final = 4
# How long a transaction may keep the loop from reads that wait.
_TURN_S: Final = 0.002


class SqliteStore:
    """One database file. Reads run where they are awaited, on a connection that never writes."""

    dialect = "sqlite"

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._statements = Statements(self.dialect)
        self._reader = connect_to_read(path)
        # A page of the list lies on a dozen pages of the file; a system call for each took half of its time.
        # Only here: what long reads touch would be counted as this process's memory.
        self._reader.pragma("mmap_size", _MAPPED_BYTES)
        # Idle readers of threads: a stream reads thousands of chunks, half as fast with a new one for each.
        self._apart: list[apsw.Connection] = []
        self._writing = connect(path)
        self._checkpoints = Checkpoints(path, self._writing)
        # What waits for the disk, or for others. SQLite leaves the interpreter alone meanwhile.
        self._syncing = ThreadPoolExecutor(1, "calltally-sync")
        self._writer = Writer(self._transact, clock)

    @property
    def queued_writes(self) -> int:
        """Requests that wait for the writer now."""
        return self._writer.queued_writes

    @property
    def stalled_s(self) -> float:
        """Seconds since the first request to write after the last commit; 0 where all were committed."""
        return self._writer.stalled_s

    async def read(self, operation: StoreOperation[T], *, long: bool = False) -> T:
        """Run a reading step at once, since a seek costs less than a thread; a `long` one in a thread."""
        if long:
            return await asyncio.to_thread(self._read_apart, operation)
        return self._read(self._reader, operation)

    def _read_apart(self, operation: StoreOperation[T]) -> T:
        try:
            connection = self._apart.pop()
        except IndexError:
            connection = connect_to_read(self._path)
            connection.pragma("cache_size", -_APART_CACHE_KIB)
        try:
            result = self._read(connection, operation)
        except BaseException:
            connection.close()
            raise
        if len(self._apart) < _MOST_APART:
            self._apart.append(connection)
        else:
            connection.close()
        return result

    def _read(self, connection: apsw.Connection, operation: StoreOperation[T]) -> T:
        with TOLD_APART:
            execute = _Executor(connection, self._statements)
            execute.cursor.execute("BEGIN")
            try:
                return run_operation(operation, execute)
            finally:
                execute.cursor.execute("COMMIT")

    async def read_tenant(
        self,
        tenant: str,  # noqa: ARG002 (there are no replicas of a file)
        make: Callable[[], StoreOperation[T]],
        *,
        at_least: int = 0,  # noqa: ARG002 (the same)
        long: bool = False,
    ) -> T:
        """Run a step that reads one tenant's ledger."""
        return await self.read(make(), long=long)

    async def write(self, operation: StoreOperation[T]) -> T:
        """Run a step as one transaction of the writer."""
        return await self._writer.write(operation)

    async def submit(
        self, submissions: Sequence[Submission], *, in_one_commit: bool = False
    ) -> list[SubmissionResult]:
        """Record facts with whatever else is queued."""
        return await self._writer.submit(submissions, in_one_commit=in_one_commit) if submissions else []

    def subscribe_to_commits(self, told: Callable[[], None]) -> Callable[[], None]:
        """Have `told` called behind each commit of facts, until what is returned is called."""
        return self._writer.subscribe_to_commits(told)

    async def close(self) -> None:
        """Finish what is queued and close the file."""
        await self._writer.close()
        self._syncing.shutdown()
        self._checkpoints.close()
        self._writing.close()
        self._reader.close()
        while self._apart:
            self._apart.pop().close()

    async def _transact(self, operation: StoreOperation[T]) -> T:
        with TOLD_APART:
            await self._begin()
            try:
                result = await self._drive(operation)
                await self._off_loop(self._writing.execute, "COMMIT")
            except BaseException as fault:
                if self._writing.in_transaction:
                    self._writing.execute("ROLLBACK")
                if isinstance(fault, apsw.FullError):
                    self._checkpoints.make_room()
                raise
            if self._checkpoints.is_due():
                await self._off_loop(self._checkpoints.run)
            return result

    async def _begin(self) -> None:
        """Take the write lock; while another process has it, wait in the thread."""
        self._writing.set_busy_timeout(0)
        try:
            self._writing.execute("BEGIN IMMEDIATE")
        except apsw.BusyError:
            self._writing.set_busy_handler(retry_lock(BUSY_MS))
            await self._off_loop(self._writing.execute, "BEGIN IMMEDIATE")

    async def _drive(self, operation: StoreOperation[T]) -> T:
        """Run the statements in the loop, but let others have a turn in a long transaction."""
        execute = _Executor(self._writing, self._statements)
        turn = perf_counter()

        async def execute_in_turn(request: AnyStatement) -> Rows:
            nonlocal turn
            if perf_counter() - turn > _TURN_S:
                await asyncio.sleep(0)
                turn = perf_counter()
            return execute(request)

        return await run_operation_async(operation, execute_sequentially(execute_in_turn))

    async def _off_loop(self, work: Callable[..., object], *args: object) -> None:
        await asyncio.get_running_loop().run_in_executor(self._syncing, work, *args)


class _Executor:
    """Runs statements on one connection; a `Many` is the statement once a row."""

    def __init__(self, connection: apsw.Connection, statements: Statements) -> None:
        self.cursor = connection.cursor()
        self._statements = statements

    def __call__(self, request: AnyStatement) -> Rows:
        name, params, clauses = request
        named: NamedSql = self._statements.find(name, clauses)
        if isinstance(request, StatementMany):
            return self.cursor.executemany(named.sql, _by_place(named.names, request.rows)).fetchall()
        return self.cursor.execute(named.sql, params).fetchall()


def read_file(path: Path, operation: StoreOperation[T]) -> T:
    """Run one reading step on a file without a store: no thread, no loop."""
    connection = connect_to_read(path)
    try:
        with TOLD_APART:
            return run_operation(operation, _Executor(connection, Statements(SqliteStore.dialect)))
    finally:
        connection.close()


def _by_place(names: tuple[str, ...], rows: Sequence[Params]) -> Iterable[tuple[Any, ...]]:
    if isinstance(rows, ParamsTable) and rows.names == names:
        return rows.tuples
    if len(names) == 1:
        return ((row[names[0]],) for row in rows)
    return map(itemgetter(*names), rows)
