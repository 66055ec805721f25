"""The embedded store: SQLite in WAL by apsw. Nothing to install, one file, one writer."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from threading import Event, Lock, Thread
from time import perf_counter
from typing import Any, Final, TypeVar

import apsw

from calltally.calls.errors import DamagedStore, Misconfigured, Unavailable
from calltally.store.schema import NO_TABLES
from calltally.store.statements import NamedSql, Statements
from calltally.store.steps import (
    Clock,
    Many,
    Params,
    Request,
    Rows,
    Step,
    Table,
    drive,
    drive_async,
    one_by_one,
)
from calltally.store.store import Recorded, Submission
from calltally.store.turn import Turn
from calltally.store.writer import Writer

T = TypeVar("T")

_BUSY_MS: Final = 10_000
_CACHE_KIB: Final = 64 * 1024
_PAGE_BYTES: Final = 4096
# More than any file has: SQLite maps what there is of it.
_MAPPED_BYTES: Final = 1 << 40
_APART_CACHE_KIB: Final = 8 * 1024
_MOST_APART: Final = 4
# How long a transaction may keep the loop from reads that wait.
_TURN_S: Final = 0.002
# From here on a second thread copies the WAL back beside the writer: inside a commit it would
# make the slowest commits ten times slower.
_CHECKPOINT_PAGES: Final = 2_000
_ROUNDS: Final = 4
# What the writer copies in a few milliseconds.
_LAST_PAGES: Final = 400
# Above this the writer itself waits until the WAL is empty: readers must not let it grow for ever.
_WAL_CAP_BYTES: Final = 192 * 1024 * 1024
_NOT_NOW: Final = (
    apsw.BusyError,
    apsw.LockedError,
    apsw.FullError,
    apsw.IOError,
    apsw.CantOpenError,
    apsw.ReadOnlyError,
)


class SqliteStore:
    """One database file. Reads run where they are awaited, on a connection that never writes."""

    dialect = "sqlite"

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._statements = Statements(self.dialect)
        self._reader = _connect_to_read(path)
        # A page of the list lies on a dozen pages of the file; a system call for each took half of its time.
        # Only here: what long reads touch would be counted as this process's memory.
        self._reader.pragma("mmap_size", _MAPPED_BYTES)
        # Idle readers of threads: a stream reads thousands of chunks, half as fast with a new one for each.
        self._apart: list[apsw.Connection] = []
        self._writing = connect(path)
        self._turn = Turn(path)
        self._checkpoints = _Checkpoints(path, self._writing)
        # What waits for the disk. SQLite leaves the interpreter alone meanwhile, so the loop goes on.
        self._syncing = ThreadPoolExecutor(1, "calltally-sync")
        self._writer = Writer(self._transact, clock)

    @property
    def waiting(self) -> int:
        """Requests that wait for the writer now."""
        return self._writer.waiting

    async def read(self, step: Step[T], *, long: bool = False) -> T:
        """Run a reading step at once, since a seek costs less than a thread; a `long` one in a thread."""
        if long:
            return await asyncio.to_thread(self._read_apart, step)
        return self._read(self._reader, step)

    def _read_apart(self, step: Step[T]) -> T:
        try:
            connection = self._apart.pop()
        except IndexError:
            connection = _connect_to_read(self._path)
            connection.pragma("cache_size", -_APART_CACHE_KIB)
        try:
            result = self._read(connection, step)
        except BaseException:
            connection.close()
            raise
        if len(self._apart) < _MOST_APART:
            self._apart.append(connection)
        else:
            connection.close()
        return result

    def _read(self, connection: apsw.Connection, step: Step[T]) -> T:
        with _told_apart():
            connection.execute("BEGIN")
            try:
                return drive(step, _Executor(connection, self._statements))
            finally:
                connection.execute("COMMIT")

    async def read_tenant(
        self,
        tenant: str,  # noqa: ARG002 (there are no replicas of a file)
        make: Callable[[], Step[T]],
        *,
        at_least: int = 0,  # noqa: ARG002 (the same)
        long: bool = False,
    ) -> T:
        """Run a step that reads one tenant's ledger."""
        return await self.read(make(), long=long)

    async def write(self, step: Step[T]) -> T:
        """Run a step as one transaction of the writer."""
        return await self._writer.write(step)

    async def submit(self, submissions: Sequence[Submission]) -> list[Recorded]:
        """Record facts with whatever else is queued."""
        return await self._writer.submit(submissions) if submissions else []

    def watch(self, told: Callable[[], None]) -> Callable[[], None]:
        """Have `told` called behind each commit of facts, until what is returned is called."""
        return self._writer.watch(told)

    async def close(self) -> None:
        """Finish what is queued and close the file."""
        await self._writer.close()
        self._turn.close()
        self._syncing.shutdown()
        self._checkpoints.close()
        self._writing.close()
        self._reader.close()
        while self._apart:
            self._apart.pop().close()

    async def _transact(self, step: Step[T]) -> T:
        with _told_apart():
            async with self._turn.taken(_BUSY_MS / 1000):
                return await self._transact_in_turn(step)

    async def _transact_in_turn(self, step: Step[T]) -> T:
        await self._begin()
        try:
            result = await self._drive(step)
            await self._off_loop(self._writing.execute, "COMMIT")
        except BaseException:
            if self._writing.in_transaction:
                self._writing.execute("ROLLBACK")
            raise
        if self._checkpoints.is_due():
            await self._off_loop(self._checkpoints.run)
        return result

    async def _begin(self) -> None:
        """Take the write lock; where a program has it that knows no turns, wait for it beside the loop."""
        self._writing.set_busy_timeout(0)
        try:
            self._writing.execute("BEGIN IMMEDIATE")
        except apsw.BusyError:
            self._writing.set_busy_timeout(_BUSY_MS)
            await self._off_loop(self._writing.execute, "BEGIN IMMEDIATE")

    async def _drive(self, step: Step[T]) -> T:
        """Run the statements in the loop, but let others have a turn in a long transaction."""
        execute = _Executor(self._writing, self._statements)
        turn = perf_counter()

        async def execute_in_turn(request: Request) -> Rows:
            nonlocal turn
            if perf_counter() - turn > _TURN_S:
                await asyncio.sleep(0)
                turn = perf_counter()
            return execute(request)

        return await drive_async(step, one_by_one(execute_in_turn))

    async def _off_loop(self, work: Callable[..., object], *args: object) -> None:
        await asyncio.get_running_loop().run_in_executor(self._syncing, work, *args)


