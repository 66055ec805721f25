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

    def __init__(self, resolve: Callable[[str, int], HostAddresses] | None = None) -> None:
        self._resolve = resolve or _addresses
        self._pending: dict[tuple[str, int], asyncio.Task[HostAddresses]] = {}
        self._slots = asyncio.Semaphore(MAX_LOOKUPS)

    async def __call__(self, host: str, port: int) -> HostAddresses:
        """Numeric addresses in the order to try them. Raises OSError where there are none."""
        pending = self._pending.get((host, port))
        if pending is None:
            pending = self._pending[host, port] = asyncio.create_task(self._resolve_name(host, port))
            pending.add_done_callback(lambda _done: self._pending.pop((host, port), None))
        # Who gives up waiting must not take the answer from the others.
        return await asyncio.shield(pending)

    async def _resolve_name(self, host: str, port: int) -> HostAddresses:
        async with self._slots:
            try:
                return await run_in_own_thread(partial(self._resolve, host, port), "calltally-lookup")
            except UnicodeError as fault:
                raise OSError(str(fault)) from fault


def _addresses(host: str, port: int) -> HostAddresses:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
