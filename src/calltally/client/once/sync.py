"""The blocks and readers for blocking connections."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from functools import wraps
from typing import Concatenate, ParamSpec, TypeAlias, TypeVar

from calltally.client.blocking import enter_now, iterate_now, run_now
from calltally.client.once import blocks
from calltally.client.once.connections import Connection, LedgerConnection, blocking_connection

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")
_OverLedger: TypeAlias = Callable[Concatenate[LedgerConnection, P], T]
_OverDriver: TypeAlias = Callable[Concatenate[Connection, P], T]


def _blocking(run: Callable[[S], T], block: _OverLedger[P, S]) -> _OverDriver[P, T]:
    @wraps(block)
    def function(connection: Connection, *args: P.args, **kwargs: P.kwargs) -> T:
        return run(block(blocking_connection(connection), *args, **kwargs))

    return function  # type: ignore[return-value] # connection may be a keyword too


def _call(operation: _OverLedger[P, Awaitable[T]]) -> _OverDriver[P, T]:
    return _blocking(run_now, operation)


def _reader(operation: _OverLedger[P, AsyncGenerator[T, None]]) -> _OverDriver[P, Iterator[T]]:
    return _blocking(iterate_now, operation)


def _block(
    operation: _OverLedger[P, AbstractAsyncContextManager[T]],
) -> _OverDriver[P, AbstractContextManager[T]]:
    return _blocking(enter_now, operation)


install = _call(blocks.install)
same_transaction = _block(blocks.same_transaction)
at_least_once = _block(blocks.at_least_once)
at_most_once = _block(blocks.at_most_once)
extend = _call(blocks.extend)
entries = _reader(blocks.entries)
unfinished = _reader(blocks.unfinished)
events = _reader(blocks.events)
settle = _call(blocks.settle)
