"""What is asked of PostgreSQL as it goes over the wire, and the answers that are owed for it."""

import asyncio
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

from psycopg import pq
from psycopg.adapt import PyFormat

from calltally.store.db.operation import Params, Rows

# Plans are made anew after so many transactions, at first more often: what was planned for tables that were
# still empty may go by the wrong index, and nobody else notices while they grow.
_PLANS_YOUNG: Final = 32
_PLANS_OLD: Final = 4_096
_OLD_AFTER: Final = 2_048
_PLACE: Final = re.compile(r"%\((\w+)\)b|%%")


class Asked(NamedTuple):
    """A statement, its parameters as `%(name)b`."""

    sql: str
    params: Params


class Waiting:
    """Who waits for the rows of several statements."""

    __slots__ = ("answers", "future", "left")

    def __init__(self, left: int, future: "asyncio.Future[list[Rows]]") -> None:
        self.left = left
        self.future = future
        self.answers: list[Rows] = []

    def take(self, rows: Rows) -> None:
        """The next statement's."""
        self.answers.append(rows)
        if len(self.answers) == self.left and not self.future.done():
            self.future.set_result(self.answers)

    def fail(self, fault: Exception) -> None:
        """There are none to wait for."""
        if not self.future.done():
            self.future.set_exception(fault)


# A statement's text and the types of its parameters: what the server prepares once.
Shape: TypeAlias = tuple[bytes, tuple[int, ...]]


class Owed(NamedTuple):
    """An answer that the server still has to give: who waits for it, and what it would have prepared."""

    waiting: Waiting | None = None
    prepared: Shape | None = None
    is_end: bool = False
    settled: "asyncio.Future[None] | None" = None


class Encoded(NamedTuple):
    """A statement as it goes over the wire."""

    shape: Shape
    values: Sequence[Any]
    formats: Sequence[pq.Format] | None


@lru_cache(maxsize=4_096)
def numbered(sql: str) -> tuple[bytes, tuple[str, ...], Sequence[PyFormat]]:
    """The statement with numbers for names, and the names in the order of the numbers."""
    names: dict[str, int] = {}

    def place(found: re.Match[str]) -> str:
        if found[1] is None:
            return "%"
        return f"${names.setdefault(found[1], len(names) + 1)}"

    query = _PLACE.sub(place, sql).encode()
    return query, tuple(names), [PyFormat.BINARY] * len(names)


def is_time_to_plan(transactions: int) -> bool:
    """Whether a connection that has had so many transactions makes its plans anew."""
    return transactions % (_PLANS_OLD if transactions > _OLD_AFTER else _PLANS_YOUNG) == 0
