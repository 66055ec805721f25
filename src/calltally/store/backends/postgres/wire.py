"""Statements in the form of PostgreSQL's wire protocol, and their pending responses."""

import asyncio
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

from psycopg import pq
from psycopg.adapt import PyFormat

from calltally.store.db.operation import Params, Rows

_PLACEHOLDER: Final = re.compile(r"%\((\w+)\)b|%%")


class BoundStatement(NamedTuple):
    """A statement with placeholders `%(name)b`, and its parameters."""

    sql: str
    params: Params


class ResultCollector:
    """Collector of the rows of several statements; `future` gets them when all have arrived."""

    __slots__ = ("expected", "future", "results")

    def __init__(self, expected: int, future: "asyncio.Future[list[Rows]]") -> None:
        self.expected = expected
        self.future = future
        self.results: list[Rows] = []

    def add(self, rows: Rows) -> None:
        self.results.append(rows)
        if len(self.results) == self.expected and not self.future.done():
            self.future.set_result(self.results)

    def fail(self, fault: Exception) -> None:
        """Fail the future with the reason why no rows will come."""
        if not self.future.done():
            self.future.set_exception(fault)


# Text of a statement and types of its parameters, which identify a prepared statement.
StatementShape: TypeAlias = tuple[bytes, tuple[int, ...]]


class PendingResponse(NamedTuple):
    """A response that the server still has to send: its collector, or the statement that it prepares."""

    collector: ResultCollector | None = None
    prepared: StatementShape | None = None
    is_sync: bool = False
    synced: "asyncio.Future[None] | None" = None


class EncodedStatement(NamedTuple):
    """A statement in the form of the wire protocol."""

    shape: StatementShape
    values: Sequence[Any]
    formats: Sequence[pq.Format] | None


@lru_cache(maxsize=4_096)
def with_numbered_params(sql: str) -> tuple[bytes, tuple[str, ...], Sequence[PyFormat]]:
    """Return the statement with numbered placeholders, the names in their order, and the formats."""
    names: dict[str, int] = {}

    def numbered(found: re.Match[str]) -> str:
        if found[1] is None:
            return "%"
        return f"${names.setdefault(found[1], len(names) + 1)}"

    query = _PLACEHOLDER.sub(numbered, sql).encode()
    return query, tuple(names), [PyFormat.BINARY] * len(names)
