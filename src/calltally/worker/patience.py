"""Waiting: until the worker is to stop, and so that others in the process have their turn."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

from calltally.calls.times import SECOND_US
from calltally.store.steps import Clock

T = TypeVar("T")

# Work that waits for nobody has a fifth of a processor: requests are answered by the same interpreter.
_REST: Final = 4
# A machine that was suspended, or is so busy that each item takes a second, is no reason to sleep for long.
_LONGEST_REST_S: Final = 0.1


def at_ease(
    items: Iterable[T], stop: asyncio.Event, *, steady: Clock, sleep: Callable[[float], None]
) -> Iterator[T]:
    """Each item in its turn, and behind each a rest of four times as long as it was worked on.

    For a thread: while it sleeps it does not hold the interpreter, so a request waits for one item at most.
    Once it is to stop there are no more rests, as everybody then waits for it.
    """
    for item in items:
        began_us = steady()
        yield item
        if not stop.is_set():
            sleep(min(_REST * (steady() - began_us) / SECOND_US, _LONGEST_REST_S))


async def rest(stop: asyncio.Event, seconds: float) -> bool:
    """Wait so long, but no longer than until it is to stop; says whether it is."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return False
    return True
