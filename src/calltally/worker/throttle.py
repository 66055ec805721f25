"""Waiting: until the worker is to stop, and so that others in the process have their turn."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple, TypeVar

from calltally.calls.times import SECOND_US
from calltally.store.db.operation import Clock

T = TypeVar("T")

# Work that waits for nobody has a fifth of an idle processor, and a thirtieth of a busy one: requests are
# answered by the same interpreter.
_MIN_REST_FACTOR: Final = 4
_BUSY_REST_FACTOR: Final = 25
# A machine that was suspended, or is so busy that each item takes a second, is no reason to sleep for long.
_MAX_REST_S: Final = 0.1
# How much the last rest says of how busy others are; a single one is a millisecond or so.
_SMOOTHING: Final = 0.1


class ThreadClocks(NamedTuple):
    """What a thread at ease looks at: a steady clock, its process's processor time (us), and how to sleep."""

    steady_clock: Clock
    cpu_clock: Clock
    sleep: Callable[[float], None]


def throttled(items: Iterable[T], stop: asyncio.Event, clocks: ThreadClocks) -> Iterator[T]:
    """Each item in its turn, and behind each a rest of many times as long as it was worked on.

    Four times, and more the busier the process is with others while this one rests. For a thread: while it
    sleeps it does not hold the interpreter, so a request waits for one item at most. Once it is to stop there
    are no more rests, as everybody then waits for it.
    """
    busy_share = 0.0
    for item in items:
        started_us = clocks.steady_clock()
        yield item
        if not stop.is_set():
            worked_us = clocks.steady_clock() - started_us
            busy_share += _SMOOTHING * (
                _rest((_MIN_REST_FACTOR + _BUSY_REST_FACTOR * busy_share) * worked_us / SECOND_US, clocks)
                - busy_share
            )


def _rest(seconds: float, clocks: ThreadClocks) -> float:
    """Sleep; returns which share of the processor the process had meanwhile, 1 at most."""
    started_us, cpu_us = clocks.steady_clock(), clocks.cpu_clock()
    clocks.sleep(min(seconds, _MAX_REST_S))
    rested_us = clocks.steady_clock() - started_us
    return min((clocks.cpu_clock() - cpu_us) / rested_us, 1.0) if rested_us else 0.0


async def wait_for_stop(stop: asyncio.Event, seconds: float) -> bool:
    """Wait so long, but no longer than until it is to stop; says whether it is."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return False
    return True
