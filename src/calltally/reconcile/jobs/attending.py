"""Work of one piece that lasts longer than a turn: the lease is kept meanwhile, and a cancel is seen.

What is compared is sorted as a whole, so nothing of it could be gone on with in another turn. The work can be
given up at any point: it is done again from its start.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeAlias, TypeVar

from calltally.store.jobs.running_job import JobTurn

T = TypeVar("T")
# Raises where the work is to be left; what runs in a thread calls it now and then.
Check: TypeAlias = Callable[[], None]

LOOKS_EVERY_S: Final = 0.5


class _Left(BaseException):
    """Ends work in a thread that nobody waits for any more. No fault, so nobody may take it for one."""


async def attended(turn: JobTurn, stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """What comes of `work`; None where the worker is to stop before. Raises JobTaken, and what it raises.

    `work` has ended in any case when this returns.
    """
    task = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait({task}, timeout=LOOKS_EVERY_S))[0]:
            await turn.goes_on()
            if stop.is_set():
                return None
        return task.result()
    finally:
        task.cancel()
        await _ended(task)


async def in_thread(work: Callable[[Check], T]) -> T:
    """Do `work` in a thread; where this is canceled, `check` makes it end, and that is waited for."""
    is_left = threading.Event()

    def check() -> None:
        if is_left.is_set():
            raise _Left

    future = asyncio.ensure_future(asyncio.to_thread(work, check))
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        is_left.set()
        await _ended(future)
        raise


async def _ended(future: "asyncio.Future[Any]") -> None:
    """Wait for its end, and look at what it raised: nobody else asks for what became of it."""
    if not future.done():
        await asyncio.wait([future])
    if not future.cancelled():
        future.exception()
