"""The user's database connections. No driver is imported here; the class name identifies it.

Over a blocking connection, the coroutines block and never suspend.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from inspect import isawaitable
from typing import Any, ClassVar, Final, Protocol, TypeAlias

from calltally.calls.errors import Fault, Unavailable
from calltally.client.once import statements
from calltally.client.once.errors import TransactionEnded, TransactionOpen, WrongConnection
from calltally.client.once.statements import Dialect

Row: TypeAlias = tuple[Any, ...]
Params: TypeAlias = Mapping[str, Any]

_IDLE_STATUS: Final = 0
# SQLITE_BUSY and SQLITE_LOCKED, without the extended code in the upper bits.
_BUSY_CODES: Final = frozenset({5, 6})
_TRANSACTION_OPEN_MESSAGE: Final = (
    "a transaction is open on this connection: commit it or roll it back first. The claim must be durable "
    "before its effect starts"
)


class Connection(Protocol):
    """Connection of sqlite3, apsw or psycopg, with any autocommit mode and any row factory."""

    def cursor(self) -> object:
        """Return a cursor of the driver."""


class LedgerConnection(ABC):
    """Connection to the ledger of effects. Rows are tuples, independent of the connection's row factory."""

    dialect: ClassVar[Dialect]

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 (of a driver that is not imported here)
        self._connection = connection

    async def execute(self, name: str, params: Params) -> list[Row]:
        """Execute a named statement and return its rows."""
        return await self.execute_sql(statements.statement(self.dialect, name), params)

    @abstractmethod
    async def execute_sql(self, sql: str, params: Params) -> list[Row]:
        """Execute SQL and return its rows."""

    @abstractmethod
    def check_idle(self) -> None:
        """Raise TransactionOpen if a transaction is open."""

    @abstractmethod
    async def commit(self) -> None:
        """Commit the open transaction, if any."""

    @abstractmethod
    async def rollback(self) -> None:
        """Roll back the open transaction, if any."""

    @abstractmethod
    def transaction(self) -> AbstractAsyncContextManager[object]:
        """Return a transaction, or a savepoint in the open one, which its owner commits."""

    @abstractmethod
    def read_transaction(self) -> AbstractAsyncContextManager[object]:
        """Return a context for reads that leaves no transaction open."""


class SqliteConnection(LedgerConnection):
    """Connection of sqlite3 or apsw."""

    dialect = "sqlite"

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 (the same)
        super().__init__(connection)
        # PEP 249 mode of Python 3.12: a transaction is always open, and its owner is unknown.
        self._is_always_open = getattr(connection, "autocommit", None) is False

    async def execute_sql(self, sql: str, params: Params) -> list[Row]:
        cursor = self._connection.cursor()
        if hasattr(cursor, "row_factory"):
            cursor.row_factory = None
        else:
            cursor.row_trace = lambda _cursor, row: row
        cursor.execute(sql, params)
        rows: list[Row] = cursor.fetchall()
        return rows

    def check_idle(self) -> None:
        if self._connection.in_transaction and not self._is_always_open:
            raise TransactionOpen(_TRANSACTION_OPEN_MESSAGE)

    async def commit(self) -> None:
        if self._is_always_open:
            self._connection.commit()
        elif self._connection.in_transaction:
            await self._execute_control(statements.COMMIT)

    async def rollback(self) -> None:
        if self._is_always_open:
            self._connection.rollback()
        elif self._connection.in_transaction:
            await self.execute_sql(statements.ROLLBACK, {})

    def read_transaction(self) -> AbstractAsyncContextManager[object]:
        # Reads need no transaction, and so never block writers.
        return nullcontext()

    def transaction(self) -> AbstractAsyncContextManager[object]:
        if self._is_always_open:
            return self._implicit_transaction()
        return self._savepoint() if self._connection.in_transaction else self._new_transaction()

    @asynccontextmanager
    async def _new_transaction(self) -> AsyncIterator[None]:
        await self._execute_control(statements.BEGIN)
        try:
            yield
            self._check_open()
            await self._execute_control(statements.COMMIT)
        except BaseException:
            await self.rollback()
            raise

    @asynccontextmanager
    async def _savepoint(self) -> AsyncIterator[None]:
        await self.execute_sql(statements.SAVEPOINT, {})
        try:
            yield
            self._check_open()
            await self.execute_sql(statements.RELEASE_SAVEPOINT, {})
        except BaseException:
            if self._connection.in_transaction:
                await self.execute_sql(statements.ROLLBACK_TO_SAVEPOINT, {})
                await self.execute_sql(statements.RELEASE_SAVEPOINT, {})
            raise

    @asynccontextmanager
    async def _implicit_transaction(self) -> AsyncIterator[None]:
        try:
            yield
            self._connection.commit()
        except BaseException:
            self._connection.rollback()
            raise

    def _check_open(self) -> None:
        if not self._connection.in_transaction:
            raise TransactionEnded(
                "the transaction ended inside the block; leave commit and rollback to the block, and do not "
                "use `with connection:` in it"
            )

    async def _execute_control(self, sql: str) -> None:
        try:
            await self.execute_sql(sql, {})
        except Exception as fault:
            if not _is_busy_error(fault):
                raise
            raise Unavailable(
                "the database was locked for longer than this connection waits; nothing was written. Try "
                "again, or give the connection a longer timeout (sqlite3: timeout=…; apsw: set_busy_timeout)"
            ) from fault


