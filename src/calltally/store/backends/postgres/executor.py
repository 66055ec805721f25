"""Executors of statements on one PostgreSQL connection: a batch is sent at once."""

from typing import Any, Final

from calltally.store.backends.postgres.pipeline import PipelineConnection
from calltally.store.backends.postgres.wire import BoundStatement
from calltally.store.db.interface import RevisionNotVisible
from calltally.store.db.operation import (
    AnyStatement,
    Batch,
    ParamsTable,
    Statement,
    StatementMany,
)
from calltally.store.db.statements import NamedSql, Statements

# An operator waits for this operation at a terminal, and it moves a whole table.
_NO_TIME_LIMIT: Final = "meta_without_time_limit"
_MOVE_TIMEOUT_S: Final = 86_400.0


class PipelineExecutor:
    """Executor of an operation's statements. It does not wait for statements that return no rows."""

    def __init__(self, connection: PipelineConnection, statements: Statements) -> None:
        self._connection = connection
        self._statements = statements

    @property
    def is_distributed(self) -> bool | None:
        """True where tenants may be on different machines; None until the database was checked."""
        return self._statements.is_distributed

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
