"""Names to addresses, in threads of their own: one whose server says nothing takes many seconds."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, TypeAlias

from calltally.net.threads import run_in_own_thread

HostAddresses: TypeAlias = Sequence[str]
# More names at once than this wait their turn: so many may hang without anybody noticing.
MAX_LOOKUPS: Final = 128


class Resolver:
    """Asks the system's resolver; each name once at a time, however many wait for it."""

    def __init__(self, ask: Callable[[str, int], HostAddresses] | None = None) -> None:
        self._ask = ask or _addresses
        self._asked: dict[tuple[str, int], asyncio.Task[HostAddresses]] = {}
        self._free = asyncio.Semaphore(MAX_LOOKUPS)

    async def __call__(self, host: str, port: int) -> HostAddresses:
        """Numeric addresses in the order to try them. Raises OSError where there are none."""
        asked = self._asked.get((host, port))
        if asked is None:
            asked = self._asked[host, port] = asyncio.create_task(self._look_up(host, port))
            asked.add_done_callback(lambda _done: self._asked.pop((host, port), None))
        # Who gives up waiting must not take the answer from the others.
        return await asyncio.shield(asked)

    async def _look_up(self, host: str, port: int) -> HostAddresses:
        async with self._free:
            try:
                return await run_in_own_thread(partial(self._ask, host, port), "calltally-lookup")
            except UnicodeError as fault:
                raise OSError(str(fault)) from fault


def _addresses(host: str, port: int) -> HostAddresses:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
