"""Ledger operations without I/O: generators that yield statements, receive rows and return a result.

One implementation so serves blocking and async connections.
"""

from collections.abc import Awaitable, Generator, Mapping
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

from calltally.client.once.statements import Dialect, statement

T = TypeVar("T")
Row: TypeAlias = tuple[Any, ...]
Params: TypeAlias = Mapping[str, Any]


class NamedStatement(NamedTuple):
    """Execution of a named statement."""

    name: str
    params: Params


class RawSql(NamedTuple):
    """Execution of SQL text, used for the schema."""

    sql: str


LedgerOperation: TypeAlias = Generator[NamedStatement | RawSql, list[Row], T]


class _SqlExecutor(Protocol):
    @property
    def dialect(self) -> Dialect: ...

    def execute(self, sql: str, params: Params) -> list[Row]: ...


class _AsyncSqlExecutor(Protocol):
    @property
    def dialect(self) -> Dialect: ...

    def execute(self, sql: str, params: Params) -> Awaitable[list[Row]]: ...


def run_operation(operation: LedgerOperation[T], executor: _SqlExecutor) -> T:
    """Run an operation on a blocking connection and return its result."""
    try:
        command = next(operation)
        while True:
            command = operation.send(executor.execute(*_sql_and_params(command, executor.dialect)))
    except StopIteration as end:
        result: T = end.value
        return result


async def run_operation_async(operation: LedgerOperation[T], executor: _AsyncSqlExecutor) -> T:
    """Run an operation on an async connection and return its result."""
    try:
        command = next(operation)
        while True:
            command = operation.send(await executor.execute(*_sql_and_params(command, executor.dialect)))
    except StopIteration as end:
        result: T = end.value
        return result


def _sql_and_params(command: NamedStatement | RawSql, dialect: Dialect) -> tuple[str, Params]:
    if isinstance(command, RawSql):
        return command.sql, {}
    return statement(dialect, command.name), command.params
