"""Database conversations without I/O: a step yields statements, is sent their rows, returns its result.

One piece of code so serves a synchronous SQLite connection and an asynchronous PostgreSQL pool,
and a test can run it with a table of canned rows.
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
    """One run of a named statement. `clauses` fills its `/*name*/` places with constant SQL."""

    name: str
    params: Params
    clauses: Clauses = ()


class ParamsTable(Sequence[Params]):
    """Rows of parameters as tuples under one list of names: what a commit has thousands of.

    A mapping a row costs more than to bind it. Whoever looks at single rows gets them as mappings.
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

    The rows that come back stand in no promised order, so each says what it belongs to.
    """

    name: str
    rows: Sequence[Params]
    clauses: Clauses = ()


AnyStatement: TypeAlias = Statement | StatementMany


class Batch(NamedTuple):
    """Requests that do not depend on each other's rows, answered by a list of each one's rows.

    PostgreSQL is sent all of them before any answer is awaited; SQLite takes one after the other.
    Yield it by `together`, which knows what comes back.
    """

    statements: tuple[AnyStatement, ...]


StoreOperation: TypeAlias = Generator[AnyStatement | Batch, Rows, T]


def execute_batch(*requests: AnyStatement) -> StoreOperation[list[Rows]]:
    """The rows of each request, in their order; nothing is sent where there are none."""
    if not requests:
        return []
    answers: Any = yield Batch(requests)
    told: list[Rows] = answers
    return told


def execute_with(request: AnyStatement, asked: AnyStatement | Batch) -> StoreOperation[tuple[Rows, Any]]:
    """The rows of a request, sent with what a step asked; and the answer to that."""
    if isinstance(asked, Batch):
        rows, *answers = yield from execute_batch(request, *asked.statements)
        return rows, answers
    rows, answer = yield from execute_batch(request, asked)
    return rows, answer


def resume(operation: StoreOperation[T], answer: Any) -> StoreOperation[T]:  # noqa: ANN401 (rows, or a list of them)
    """The rest of a step, from the answer to what it asked last."""
    try:
        while True:
            answer = yield operation.send(answer)
    except StopIteration as done:
        result: T = done.value
        return result


def run_operation(operation: StoreOperation[T], execute: Callable[[AnyStatement], Rows]) -> T:
    """Run a step to its result with something that executes its statements at once."""

    def answer(request: AnyStatement | Batch) -> Any:  # noqa: ANN401 (rows, or a list of them)
        if isinstance(request, Batch):
            return [execute(each) for each in request.statements]
        return execute(request)

    try:
        request = next(operation)
        while True:
            request = operation.send(answer(request))
    except StopIteration as done:
        result: T = done.value
        return result


AsyncExecutor: TypeAlias = Callable[[AnyStatement | Batch], Awaitable[Any]]


async def run_operation_async(operation: StoreOperation[T], answer: AsyncExecutor) -> T:
    """Run a step to its result with something that has to be awaited.

    `answer` gives the rows of a request, and a list of each one's rows of several together.
    """
    try:
        request = next(operation)
        while True:
            request = operation.send(await answer(request))
    except StopIteration as done:
        result: T = done.value
        return result


def execute_sequentially(execute: Callable[[AnyStatement], Awaitable[Rows]]) -> AsyncExecutor:
    """Requests that come together are executed one after the other."""

    async def answer(request: AnyStatement | Batch) -> Any:  # noqa: ANN401 (rows, or a list of them)
        if isinstance(request, Batch):
            return [await execute(each) for each in request.statements]
        return await execute(request)

    return answer
