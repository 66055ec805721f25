"""Steps on one connection to PostgreSQL: what is asked together goes out together, and so does the end."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

import psycopg

from calltally.store.backends.postgres.pipeline import Link
from calltally.store.backends.postgres.pool import ANSWER_S
from calltally.store.backends.postgres.wire import Asked
from calltally.store.db.interface import RevisionNotVisible
from calltally.store.db.operation import (
    AnyStatement,
    Batch,
    Params,
    ParamsTable,
    Rows,
    Statement,
    StatementMany,
    StoreOperation,
    run_operation_async,
)
from calltally.store.db.statements import NamedSql, Statements

T = TypeVar("T")

_BEGIN_READ: Final = (Asked("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", {}),)
# What is sent up to an end is one transaction by itself, of the kind that the connection has for reading.
_UNTOLD: Final = ()
# What grows with the data is planned for its values, and may take an hour.
_LONG_S: Final = 3_600.0
_BEGIN_LONG: Final = (
    *_BEGIN_READ,
    Asked("SET LOCAL statement_timeout = '1h'", {}),
    Asked("SET LOCAL plan_cache_mode = auto", {}),
    Asked("SET LOCAL enable_seqscan = on", {}),
)
# READ COMMITTED, so that the statement after the lock on a tenant sees what was committed while it waited.
_BEGIN_WRITE: Final = Asked("BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE", {})
# An operator waits for it at a terminal, and it moves a whole table.
_WITHOUT_LIMIT: Final = "meta_without_time_limit"
_MOVE_S: Final = 86_400.0
_COMMIT: Final = Asked("COMMIT", {})
_ROLLBACK: Final = Asked("ROLLBACK", {})


class Asking:
    """Answers the requests of a step. Statements without rows are not waited for."""

    def __init__(self, link: Link, statements: Statements) -> None:
        self._link = link
        self._statements = statements

    @property
    def begin(self) -> tuple[Asked, ...]:
        """What a short read begins with. To say it where it is so anyway takes longer than to read a row.

        Several machines have to be told: else each statement sees a state of its own there.
        """
        return _UNTOLD if self._statements.is_distributed is False else _BEGIN_READ

    async def __call__(self, request: AnyStatement | Batch) -> Any:  # noqa: ANN401 (rows, or a list of them)
        """The rows of a request, or a list of each one's rows."""
        if isinstance(request, Batch):
            return await self._ask_all(request.statements)
        named = self._statements.of(request)
        asked = _asked(named, request)
        if named.returns_rows:
            return (await self._link.ask(asked))[0]
        self._link.tell(asked)
        return []

    async def _ask_all(self, requests: tuple[AnyStatement, ...]) -> list[Rows]:
        return await self._link.ask(*[_asked(self._statements.of(each), each) for each in requests])


class AskingReplica(Asking):
    """The same on a replica: raises Behind, before any answer, unless it shows `revision` of `tenant`."""

    def __init__(self, link: Link, statements: Statements, tenant: str, revision: int) -> None:
        super().__init__(link, statements)
        self._need = revision
        self._head: AnyStatement | None = Statement("head_of_tenant", {"tenant": tenant})
        self.shown = 0

    async def __call__(self, request: AnyStatement | Batch) -> Any:  # noqa: ANN401 (rows, or a list of them)
        """What is asked first goes out with the question how far the replica is."""
        if self._head is None:
            return await super().__call__(request)
        head, self._head = self._head, None
        requests = request.statements if isinstance(request, Batch) else (request,)
        ledger_head, *answers = await self._ask_all((head, *requests))
        self.shown = ledger_head[0][0] if ledger_head else -1
        if self.shown < self._need:
            raise RevisionNotVisible("the read replica is behind")
        return answers if isinstance(request, Batch) else answers[0]


class AskingWriter(Asking):
    """The same in a transaction that writes; `heads` is how far it knows each tenant's ledger to be."""

    def __init__(self, link: Link, statements: Statements) -> None:
        super().__init__(link, statements)
        self.heads: dict[str, int] = {}

    async def __call__(self, request: AnyStatement | Batch) -> Any:  # noqa: ANN401 (rows, or a list of them)
        """Notes the ledgers' heads in passing: they are what a read after the commit must see."""
        answer = await super().__call__(request)
        if isinstance(request, Statement) and request.name == _WITHOUT_LIMIT:
            self._link.answer_s = _MOVE_S
        if isinstance(request, StatementMany):
            if request.name == "lock_heads":
                self.heads.update((row[0], row[1]) for row in answer)
            elif request.name == "move_heads":
                self.heads.update((row["tenant"], row["revision"]) for row in request.rows)
        return answer


async def read_on(link: Link, operation: StoreOperation[T], asking: Asking, *, long: bool = False) -> T:
    """Run a step against one state of the database. Its end is not waited for."""
    begin = _BEGIN_LONG if long else asking.begin
    link.answer_s = _LONG_S + ANSWER_S if long else ANSWER_S
    for each in begin:
        link.tell(each)
    try:
        result = await run_operation_async(operation, asking)
    except BaseException:
        _undo(link, is_told=bool(begin))
        raise
    if begin:
        link.tell(_COMMIT)
    link.end()
    return result


async def commit_on(link: Link, operation: StoreOperation[T], asking: Asking) -> T:
    """Run a step as one transaction; durable on return."""
    link.answer_s = ANSWER_S
    link.tell(_BEGIN_WRITE)
    try:
        result = await run_operation_async(operation, asking)
        link.tell(_COMMIT)
        await link.settle()
    except BaseException:
        _undo(link)
        raise
    return result


def _undo(link: Link, *, is_told: bool = True) -> None:
    """Twice an end if it was told to begin: after a fault the server listens to nothing before the first."""
    # The server rolls back by itself what a lost connection left open; its fault must not hide the first.
    with suppress(psycopg.Error):
        link.end()
        if is_told:
            link.tell(_ROLLBACK)
            link.end()


def _asked(named: NamedSql, request: AnyStatement) -> Asked:
    if isinstance(request, Statement):
        return Asked(named.sql, request.params)
    return Asked(named.sql, request.rows[0] if named.binds_one_row else _arrays(request.rows))


def _arrays(rows: Sequence[Params]) -> Params:
    if isinstance(rows, ParamsTable):
        return dict(zip(rows.names, map(list, zip(*rows.tuples, strict=True)), strict=True))
    return {name: [row[name] for row in rows] for name in rows[0]}
