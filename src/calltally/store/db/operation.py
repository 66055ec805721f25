"""Database operations without I/O: a generator yields statements, receives their rows and returns a result.

One function thus serves a synchronous SQLite connection and an asynchronous PostgreSQL pool, and a test can
run it with a table of canned rows.
"""

from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar, overload

T = TypeVar("T")

Row: TypeAlias = tuple[Any, ...]
Rows: TypeAlias = list[Row]
Params: TypeAlias = Mapping[str, Any]
Clock: TypeAlias = Callable[[], int]


Clauses: TypeAlias = tuple[tuple[str, str], ...]


class Statement(NamedTuple):
    """One execution of a named statement. `clauses` fills its `/*name*/` placeholders with constant SQL."""

    name: str
    params: Params
    clauses: Clauses = ()


class ParamsTable(Sequence[Params]):
    """Rows of parameters as tuples under one list of names, for commits with thousands of rows.

    Building one mapping per row costs more than binding the row. Indexing returns a single row as a mapping.
    """

    __slots__ = ("names", "tuples")

    def __init__(self, names: tuple[str, ...], tuples: Sequence[Row]) -> None:
        self.names = names
        self.tuples = tuples

    def __len__(self) -> int:
        return len(self.tuples)

    @overload
    def __getitem__(self, index: int) -> Params: ...
    @overload
    def __getitem__(self, index: slice) -> "ParamsTable": ...
    def __getitem__(self, index: int | slice) -> "Params | ParamsTable":
        if isinstance(index, slice):
            return ParamsTable(self.names, self.tuples[index])
        return dict(zip(self.names, self.tuples[index], strict=True))


class StatementMany(NamedTuple):
    """A named statement over many rows of parameters: a loop on SQLite, one `unnest` on PostgreSQL.

    The result rows have no guaranteed order, so each row names the input row that it belongs to.
    """

    name: str
    rows: Sequence[Params]
    clauses: Clauses = ()


AnyStatement: TypeAlias = Statement | StatementMany


class Batch(NamedTuple):
    """Independent statements, answered by a list with the rows of each statement.

    PostgreSQL receives all of them before the first answer; SQLite runs them one after the other. Yield a
    batch through `execute_batch`, which has the type of the answer.
    """

    statements: tuple[AnyStatement, ...]


StoreOperation: TypeAlias = Generator[AnyStatement | Batch, Rows, T]


def execute(name: str, **params: object) -> StoreOperation[Rows]:
    """Return the rows of one named statement."""
    return (yield Statement(name, params))


def execute_batch(*statements: AnyStatement) -> StoreOperation[list[Rows]]:
    """Return the rows of each statement, in the order given. Nothing is sent for no statements."""
    if not statements:
        return []
    answers: Any = yield Batch(statements)
    rows_of_each: list[Rows] = answers
    return rows_of_each


def batch_operations(*operations: StoreOperation[Any]) -> StoreOperation[list[Any]]:
    """Run independent operations, the first statements of all of them in one batch; return their results.

    Each operation must yield at least one statement or batch.
    """
    pending = [next(each) for each in operations]
    batches = [each.statements if isinstance(each, Batch) else (each,) for each in pending]
    answers = iter((yield from execute_batch(*(statement for batch in batches for statement in batch))))
    results = []
    for operation, request, batch in zip(operations, pending, batches, strict=True):
        rows = [next(answers) for _ in batch]
        results.append((yield from resume(operation, rows if isinstance(request, Batch) else rows[0])))
    return results


def execute_with(statement: AnyStatement, pending: AnyStatement | Batch) -> StoreOperation[tuple[Rows, Any]]:
    """Execute a statement in one batch with `pending`; return its rows and the answer to `pending`."""
    if isinstance(pending, Batch):
        rows, *answers = yield from execute_batch(statement, *pending.statements)
        return rows, answers
    rows, answer = yield from execute_batch(statement, pending)
    return rows, answer


def resume(operation: StoreOperation[T], answer: Any) -> StoreOperation[T]:  # noqa: ANN401 (rows, or a list of them)
    """Run the rest of an operation, beginning with the answer to the statement that it yielded last."""
    try:
        while True:
            answer = yield operation.send(answer)
    except StopIteration as done:
        result: T = done.value
        return result


def run_operation(operation: StoreOperation[T], execute: Callable[[AnyStatement | Batch], Any]) -> T:
    """Run an operation to its result.

    `execute` returns the rows of a statement, or for a batch a list with the rows of each statement.
    """
    try:
        request = next(operation)
        while True:
            request = operation.send(execute(request))
    except StopIteration as done:
        result: T = done.value
        return result


async def run_operation_async(
    operation: StoreOperation[T], execute: Callable[[AnyStatement | Batch], Awaitable[Any]]
) -> T:
    """Run an operation to its result with an asynchronous executor."""
    try:
        request = next(operation)
        while True:
            request = operation.send(await execute(request))
    except StopIteration as done:
        result: T = done.value
        return result
