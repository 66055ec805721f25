"""Adapters of the user's database connections. They import no driver; the class name identifies it."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final, Protocol, TypeAlias

from calltally.calls.errors import Fault, Unavailable
from calltally.client.once import statements
from calltally.client.once.errors import TransactionEnded, TransactionOpen, WrongConnection
from calltally.client.once.sans_io import Params, Row
from calltally.client.once.statements import Dialect

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


class SqliteAdapter:
    """Adapter of sqlite3 and apsw."""

    dialect: Final[Dialect] = "sqlite"

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 (of a driver that is not imported here)
        self._connection = connection
        # PEP 249 mode of Python 3.12: a transaction is always open, and its owner is unknown.
        self._is_always_open = getattr(connection, "autocommit", None) is False

    def execute(self, sql: str, params: Params) -> list[Row]:
        """Execute SQL and return the rows as tuples, independent of the connection's row factory."""
        cursor = self._connection.cursor()
        if hasattr(cursor, "row_factory"):
            cursor.row_factory = None
        else:
            cursor.row_trace = _plain_row
        cursor.execute(sql, params)
        rows: list[Row] = cursor.fetchall()
        return rows

    def check_idle(self) -> None:
        """Raise TransactionOpen if a transaction is open."""
        if self._connection.in_transaction and not self._is_always_open:
            raise TransactionOpen(_TRANSACTION_OPEN_MESSAGE)

    def commit(self) -> None:
        """Commit the open transaction, if any."""
        if self._is_always_open:
            self._connection.commit()
        elif self._connection.in_transaction:
            self._execute_control(statements.COMMIT)

    def rollback(self) -> None:
        """Roll back the open transaction, if any."""
        if self._is_always_open:
            self._connection.rollback()
        elif self._connection.in_transaction:
            self.execute(statements.ROLLBACK, {})

    def read_transaction(self) -> AbstractContextManager[object]:
        """Return an empty context: reads need no transaction, and so never block writers."""
        return nullcontext()

    def transaction(self) -> AbstractContextManager[object]:
        """Return a transaction, or a savepoint in the open one, which its owner commits."""
        if self._is_always_open:
            return self._implicit_transaction()
        return self._savepoint() if self._connection.in_transaction else self._new_transaction()

    @contextmanager
    def _new_transaction(self) -> Iterator[None]:
        self._execute_control(statements.BEGIN)
        try:
            yield
            self._check_open()
            self._execute_control(statements.COMMIT)
        except BaseException:
            self.rollback()
            raise

    @contextmanager
    def _savepoint(self) -> Iterator[None]:
        self.execute(statements.SAVEPOINT, {})
        try:
            yield
            self._check_open()
            self.execute(statements.RELEASE_SAVEPOINT, {})
        except BaseException:
            if self._connection.in_transaction:
                self.execute(statements.ROLLBACK_TO_SAVEPOINT, {})
                self.execute(statements.RELEASE_SAVEPOINT, {})
            raise

    @contextmanager
    def _implicit_transaction(self) -> Iterator[None]:
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

    def _execute_control(self, sql: str) -> None:
        try:
            self.execute(sql, {})
        except Exception as fault:
            if not _is_busy_error(fault):
                raise
            raise Unavailable(
                "the database was locked for longer than this connection waits; nothing was written. Try "
                "again, or give the connection a longer timeout (sqlite3: timeout=…; apsw: set_busy_timeout)"
            ) from fault


