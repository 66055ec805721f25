"""Long indivisible work in a job: renews the lease, and notices cancellation.

All data is sorted at once, so a later run cannot resume the work. It can be aborted at any point, and then
starts again from the beginning.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeAlias, TypeVar

from calltally.store.jobs.running_job import RunningJob

T = TypeVar("T")
# Raises if the work is canceled; work in a thread calls it regularly.
CheckCanceled: TypeAlias = Callable[[], None]

CHECK_INTERVAL_S: Final = 0.5


class _Canceled(BaseException):
    """Ends canceled work in a thread. Not an Exception, so that no error handler catches it."""


async def run_until_stopped(
    running: RunningJob, stop: asyncio.Event, work: Coroutine[Any, Any, T]
) -> T | None:
    """Run `work` and return its result; None if the worker stops first. Raises JobLost, and its errors.

    `work` has always ended when this returns.
    """
    task = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait({task}, timeout=CHECK_INTERVAL_S))[0]:
            await running.may_continue()
            if stop.is_set():
                return None
        return task.result()
    finally:
        task.cancel()
        await _wait_for_end(task)


async def run_in_thread(work: Callable[[CheckCanceled], T]) -> T:
    """Run `work` in a thread. On cancellation its `check` raises, and this function waits for its end."""
    is_canceled = threading.Event()

    def check() -> None:
        if is_canceled.is_set():
            raise _Canceled

    future = asyncio.ensure_future(asyncio.to_thread(work, check))
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        is_canceled.set()
        await _wait_for_end(future)
        raise


async def _wait_for_end(future: "asyncio.Future[Any]") -> None:
    """Wait for the end, and retrieve the exception, which nobody else reads."""
    if not future.done():
        await asyncio.wait([future])
    if not future.cancelled():
        future.exception()
