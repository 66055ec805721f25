"""The blocks and readers for psycopg's AsyncConnection: await them, or use `async with` and `async for`."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from calltally.client.once import blocks
from calltally.client.once.connections import Connection, LedgerConnection, async_connection

P = ParamSpec("P")
T = TypeVar("T")


def _over_async(
    block: Callable[Concatenate[LedgerConnection, P], T],
) -> Callable[Concatenate[Connection, P], T]:
    @wraps(block)
    def function(connection: Connection, *args: P.args, **kwargs: P.kwargs) -> T:
        return block(async_connection(connection), *args, **kwargs)

    return function  # type: ignore[return-value] # connection may be a keyword too


install = _over_async(blocks.install)
same_transaction = _over_async(blocks.same_transaction)
at_least_once = _over_async(blocks.at_least_once)
at_most_once = _over_async(blocks.at_most_once)
extend = _over_async(blocks.extend)
entries = _over_async(blocks.entries)
unfinished = _over_async(blocks.unfinished)
events = _over_async(blocks.events)
settle = _over_async(blocks.settle)
