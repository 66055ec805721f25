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


class Table(Sequence[Params]):
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
    def __getitem__(self, index: slice) -> "Table": ...
    def __getitem__(self, index: int | slice) -> "Params | Table":
        if isinstance(index, slice):
            return Table(self.names, self.tuples[index])
        return dict(zip(self.names, self.tuples[index], strict=True))


class Many(NamedTuple):
    """A named statement over many rows of parameters: a loop on SQLite, one `unnest` on PostgreSQL.

    The rows that come back stand in no promised order, so each says what it belongs to.
    """

    name: str
    rows: Sequence[Params]
    clauses: Clauses = ()


Request: TypeAlias = Statement | Many


class Together(NamedTuple):
    """Requests that do not depend on each other's rows, answered by a list of each one's rows.

    PostgreSQL is sent all of them before any answer is awaited; SQLite takes one after the other.
    Yield it by `together`, which knows what comes back.
    """

    requests: tuple[Request, ...]


Step: TypeAlias = Generator[Request | Together, Rows, T]


def together(*requests: Request) -> Step[list[Rows]]:
    """The rows of each request, in their order; nothing is sent where there are none."""
    if not requests:
        return []
    answers: Any = yield Together(requests)
    told: list[Rows] = answers
    return told


def with_another(request: Request, asked: Request | Together) -> Step[tuple[Rows, Any]]:
    """The rows of a request, sent with what a step asked; and the answer to that."""
    if isinstance(asked, Together):
        rows, *answers = yield from together(request, *asked.requests)
        return rows, answers
    rows, answer = yield from together(request, asked)
    return rows, answer


def resumed(step: Step[T], answer: Any) -> Step[T]:  # noqa: ANN401 (rows, or a list of them)
    """The rest of a step, from the answer to what it asked last."""
    try:
        while True:
            answer = yield step.send(answer)
    except StopIteration as done:
        result: T = done.value
        return result


def drive(step: Step[T], execute: Callable[[Request], Rows]) -> T:
    """Run a step to its result with something that executes its statements at once."""

    def answer(request: Request | Together) -> Any:  # noqa: ANN401 (rows, or a list of them)
        if isinstance(request, Together):
            return [execute(each) for each in request.requests]
        return execute(request)

    try:
        request = next(step)
        while True:
            request = step.send(answer(request))
    except StopIteration as done:
        result: T = done.value
        return result


Answer: TypeAlias = Callable[[Request | Together], Awaitable[Any]]


async def drive_async(step: Step[T], answer: Answer) -> T:
    """Run a step to its result with something that has to be awaited.

    `answer` gives the rows of a request, and a list of each one's rows of several together.
    """
    try:
        request = next(step)
        while True:
            request = step.send(await answer(request))
    except StopIteration as done:
        result: T = done.value
        return result


def one_by_one(execute: Callable[[Request], Awaitable[Rows]]) -> Answer:
    """Requests that come together are executed one after the other."""

    async def answer(request: Request | Together) -> Any:  # noqa: ANN401 (rows, or a list of them)
        if isinstance(request, Together):
            return [await execute(each) for each in request.requests]
        return await execute(request)

    return answer
