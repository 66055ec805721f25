"""Waiting: until the worker is to stop, and so that others in the process have their turn."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple, TypeVar

from calltally.calls.times import SECOND_US
from calltally.store.db.operation import Clock

T = TypeVar("T")

# Work that waits for nobody has a fifth of an idle processor, and a thirtieth of a busy one: requests are
# answered by the same interpreter.
_LEAST_REST: Final = 4
_MORE_REST: Final = 25
# A machine that was suspended, or is so busy that each item takes a second, is no reason to sleep for long.
_LONGEST_REST_S: Final = 0.1
# How much the last rest says of how busy others are; a single one is a millisecond or so.
_NEWS: Final = 0.1


class ThreadClocks(NamedTuple):
    """What a thread at ease looks at: a steady clock, its process's processor time (us), and how to sleep."""

    steady: Clock
    spent: Clock
    sleep: Callable[[float], None]


def throttled(items: Iterable[T], stop: asyncio.Event, times: ThreadClocks) -> Iterator[T]:
    """Each item in its turn, and behind each a rest of many times as long as it was worked on.

    Four times, and more the busier the process is with others while this one rests. For a thread: while it
    sleeps it does not hold the interpreter, so a request waits for one item at most. Once it is to stop there
    are no more rests, as everybody then waits for it.
    """
    busy = 0.0
    for item in items:
        began_us = times.steady()
        yield item
        if not stop.is_set():
            worked_us = times.steady() - began_us
            busy += _NEWS * (_rested((_LEAST_REST + _MORE_REST * busy) * worked_us / SECOND_US, times) - busy)


def _rested(seconds: float, times: ThreadClocks) -> float:
    """Sleep; returns which share of the processor the process had meanwhile, 1 at most."""
    began_us, spent_us = times.steady(), times.spent()
    times.sleep(min(seconds, _LONGEST_REST_S))
    rested_us = times.steady() - began_us
    return min((times.spent() - spent_us) / rested_us, 1.0) if rested_us else 0.0


async def wait_for_stop(stop: asyncio.Event, seconds: float) -> bool:
    """Wait so long, but no longer than until it is to stop; says whether it is."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return False
    return True
