"""A user's own connection, as the ledger speaks to it. No driver is imported: it says what it is."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final, Protocol, TypeAlias

from calltally.calls.errors import Fault, Unavailable
from calltally.client.once import statements
from calltally.client.once.errors import TransactionEnded, TransactionOpen, WrongConnection
from calltally.client.once.sans_io import Params, Row
from calltally.client.once.statements import Dialect

_IDLE: Final = 0
# SQLITE_BUSY and SQLITE_LOCKED, without what is told beside them in the upper bits.
_TAKEN: Final = frozenset({5, 6})
_OPEN: Final = (
    "a transaction is open on this connection: commit it or roll it back first. The claim must be on disk "
    "before its effect begins"
)


class Connection(Protocol):
    """A connection of sqlite3, apsw or psycopg. Autocommit may be on or off, rows may be of any shape."""

    def cursor(self) -> object:
        """Whatever its driver makes of it."""


class SqliteLink:
    """sqlite3 and apsw."""

    dialect: Final[Dialect] = "sqlite"

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 (of a driver that is not imported here)
        self._connection = connection
        # Python 3.12's way after PEP 249: some transaction is open at any time, and nobody can tell whose.
        self._is_always_open = getattr(connection, "autocommit", None) is False

    def execute(self, sql: str, params: Params) -> list[Row]:
        """The rows as tuples, whatever the connection makes of rows elsewhere."""
        cursor = self._connection.cursor()
        if hasattr(cursor, "row_factory"):
            cursor.row_factory = None
        else:
            cursor.row_trace = _as_it_is
        cursor.execute(sql, params)
        rows: list[Row] = cursor.fetchall()
        return rows

    def check_idle(self) -> None:
        """Raise TransactionOpen where one is."""
        if self._connection.in_transaction and not self._is_always_open:
            raise TransactionOpen(_OPEN)

    def commit(self) -> None:
        """End what is open, if anything."""
        if self._is_always_open:
            self._connection.commit()
        elif self._connection.in_transaction:
            self._wait_for(statements.COMMIT)

    def rollback(self) -> None:
        """Undo what is open, if anything."""
        if self._is_always_open:
            self._connection.rollback()
        elif self._connection.in_transaction:
            self.execute(statements.ROLLBACK, {})

    def reading(self) -> AbstractContextManager[object]:
        """Statements that only read: each sees the database as it is, and none of them keeps writers out."""
        return nullcontext()

    def transaction(self) -> AbstractContextManager[object]:
        """A transaction, or a part of the one that is open, which then is its owner's to commit."""
        if self._is_always_open:
            return self._continued()
        return self._nested() if self._connection.in_transaction else self._begun()

    @contextmanager
    def _begun(self) -> Iterator[None]:
        self._wait_for(statements.BEGIN)
        try:
            yield
            self._check_open()
            self._wait_for(statements.COMMIT)
        except BaseException:
            self.rollback()
            raise

    @contextmanager
    def _nested(self) -> Iterator[None]:
        self.execute(statements.SAVE, {})
        try:
            yield
            self._check_open()
            self.execute(statements.RELEASE, {})
        except BaseException:
            if self._connection.in_transaction:
                self.execute(statements.BACK_TO, {})
                self.execute(statements.RELEASE, {})
            raise

    @contextmanager
    def _continued(self) -> Iterator[None]:
        try:
            yield
            self._connection.commit()
        except BaseException:
            self._connection.rollback()
            raise

    def _check_open(self) -> None:
        if not self._connection.in_transaction:
            raise TransactionEnded(
                "the transaction was ended inside the block; leave commit and rollback to the block, and do "
                "not use `with connection:` in it"
            )

    def _wait_for(self, sql: str) -> None:
        try:
            self.execute(sql, {})
        except Exception as fault:
            if not _is_taken(fault):
                raise
            raise Unavailable(
                "another has the database for longer than this connection waits; nothing was written. Try "
                "again, or give the connection a longer timeout (sqlite3: timeout=…; apsw: set_busy_timeout)"
            ) from fault


