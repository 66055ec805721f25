"""Waits for a tenant's ledger to move on. However many wait, its head is read once a round."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

# Another process may have moved it, so it has to be looked at; this long a change may go unnoticed.
PAUSE_S: Final = 0.1

ReadHead: TypeAlias = Callable[[str], Awaitable[int]]
# Under this name an application's state (ASGI, lifespan) holds what its server calls when it begins to stop.
ON_STOP: Final = "calltally.on_stop"


class LongPolls:
    """Who waits for what; `head_of` reads the last revision of a tenant."""

    def __init__(self, head_of: ReadHead, pause_s: float = PAUSE_S) -> None:
        self._head_of = head_of
        self._pause_s = pause_s
        self._waiting: dict[str, list[tuple[int, asyncio.Future[None]]]] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._closed = False

    async def wait_for_revision(self, tenant: str, revision: int, timeout_s: float) -> None:
        """Return once the head is beyond `revision`, or after `most_s` seconds.

        Raises what reading the head raises.
        """
        if self._closed:
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant, []).append((revision, future))
        if tenant not in self._watches:
            self._watches[tenant] = asyncio.create_task(self._watch(tenant))
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
        """Let everybody go at once, and nobody wait any more: a server that stops waits for its answers."""
        self._closed = True
        for waiting in self._waiting.values():
            _release(waiting)
        await asyncio.gather(*self._watches.values())

    async def _watch(self, tenant: str) -> None:
        waiting = self._waiting[tenant]
        try:
            while waiting:
                head = await self._head_of(tenant)
                _release([each for each in waiting if each[0] < head])
                waiting[:] = [each for each in waiting if not each[1].done()]
                await asyncio.sleep(self._pause_s if waiting else 0)
        except Exception as fault:  # noqa: BLE001 - it is not swallowed: each of those who wait gets it
            for _revision, future in waiting:
                if not future.done():
                    future.set_exception(fault)
        finally:
            del self._watches[tenant]
            del self._waiting[tenant]


def _release(waiting: list[tuple[int, asyncio.Future[None]]]) -> None:
    for _revision, future in waiting:
        if not future.done():
            future.set_result(None)
