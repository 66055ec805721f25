"""Drivers that run the client's coroutines without an event loop, for blocking callers.

Every operation is written once, as a coroutine over a transport or a connection. Those of blocking callers
block in their awaits and never suspend, so one step runs such a coroutine to its end.
"""

from collections.abc import AsyncGenerator, Awaitable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

T = TypeVar("T")


def run_now(work: Awaitable[T]) -> T:
    """Run a coroutine that never suspends, and return its result."""
    try:
        next(work.__await__())
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError  # pragma: no cover (blocking transports never suspend)


def iterate_now(items: AsyncGenerator[T, None]) -> Iterator[T]:
    """Yield the items of an async generator that never suspends."""
    try:
        while True:
            yield run_now(anext(items))
    except StopAsyncIteration:
        pass
    finally:
        run_now(items.aclose())


@contextmanager
def enter_now(block: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """Enter an async context manager that never suspends."""
    entered = run_now(block.__aenter__())
    try:
        yield entered
    except BaseException as fault:
        if not run_now(block.__aexit__(type(fault), fault, fault.__traceback__)):
            raise
    else:
        run_now(block.__aexit__(None, None, None))
