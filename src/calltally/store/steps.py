"""Database conversations without I/O: a step yields statements, is sent their rows, returns its result.

One piece of code so serves a synchronous SQLite connection and an asynchronous PostgreSQL pool,
and a test can run it with a table of canned rows.
"""

from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar

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


class Many(NamedTuple):
    """A named statement over many rows of parameters: a loop on SQLite, one `unnest` on PostgreSQL.

    The rows that come back stand in no promised order, so each says what it belongs to.
    """

    name: str
    rows: Sequence[Params]
    clauses: Clauses = ()


Step: TypeAlias = Generator[Statement | Many, Rows, T]


def drive(step: Step[T], execute: Callable[[Statement | Many], Rows]) -> T:
    """Run a step to its result with something that executes its statements at once."""
    try:
        request = next(step)
        while True:
            request = step.send(execute(request))
    except StopIteration as done:
        result: T = done.value
        return result


async def drive_async(step: Step[T], execute: Callable[[Statement | Many], Awaitable[Rows]]) -> T:
    """Run a step to its result with something that has to be awaited."""
    try:
        request = next(step)
        while True:
            request = step.send(await execute(request))
    except StopIteration as done:
        result: T = done.value
        return result
