"""Long polls for new revisions of a tenant. All waiters of a tenant share one read per round."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

# Another process can commit too, so the ledger head is polled. A change can go unnoticed for this long.
PAUSE_S: Final = 0.1

ReadHead: TypeAlias = Callable[[str], Awaitable[int]]
# Key in the ASGI lifespan state. The server calls its value when it starts to stop.
ON_STOP: Final = "calltally.on_stop"


class LongPolls:
    """Waiters for new revisions, per tenant. `read_head` reads the last revision of a tenant."""

    def __init__(self, read_head: ReadHead, pause_s: float = PAUSE_S) -> None:
        self._read_head = read_head
        self._pause_s = pause_s
        self._waiting: dict[str, list[tuple[int, asyncio.Future[None]]]] = {}
        self._pollers: dict[str, asyncio.Task[None]] = {}
        self._closed = False

    @property
    def waiting(self) -> int:
        """Number of waiters."""
        return sum(map(len, self._waiting.values()))

    async def wait_for_revision(self, tenant: str, revision: int, timeout_s: float) -> None:
        """Return once the head is beyond `revision`, or after `timeout_s` seconds.

        Raises the errors of reading the head.
        """
        if self._closed:
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant, []).append((revision, future))
        if tenant not in self._pollers:
            self._pollers[tenant] = asyncio.create_task(self._poll(tenant))
        try:
            async with asyncio.timeout(timeout_s):
                await future
        except TimeoutError:
            return
        finally:
            waiting = self._waiting.get(tenant, [])
            if (revision, future) in waiting:
                waiting.remove((revision, future))

    async def close(self) -> None:
        """Release all waiters and accept no more. A stopping server waits for its responses."""
        self._closed = True
        for waiting in self._waiting.values():
            _release(waiting)
        await asyncio.gather(*self._pollers.values())

    async def _poll(self, tenant: str) -> None:
        waiting = self._waiting[tenant]
        try:
            while waiting:
                head = await self._read_head(tenant)
                _release([waiter for waiter in waiting if waiter[0] < head])
                waiting[:] = [waiter for waiter in waiting if not waiter[1].done()]
                await asyncio.sleep(self._pause_s if waiting else 0)
        except Exception as fault:  # noqa: BLE001 (each waiter gets the exception)
            for _revision, future in waiting:
                if not future.done():
                    future.set_exception(fault)
        finally:
            del self._pollers[tenant]
            del self._waiting[tenant]


def _release(waiting: list[tuple[int, asyncio.Future[None]]]) -> None:
    for _revision, future in waiting:
        if not future.done():
            future.set_result(None)
