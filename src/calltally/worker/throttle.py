"""Throttling: waits that a stop ends, and pauses that leave the interpreter to requests."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple, TypeVar

from calltally.calls.times import SECOND_US
from calltally.store.db.operation import Clock

T = TypeVar("T")

# Throttled work uses a fifth of an idle processor and a thirtieth of a busy one, because the same interpreter
# serves requests.
_MIN_REST_FACTOR: Final = 4
_BUSY_REST_FACTOR: Final = 25
# A suspended machine, or one where each item takes a second, is no reason for a long pause.
_MAX_REST_S: Final = 0.1
# Weight of the last pause in the moving average of the load; a single one lasts about a millisecond.
_SMOOTHING: Final = 0.1


class ThreadClocks(NamedTuple):
    """Clocks of a throttled thread: a monotonic clock, the process's CPU time (us), and a sleep function."""

    steady_clock: Clock
    cpu_clock: Clock
    sleep: Callable[[float], None]


def throttled(items: Iterable[T], stop: asyncio.Event, clocks: ThreadClocks) -> Iterator[T]:
    """Yield each item, and sleep for a multiple of its processing time.

    The factor is four, and more if the process is busy during the pauses. For a thread: it does not hold the
    interpreter while it sleeps, so a request waits for one item at most. After `stop` is set there are no
    more pauses, because the shutdown waits for the thread.
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
    """Sleep; returns the share of a processor that the process used meanwhile, at most 1."""
    started_us, cpu_us = clocks.steady_clock(), clocks.cpu_clock()
    clocks.sleep(min(seconds, _MAX_REST_S))
    rested_us = clocks.steady_clock() - started_us
    return min((clocks.cpu_clock() - cpu_us) / rested_us, 1.0) if rested_us else 0.0


async def wait_for_stop(stop: asyncio.Event, seconds: float) -> bool:
    """Wait for a number of seconds or until `stop` is set; True if it is set."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return False
    return True
