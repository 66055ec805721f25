"""Whose turn it is to write one SQLite file, among several processes.

SQLite lets whoever waits for its lock look again now and then: one process that writes without a pause
keeps the others waiting for seconds. Here they queue instead, in the kernel, which also takes a dead process
out of the queue.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, flock
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import Final, TypeAlias

from calltally.calls.errors import Unavailable

_MODE: Final = 0o600
_Asked: TypeAlias = "tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]"


class Turn:
    """Two locks. Who has `turn` writes; who has `next` is the only one to wait for it.

    So a process that has written and wants to again has to queue behind the one that waits already. The
    files stay where they are: to remove one while another process opens it would make two queues.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._turn = self._next = -1
        self._waiting = 0
        self._asked: SimpleQueue[_Asked | None] = SimpleQueue()
        self._thread: Thread | None = None

    @asynccontextmanager
    async def taken(self, wait_s: float) -> AsyncIterator[None]:
        """Have the turn for as long as the block runs. Raises Unavailable where it does not come in time."""
        if not self._take_at_once():
            try:
                async with asyncio.timeout(wait_s):
                    await self._wait()
            except TimeoutError as fault:
                message = f"other processes wrote for {wait_s:g} s; nothing was recorded, try again"
                raise Unavailable(message) from fault
        try:
            yield
        finally:
            flock(self._turn, LOCK_UN)

    def is_wanted(self) -> bool:
        """Whether another process waits for the turn now."""
        self._open()
        try:
            flock(self._next, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            return True
        flock(self._next, LOCK_UN)
        return False

    def close(self) -> None:
        """Wait for nothing any more."""
        if self._waiting == 0:
            for lock in (self._turn, self._next):
                if lock >= 0:
                    os.close(lock)
        # Else the thread still stands in the queue, and gives its place away when the process ends.
        self._asked.put(None)

    def _open(self) -> None:
        if self._turn < 0:
            self._turn, self._next = (_opened(self._database, name) for name in ("turn", "next"))

    def _take_at_once(self) -> bool:
        self._open()
        if self._waiting:
            return False
        with suppress(BlockingIOError):
            flock(self._next, LOCK_EX | LOCK_NB)
            try:
                flock(self._turn, LOCK_EX | LOCK_NB)
                return True
            finally:
                flock(self._next, LOCK_UN)
        return False

    async def _wait(self) -> None:
        """In a thread: there is no way to wait for a file lock in a loop, and to look again costs more."""
        if self._thread is None:
            self._thread = Thread(target=self._work, name="calltally-turn", daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._waiting += 1
        self._asked.put((loop, future))
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                # It came in the same moment.
                flock(self._turn, LOCK_UN)
            raise

    def _work(self) -> None:
        while asked := self._asked.get():
            loop, future = asked
            fault = self._queue()
            taken = Event()
            try:
                loop.call_soon_threadsafe(self._hand_over, future, taken, fault)
            except RuntimeError:
                # The loop is closed: nobody here will write any more.
                self._let_go(fault)
                continue
            # A lock that this process has it gets again at once: what one who gave up lets go of must be gone
            # before the next queues, or it would be let go of under him.
            taken.wait()

    def _queue(self) -> OSError | None:
        """Wait for the turn. A fault of the system is for whoever asked: the thread has to go on."""
        try:
            flock(self._next, LOCK_EX)
            try:
                flock(self._turn, LOCK_EX)
            finally:
                flock(self._next, LOCK_UN)
        except OSError as fault:
            return fault
        return None

    def _let_go(self, fault: OSError | None) -> None:
        if fault is None:
            flock(self._turn, LOCK_UN)

    def _hand_over(self, future: "asyncio.Future[None]", taken: Event, fault: OSError | None) -> None:
        self._waiting -= 1
        if future.done():
            # Whoever asked gave up waiting.
            self._let_go(fault)
        elif fault is not None:
            message = f"the file cannot be locked ({fault.strerror}); nothing was recorded, try again"
            future.set_exception(Unavailable(message))
        else:
            future.set_result(None)
        taken.set()


def _opened(database: Path, name: str) -> int:
    return os.open(f"{database}-{name}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