class _Executor:
    """Runs statements on one connection; a `Many` is the statement once a row."""

    def __init__(self, connection: apsw.Connection, statements: Statements) -> None:
        self._cursor = connection.cursor()
        self._statements = statements

    def __call__(self, request: Request) -> Rows:
        name, params, clauses = request
        named: NamedSql = self._statements.find(name, clauses)
        if isinstance(request, Many):
            return self._cursor.executemany(named.sql, _by_place(named.names, request.rows)).fetchall()
        return self._cursor.execute(named.sql, params).fetchall()


def _by_place(names: tuple[str, ...], rows: Sequence[Params]) -> Iterable[tuple[Any, ...]]:
    if isinstance(rows, Table) and rows.names == names:
        return rows.tuples
    if len(names) == 1:
        return ((row[names[0]],) for row in rows)
    return map(itemgetter(*names), rows)


class _Checkpoints:
    """Keeps the WAL short without holding up commits.

    A thread copies most of it back beside the writer. While commits go on it never gets to the end, and
    only a WAL that was copied to its end begins anew; so the writer copies the last few pages itself,
    between two transactions. A checkpoint that finds the database busy is no fault: the commit before
    it stands, and the next commit brings the next try.
    """

    def __init__(self, path: Path, writing: apsw.Connection) -> None:
        self._path = path
        self._writing = writing
        self._wanted = Event()
        self._turn = Lock()
        self._ended = self._nearly_done = False
        self._pages = 0
        writing.set_wal_hook(self._note)
        self._thread = Thread(target=self._work, name="calltally-checkpoints", daemon=True)
        self._thread.start()

    def _note(self, _connection: apsw.Connection, _database: str, pages: int) -> int:
        self._pages = pages
        return apsw.SQLITE_OK

    def is_due(self) -> bool:
        """Ask between transactions: wakes the thread in time, and says when it is the writer's turn."""
        if self._nearly_done or self._pages * _PAGE_BYTES > _WAL_CAP_BYTES:
            return True
        if self._pages > _CHECKPOINT_PAGES:
            self._wanted.set()
        return False

    def run(self) -> None:
        """The writer's turn; to be called between transactions."""
        is_over_cap = self._pages * _PAGE_BYTES > _WAL_CAP_BYTES
        # Beside the loop there is time to wait for a reader to end; but only above the cap it is worth it.
        self._writing.set_busy_timeout(_BUSY_MS if is_over_cap else 0)
        with self._turn:
            self._nearly_done = False
            mode = apsw.SQLITE_CHECKPOINT_TRUNCATE if is_over_cap else apsw.SQLITE_CHECKPOINT_PASSIVE
            _checkpoint(self._writing, mode)

    def close(self) -> None:
        """End the thread; the last connection that closes empties the WAL."""
        self._ended = True
        self._wanted.set()
        self._thread.join()

    def _work(self) -> None:
        connection = connect(self._path)
        while self._wanted.wait() and not self._ended:
            self._wanted.clear()
            with self._turn:
                self._nearly_done = self._copy_most(connection)
        connection.close()

    def _copy_most(self, connection: apsw.Connection) -> bool:
        """Each round leaves what was written during it; says whether that is little enough now."""
        for _ in range(_ROUNDS):
            copied = _checkpoint(connection, apsw.SQLITE_CHECKPOINT_PASSIVE)
            if self._pages - copied < _LAST_PAGES:
                return True
        return False


