"""Conversations with the ledger without I/O: a step yields statements, is sent their rows, returns a result.

So one piece of code serves connections that are awaited and those that are not.
"""

from collections.abc import Awaitable, Generator, Mapping
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

from calltally.client.once.statements import Dialect, statement

T = TypeVar("T")
Row: TypeAlias = tuple[Any, ...]
Params: TypeAlias = Mapping[str, Any]


class Statement(NamedTuple):
    """One run of a named statement."""

    name: str
    params: Params


class Plain(NamedTuple):
    """One run of SQL as it stands: the schema's own."""

    sql: str


Step: TypeAlias = Generator[Statement | Plain, list[Row], T]


class _Link(Protocol):
    @property
    def dialect(self) -> Dialect: ...

    def execute(self, sql: str, params: Params) -> list[Row]: ...


class _AsyncLink(Protocol):
    @property
    def dialect(self) -> Dialect: ...

    def execute(self, sql: str, params: Params) -> Awaitable[list[Row]]: ...


def drive(step: Step[T], link: _Link) -> T:
    """Run a step to its result."""
    try:
        request = next(step)
        while True:
            request = step.send(link.execute(*_words(request, link.dialect)))
    except StopIteration as end:
        result: T = end.value
        return result


async def drive_async(step: Step[T], link: _AsyncLink) -> T:
    """Run a step to its result over a connection that is awaited."""
    try:
        request = next(step)
        while True:
            request = step.send(await link.execute(*_words(request, link.dialect)))
    except StopIteration as end:
        result: T = end.value
        return result


def _words(request: Statement | Plain, dialect: Dialect) -> tuple[str, Params]:
    if isinstance(request, Plain):
        return request.sql, {}
    return statement(dialect, request.name), request.params
