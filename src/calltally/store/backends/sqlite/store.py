"""The embedded store: SQLite in WAL by apsw. Nothing to install, one file, one writer."""

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from operator import itemgetter
from pathlib import Path
from time import perf_counter
from typing import Any, Final, TypeVar

import apsw

from calltally.store.backends.group_commit import GroupCommitWriter
from calltally.store.backends.sqlite.checkpoints import Checkpointer
from calltally.store.backends.sqlite.connection import (
    BUSY_MS,
    ERROR_TRANSLATION,
    busy_handler,
    check_path,
    connect,
    connect_to_read,
)
from calltally.store.db.operation import (
    AnyStatement,
    Batch,
    Clock,
    Params,
    ParamsTable,
    StatementMany,
    StoreOperation,
    run_operation,
    run_operation_async,
)
from calltally.store.db.statements import NamedSql, Statements
from calltally.store.db.usage import PoolUse, StoreUsage

T = TypeVar("T")

# Larger than any file: SQLite maps as much as the file has.
_MAPPED_BYTES: Final = 1 << 40
# Long reads mostly read each page once, so the cache holds no more than a list page of 1,000 calls needs.
_LONG_READ_CACHE_KIB: Final = 4 * 1024
_MAX_IDLE_READERS: Final = 4
# As many as asyncio starts for `to_thread`.
_MOST_THREADS: Final = min(32, (os.cpu_count() or 1) + 4)
# The time for which a transaction may block waiting reads in the event loop.
_MAX_LOOP_HOLD_S: Final = 0.002