def _checkpoint(connection: apsw.Connection, mode: int) -> int:
    """How many pages of the WAL are copied after a checkpoint of that mode; 0 where it could not run."""
    try:
        _pages, copied = connection.wal_checkpoint(mode=mode)
    except (apsw.BusyError, apsw.LockedError):
        return 0
    return copied


def connect(path: Path) -> apsw.Connection:
    """A connection with the settings that the ledger's promises rest on.

    `synchronous=FULL` syncs the WAL in each commit: with NORMAL an acknowledged fact could be lost
    with the power. Grouped, it costs a tenth of the rate.
    """
    with _told_apart():
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        connection.set_busy_timeout(_BUSY_MS)
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "FULL")
        connection.pragma("cache_size", -_CACHE_KIB)
        return connection


def _connect_to_read(path: Path) -> apsw.Connection:
    connection = connect(path)
    connection.pragma("query_only", "on")
    return connection


@contextmanager
def _told_apart() -> Iterator[None]:
    """A database that cannot answer now is not a fault of the program."""
    try:
        yield
    except _NOT_NOW as fault:
        message = f"the database cannot answer now ({fault}); nothing was recorded, try again"
        raise Unavailable(message) from fault
    except apsw.NotADBError as fault:
        message = "the file that CALLTALLY_DATABASE_URL names is no SQLite database"
        raise Misconfigured(message) from fault
    except apsw.CorruptError as fault:
        message = f"the database file is damaged ({fault}); restore it from a backup"
        raise DamagedStore(message) from fault
    except apsw.SQLError as fault:
        if not str(fault).startswith("no such table"):
            raise
        raise Misconfigured(NO_TABLES) from fault