class PsycopgLink:
    """psycopg 3."""

    dialect: Final[Dialect] = "postgres"

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 (of a driver that is not imported here)
        self._connection = connection

    def execute(self, sql: str, params: Params) -> list[Row]:
        """The rows as tuples, whatever the connection makes of rows elsewhere."""
        with self._connection.cursor(row_factory=_tuples) as cursor:
            cursor.execute(sql, params)
            return cursor.fetchall() if cursor.description else []

    def check_idle(self) -> None:
        """Raise TransactionOpen where one is."""
        _check_idle(self._connection)

    def commit(self) -> None:
        """End what is open, if anything."""
        self._connection.commit()

    def rollback(self) -> None:
        """Undo what is open, if anything."""
        self._connection.rollback()

    def reading(self) -> AbstractContextManager[object]:
        """Statements that only read: a transaction too, since one would be left open without autocommit."""
        return self.transaction()

    def transaction(self) -> AbstractContextManager[object]:
        """A transaction, or a part of the one that is open, which then is its owner's to commit."""
        transaction: AbstractContextManager[object] = self._connection.transaction()
        return transaction


class AsyncPsycopgLink:
    """psycopg 3, its AsyncConnection."""

    dialect: Final[Dialect] = "postgres"

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 (of a driver that is not imported here)
        self._connection = connection

    async def execute(self, sql: str, params: Params) -> list[Row]:
        """The rows as tuples, whatever the connection makes of rows elsewhere."""
        async with self._connection.cursor(row_factory=_tuples) as cursor:
            await cursor.execute(sql, params)
            return await cursor.fetchall() if cursor.description else []

    def check_idle(self) -> None:
        """Raise TransactionOpen where one is."""
        _check_idle(self._connection)

    async def commit(self) -> None:
        """End what is open, if anything."""
        await self._connection.commit()

    async def rollback(self) -> None:
        """Undo what is open, if anything."""
        await self._connection.rollback()

    def transaction(self) -> AbstractAsyncContextManager[object]:
        """A transaction, or a part of the one that is open, which then is its owner's to commit."""
        transaction: AbstractAsyncContextManager[object] = self._connection.transaction()
        return transaction


Link: TypeAlias = SqliteLink | PsycopgLink


def link(connection: Connection) -> Link:
    """How to speak to a connection; raises WrongConnection for one that none of it fits."""
    names = _names(connection)
    if names & {"sqlite3.Connection", "apsw.Connection"}:
        return SqliteLink(connection)
    if "psycopg.Connection" in names:
        return PsycopgLink(connection)
    if "psycopg.AsyncConnection" in names:
        raise _wrong("this one is asynchronous: use calltally.client.once.aio")
    raise _wrong(
        f"{type(connection)!r} is no connection of sqlite3, apsw or psycopg; of a wrapper, hand over the "
        "driver's own connection that is inside"
    )


def async_link(connection: Connection) -> AsyncPsycopgLink:
    """The same for a connection that is awaited."""
    if "psycopg.AsyncConnection" not in _names(connection):
        raise _wrong(f"calltally.client.once.aio takes psycopg's AsyncConnection, not {type(connection)!r}")
    return AsyncPsycopgLink(connection)


def _names(connection: object) -> set[str]:
    return {f"{each.__module__}.{each.__qualname__}" for each in type(connection).__mro__}


def _wrong(detail: str) -> WrongConnection:
    return WrongConnection(detail, (Fault("connection", detail),))


def _check_idle(connection: Any) -> None:  # noqa: ANN401 (of a driver that is not imported here)
    if connection.info.transaction_status != _IDLE:
        raise TransactionOpen(_OPEN)


def _is_taken(fault: Exception) -> bool:
    # sqlite3 calls it sqlite_errorcode, apsw result.
    code = getattr(fault, "sqlite_errorcode", None) or getattr(fault, "result", None) or 0
    return (int(code) & 0xFF) in _TAKEN


def _as_it_is(_cursor: object, row: Row) -> Row:
    return row


def _tuples(_cursor: object) -> type[Row]:
    return tuple