class SqliteStore(GroupCommitWriter):
    """Store in one database file. Reads run in the caller's thread, on a connection that never writes."""

    dialect = "sqlite"

    def __init__(self, path: Path, clock: Clock) -> None:
        super().__init__(self._transact, clock)
        self._path = path
        self._statements = Statements(self.dialect)
        self._reader = connect_to_read(path)
        # A list page needs a dozen pages of the file; a system call for each took half of the time.
        # Only this connection maps the file: pages of long reads would count as this process's memory.
        self._reader.pragma("mmap_size", _MAPPED_BYTES)
        # Idle connections for reads in threads. A stream reads thousands of chunks; with a new connection for
        # each it was half as fast.
        self._idle_readers: list[apsw.Connection] = []
        self._long_reads = 0
        self._write_connection = connect(path)
        self._checkpointer = Checkpointer(path, self._write_connection)
        # Thread for calls that wait for the disk or for locks; SQLite releases the interpreter meanwhile.
        self._sync_thread = ThreadPoolExecutor(1, "calltally-sync")

    async def read(self, operation: StoreOperation[T], *, long: bool = False) -> T:
        """Run a read-only operation in the loop, cheaper than in a thread; a `long` one in a thread."""
        if not long:
            return self._read(self._reader, operation)
        self._long_reads += 1
        try:
            return await asyncio.to_thread(self._read_in_thread, operation)
        finally:
            self._long_reads -= 1

    def _read_in_thread(self, operation: StoreOperation[T]) -> T:
        try:
            connection = self._idle_readers.pop()
        except IndexError:
            connection = connect_to_read(self._path)
            connection.pragma("cache_size", -_LONG_READ_CACHE_KIB)
        try:
            result = self._read(connection, operation)
        except BaseException:
            connection.close()
            raise
        if len(self._idle_readers) < _MAX_IDLE_READERS:
            self._idle_readers.append(connection)
        else:
            connection.close()
        return result

    def _read(self, connection: apsw.Connection, operation: StoreOperation[T]) -> T:
        with ERROR_TRANSLATION:
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
        """Run a read-only operation on one tenant's ledger."""
        return await self.read(make(), long=long)

    def usage(self) -> StoreUsage:
        """Return the use of the writer, of the threads for long reads, and of the disk."""
        in_use = min(self._long_reads, _MOST_THREADS)
        long_reads = PoolUse(in_use, self._long_reads - in_use, _MOST_THREADS)
        wal = self._path.with_name(f"{self._path.name}-wal")
        sizes = {"database": file_bytes(self._path), "wal": file_bytes(wal)}
        return StoreUsage(self.writer_use, {"long-reads": long_reads}, sizes)

    async def close(self) -> None:
        """Finish the queued writes and close the file."""
        await super().close()
        self._sync_thread.shutdown()
        self._checkpointer.close()
        self._write_connection.close()
        self._reader.close()
        while self._idle_readers:
            self._idle_readers.pop().close()

    async def _transact(self, operation: StoreOperation[T]) -> T:
        with ERROR_TRANSLATION:
            check_path(self._write_connection)
            await self._begin()
            try:
                result = await self._run_yielding(operation)
                await self._in_thread(self._write_connection.execute, "COMMIT")
            except BaseException as fault:
                if self._write_connection.in_transaction:
                    self._write_connection.execute("ROLLBACK")
                if isinstance(fault, apsw.FullError):
                    self._checkpointer.request_truncation()
                raise
            # Before the caller is answered: what is committed in a file without a name is lost.
            check_path(self._write_connection)
            if self._checkpointer.is_due():
                await self._in_thread(self._checkpointer.run)
            return result

    async def _begin(self) -> None:
        """Take the write lock; if another process has it, wait for it in the thread."""
        self._write_connection.set_busy_timeout(0)
        try:
            self._write_connection.execute("BEGIN IMMEDIATE")
        except apsw.BusyError:
            self._write_connection.set_busy_handler(busy_handler(BUSY_MS))
            await self._in_thread(self._write_connection.execute, "BEGIN IMMEDIATE")

    async def _run_yielding(self, operation: StoreOperation[T]) -> T:
        """Run the statements in the event loop, and yield to other tasks in a long transaction."""
        execute = _Executor(self._write_connection, self._statements)
        resumed_s = perf_counter()

        async def execute_yielding(request: AnyStatement | Batch) -> Any:  # noqa: ANN401 (as _Executor)
            nonlocal resumed_s
            if perf_counter() - resumed_s > _MAX_LOOP_HOLD_S:
                await asyncio.sleep(0)
                resumed_s = perf_counter()
            return execute(request)

        return await run_operation_async(operation, execute_yielding)

    async def _in_thread(self, work: Callable[..., object], *args: object) -> None:
        await asyncio.get_running_loop().run_in_executor(self._sync_thread, work, *args)


class _Executor:
    """Executor on one connection; runs a `StatementMany` once per row, and a batch in its order."""

    def __init__(self, connection: apsw.Connection, statements: Statements) -> None:
        self.cursor = connection.cursor()
        self._statements = statements

    def __call__(self, request: AnyStatement | Batch) -> Any:  # noqa: ANN401 (rows, or a list of them)
        if isinstance(request, Batch):
            return [self(each) for each in request.statements]
        name, params, clauses = request
        named: NamedSql = self._statements.find(name, clauses)
        if isinstance(request, StatementMany):
            return self.cursor.executemany(named.sql, _by_position(named.names, request.rows)).fetchall()
        return self.cursor.execute(named.sql, params).fetchall()


def read_file(path: Path, operation: StoreOperation[T]) -> T:
    """Run one read-only operation on a file without a store, a thread or an event loop."""
    connection = connect_to_read(path)
    try:
        with ERROR_TRANSLATION:
            return run_operation(operation, _Executor(connection, Statements(SqliteStore.dialect)))
    finally:
        connection.close()


def file_bytes(path: Path) -> int:
    """Return the size of a file; 0 if it does not exist, as the WAL does before the first write."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _by_position(names: tuple[str, ...], rows: Sequence[Params]) -> Iterable[tuple[Any, ...]]:
    if isinstance(rows, ParamsTable) and rows.names == names:
        return rows.tuples
    if len(names) == 1:
        return ((row[names[0]],) for row in rows)
    return map(itemgetter(*names), rows)