class PsycopgConnection(LedgerConnection):
    """Connection of psycopg 3, whose AsyncConnection has the same methods, but returns awaitables."""

    dialect = "postgres"

    async def execute_sql(self, sql: str, params: Params) -> list[Row]:
        cursor = self._connection.cursor(row_factory=lambda _cursor: tuple)
        try:
            await _result(cursor.execute(sql, params))
            rows: list[Row] = await _result(cursor.fetchall()) if cursor.description else []
            return rows
        finally:
            await _result(cursor.close())

    def check_idle(self) -> None:
        if self._connection.info.transaction_status != _IDLE_STATUS:
            raise TransactionOpen(_TRANSACTION_OPEN_MESSAGE)

    async def commit(self) -> None:
        await _result(self._connection.commit())

    async def rollback(self) -> None:
        await _result(self._connection.rollback())

    def read_transaction(self) -> AbstractAsyncContextManager[object]:
        # Without autocommit, a read would leave a transaction open.
        return self.transaction()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        transaction = self._connection.transaction()
        async with AsyncExitStack() as stack:
            if hasattr(transaction, "__aenter__"):
                await stack.enter_async_context(transaction)
            else:
                stack.enter_context(transaction)
            yield


async def _result(value: Any) -> Any:  # noqa: ANN401 (of a driver that is not imported here)
    return await value if isawaitable(value) else value


def blocking_connection(connection: Connection) -> LedgerConnection:
    """Return the ledger's connection over a blocking one. Raises WrongConnection for an unsupported one."""
    names = _class_names(connection)
    if names & {"sqlite3.Connection", "apsw.Connection"}:
        return SqliteConnection(connection)
    if "psycopg.Connection" in names:
        return PsycopgConnection(connection)
    if "psycopg.AsyncConnection" in names:
        raise _wrong_connection("the connection is asynchronous; use calltally.client.once.aio")
    raise _wrong_connection(
        f"{type(connection)!r} is not a connection of sqlite3, apsw or psycopg; if it is a wrapper, pass the "
        "driver's own connection"
    )


def async_connection(connection: Connection) -> LedgerConnection:
    """Return the ledger's connection over an async one. Raises WrongConnection for another."""
    if "psycopg.AsyncConnection" not in _class_names(connection):
        raise _wrong_connection(
            f"calltally.client.once.aio needs psycopg's AsyncConnection, not {type(connection)!r}"
        )
    return PsycopgConnection(connection)


def _class_names(connection: object) -> set[str]:
    return {f"{each.__module__}.{each.__qualname__}" for each in type(connection).__mro__}


def _wrong_connection(detail: str) -> WrongConnection:
    return WrongConnection(detail, (Fault("connection", detail),))


def _is_busy_error(fault: Exception) -> bool:
    # The attribute is sqlite_errorcode in sqlite3 and result in apsw.
    code = getattr(fault, "sqlite_errorcode", None) or getattr(fault, "result", None) or 0
    return (int(code) & 0xFF) in _BUSY_CODES
