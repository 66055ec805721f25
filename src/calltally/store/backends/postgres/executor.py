"""Executors of operations on one PostgreSQL connection: a batch is sent at once, and so is the end."""

from contextlib import suppress
from typing import Any, Final, TypeVar

import psycopg

from calltally.store.backends.postgres.pipeline import PipelineConnection
from calltally.store.backends.postgres.session_settings import (
    LONG_READ_SETTINGS,
    LONG_READ_TIMEOUT_S,
    RESPONSE_TIMEOUT_S,
)
from calltally.store.backends.postgres.wire import BoundStatement
from calltally.store.db.interface import RevisionNotVisible
from calltally.store.db.operation import (
    AnyStatement,
    Batch,
    ParamsTable,
    Statement,
    StatementMany,
    StoreOperation,
    run_operation_async,
)
from calltally.store.db.statements import NamedSql, Statements

T = TypeVar("T")

_BEGIN_READ: Final = (BoundStatement("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", {}),)
_BEGIN_LONG: Final = (*_BEGIN_READ, *LONG_READ_SETTINGS)
# READ COMMITTED, so that the statement after the lock on a tenant sees what was committed while it waited.
_BEGIN_WRITE: Final = BoundStatement("BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE", {})
# An operator waits for this operation at a terminal, and it moves a whole table.
_NO_TIME_LIMIT: Final = "meta_without_time_limit"
_MOVE_TIMEOUT_S: Final = 86_400.0
_COMMIT: Final = BoundStatement("COMMIT", {})
_ROLLBACK: Final = BoundStatement("ROLLBACK", {})


class PipelineExecutor:
    """Executor of an operation's statements. It does not wait for statements that return no rows."""

    def __init__(self, connection: PipelineConnection, statements: Statements) -> None:
        self._connection = connection
        self._statements = statements

    @property
    def begin_statements(self) -> tuple[BoundStatement, ...]:
        """Statements that begin a short read: none, since sending BEGIN takes longer than reading a row.

        The statements up to a Sync form an implicit transaction, by the connection's default a read-only one.
        On several machines BEGIN is necessary: otherwise each statement sees a different state there.
        """
        return () if self._statements.is_distributed is False else _BEGIN_READ

    async def __call__(self, request: AnyStatement | Batch) -> Any:  # noqa: ANN401 (rows, or a list of them)
        """Return the rows of a statement, or for a batch a list with the rows of each statement."""
        if isinstance(request, Batch):
            bound = [_bind(self._statements.resolve(each), each) for each in request.statements]
            return await self._connection.query(*bound)
        named = self._statements.resolve(request)
        if named.returns_rows:
            return (await self._connection.query(_bind(named, request)))[0]
        self._connection.queue(_bind(named, request))
        return []


class ReplicaExecutor(PipelineExecutor):
    """Executor on a replica. Raises RevisionNotVisible before any answer, unless `revision` is visible."""

    def __init__(
        self, connection: PipelineConnection, statements: Statements, tenant: str, revision: int
    ) -> None:
        super().__init__(connection, statements)
        self._required_revision = revision
        self._head: AnyStatement | None = Statement("head_of_tenant", {"tenant": tenant})
        self.visible_revision = 0

    async def __call__(self, request: AnyStatement | Batch) -> Any:  # noqa: ANN401 (rows, or a list of them)
        """Execute a statement or batch; the first one is sent along with a read of the ledger head."""
        if self._head is None:
            return await super().__call__(request)
        head, self._head = self._head, None
        requests = request.statements if isinstance(request, Batch) else (request,)
        ledger_head, *answers = await super().__call__(Batch((head, *requests)))
        self.visible_revision = ledger_head[0][0] if ledger_head else -1
        if self.visible_revision < self._required_revision:
            raise RevisionNotVisible("the read replica is behind")
        return answers if isinstance(request, Batch) else answers[0]


class WriteExecutor(PipelineExecutor):
    """Executor in a write transaction; `revisions` has the latest revision of each tenant's ledger."""

    def __init__(self, connection: PipelineConnection, statements: Statements) -> None:
        super().__init__(connection, statements)
        self.revisions: dict[str, int] = {}

    async def __call__(self, request: AnyStatement | Batch) -> Any:  # noqa: ANN401 (rows, or a list of them)
        """Execute and note the ledgers' revisions, which a read after the commit must see."""
        answer = await super().__call__(request)
        if isinstance(request, Statement) and request.name == _NO_TIME_LIMIT:
            self._connection.response_timeout_s = _MOVE_TIMEOUT_S
        if isinstance(request, StatementMany):
            if request.name == "lock_heads":
                self.revisions.update((row[0], row[1]) for row in answer)
            elif request.name == "move_heads":
                self.revisions.update((row["tenant"], row["revision"]) for row in request.rows)
        return answer


async def run_read(
    connection: PipelineConnection,
    operation: StoreOperation[T],
    execute: PipelineExecutor,
    *,
    long: bool = False,
) -> T:
    """Run an operation against one state of the database. Does not wait for the end of the transaction."""
    begin_statements = _BEGIN_LONG if long else execute.begin_statements
    connection.response_timeout_s = LONG_READ_TIMEOUT_S + RESPONSE_TIMEOUT_S if long else RESPONSE_TIMEOUT_S
    for each in begin_statements:
        connection.queue(each)
    try:
        result = await run_operation_async(operation, execute)
    except BaseException:
        _roll_back(connection, has_transaction=bool(begin_statements))
        raise
    if begin_statements:
        connection.queue(_COMMIT)
    connection.end_transaction()
    return result


async def run_transaction(
    connection: PipelineConnection, operation: StoreOperation[T], execute: PipelineExecutor
) -> T:
    """Run an operation as one transaction; durable on return."""
    connection.response_timeout_s = RESPONSE_TIMEOUT_S
    connection.queue(_BEGIN_WRITE)
    try:
        result = await run_operation_async(operation, execute)
        connection.queue(_COMMIT)
        await connection.sync()
    except BaseException:
        _roll_back(connection)
        raise
    return result


def _roll_back(connection: PipelineConnection, *, has_transaction: bool = True) -> None:
    """Roll back. After an error the server ignores all until a Sync, so send one before and one after."""
    # The server rolls back for a lost connection; the error of the loss must not hide the first error.
    with suppress(psycopg.Error):
        connection.end_transaction()
        if has_transaction:
            connection.queue(_ROLLBACK)
            connection.end_transaction()


def _bind(named: NamedSql, request: AnyStatement) -> BoundStatement:
    if isinstance(request, Statement):
        return BoundStatement(named.sql, request.params)
    rows = request.rows
    if named.binds_one_row:
        return BoundStatement(named.sql, rows[0])
    if isinstance(rows, ParamsTable):
        columns = map(list, zip(*rows.tuples, strict=True))
        return BoundStatement(named.sql, dict(zip(rows.names, columns, strict=True)))
    return BoundStatement(named.sql, {name: [row[name] for row in rows] for name in rows[0]})