class PsycopgAdapter:
    """Adapter of psycopg 3."""

    dialect: Final[Dialect] = "postgres"

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 (of a driver that is not imported here)
        self._connection = connection

    def execute(self, sql: str, params: Params) -> list[Row]:
        """Execute SQL and return the rows as tuples, independent of the connection's row factory."""
        with self._connection.cursor(row_factory=_tuple_row_factory) as cursor:
            cursor.execute(sql, params)
            return cursor.fetchall() if cursor.description else []

    def check_idle(self) -> None:
        """Raise TransactionOpen if a transaction is open."""
        _check_idle(self._connection)

    def commit(self) -> None:
        """Commit the open transaction, if any."""
        self._connection.commit()

    def rollback(self) -> None:
        """Roll back the open transaction, if any."""
        self._connection.rollback()

    def read_transaction(self) -> AbstractContextManager[object]:
        """Return a transaction, because without autocommit a read would leave one open."""
        return self.transaction()

    def transaction(self) -> AbstractContextManager[object]:
        """Return a transaction, or a savepoint in the open one, which its owner commits."""
        transaction: AbstractContextManager[object] = self._connection.transaction()
        return transaction


class AsyncPsycopgAdapter:
    """Adapter of psycopg 3's AsyncConnection."""

    dialect: Final[Dialect] = "postgres"

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 (of a driver that is not imported here)
        self._connection = connection

    async def execute(self, sql: str, params: Params) -> list[Row]:
        """Execute SQL and return the rows as tuples, independent of the connection's row factory."""
        async with self._connection.cursor(row_factory=_tuple_row_factory) as cursor:
            await cursor.execute(sql, params)
            return await cursor.fetchall() if cursor.description else []

    def check_idle(self) -> None:
        """Raise TransactionOpen if a transaction is open."""
        _check_idle(self._connection)

    async def commit(self) -> None:
        """Commit the open transaction, if any."""
        await self._connection.commit()

    async def rollback(self) -> None:
        """Roll back the open transaction, if any."""
        await self._connection.rollback()

    def transaction(self) -> AbstractAsyncContextManager[object]:
        """Return a transaction, or a savepoint in the open one, which its owner commits."""
        transaction: AbstractAsyncContextManager[object] = self._connection.transaction()
        return transaction


ConnectionAdapter: TypeAlias = SqliteAdapter | PsycopgAdapter


def adapter_for(connection: Connection) -> ConnectionAdapter:
    """Return the adapter of a connection. Raises WrongConnection for an unsupported one."""
    names = _class_names(connection)
    if names & {"sqlite3.Connection", "apsw.Connection"}:
        return SqliteAdapter(connection)
    if "psycopg.Connection" in names:
        return PsycopgAdapter(connection)
    if "psycopg.AsyncConnection" in names:
        raise _wrong_connection("the connection is asynchronous; use calltally.client.once.aio")
    raise _wrong_connection(
        f"{type(connection)!r} is not a connection of sqlite3, apsw or psycopg; if it is a wrapper, pass the "
        "driver's own connection"
    )


def async_adapter_for(connection: Connection) -> AsyncPsycopgAdapter:
    """Return the adapter of an async connection. Raises WrongConnection for another."""
    if "psycopg.AsyncConnection" not in _class_names(connection):
        raise _wrong_connection(
            f"calltally.client.once.aio needs psycopg's AsyncConnection, not {type(connection)!r}"
        )
    return AsyncPsycopgAdapter(connection)


def _class_names(connection: object) -> set[str]:
    return {f"{each.__module__}.{each.__qualname__}" for each in type(connection).__mro__}


def _wrong_connection(detail: str) -> WrongConnection:
    return WrongConnection(detail, (Fault("connection", detail),))


def _check_idle(connection: Any) -> None:  # noqa: ANN401 (of a driver that is not imported here)
    if connection.info.transaction_status != _IDLE_STATUS:
        raise TransactionOpen(_TRANSACTION_OPEN_MESSAGE)


def _is_busy_error(fault: Exception) -> bool:
    # The attribute is sqlite_errorcode in sqlite3 and result in apsw.
    code = getattr(fault, "sqlite_errorcode", None) or getattr(fault, "result", None) or 0
    return (int(code) & 0xFF) in _BUSY_CODES


def _plain_row(_cursor: object, row: Row) -> Row:
    return row


def _tuple_row_factory(_cursor: object) -> type[Row]:
    return tuple
