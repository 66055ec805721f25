"""Threads for work that waits for untrusted servers.

The event loop's own threads are few, and an unresponsive server can occupy one for as long as it likes. These
threads are separate, and end with the process.
"""

import asyncio
from collections.abc import Callable
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")


async def run_in_own_thread(work: Callable[[], T], name: str) -> T:
    """Return or raise the result of `work`. Cancelling the wait does not end the thread."""
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()
    Thread(target=_run, args=(loop, outcome, work), name=name, daemon=True).start()
    return await outcome


def _run(loop: asyncio.AbstractEventLoop, outcome: "asyncio.Future[Any]", work: Callable[[], object]) -> None:
    result, fault = None, None
    try:
        result = work()
    except Exception as error:  # noqa: BLE001 - it is raised where the result is awaited
        fault = error
    try:
        loop.call_soon_threadsafe(_set_outcome, outcome, result, fault)
    except RuntimeError:
        # The loop is closed: nobody waits any more.
        return


def _set_outcome(outcome: "asyncio.Future[Any]", result: object, fault: Exception | None) -> None:
    if outcome.done():
        return
    if fault is not None:
        outcome.set_exception(fault)
    else:
        outcome.set_result(result)
