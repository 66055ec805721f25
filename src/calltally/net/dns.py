"""Name resolution, and the threads of their own for work that waits for untrusted servers.

The event loop's own threads are few, and an unresponsive server can occupy one for as long as it likes.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from threading import Thread
from typing import Final, TypeAlias, TypeVar

T = TypeVar("T")

HostAddresses: TypeAlias = Sequence[str]
# Further lookups wait; this many may hang without an effect on the service.
MAX_LOOKUPS: Final = 128


class Resolver:
    """Resolver over the system's one; concurrent requests for a name share one lookup."""

    def __init__(self, resolve: Callable[[str, int], HostAddresses] | None = None) -> None:
        self._resolve = resolve or _addresses
        self._pending: dict[tuple[str, int], asyncio.Task[HostAddresses]] = {}
        self._slots = asyncio.Semaphore(MAX_LOOKUPS)

    async def __call__(self, host: str, port: int) -> HostAddresses:
        """Return numeric addresses in the order to try them. Raises OSError if there are none."""
        pending = self._pending.get((host, port))
        if pending is None:
            pending = self._pending[host, port] = asyncio.create_task(self._resolve_name(host, port))
            pending.add_done_callback(lambda _done: self._pending.pop((host, port), None))
        # A caller that stops waiting must not cancel the lookup of the others.
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


async def run_in_own_thread(work: Callable[[], T], name: str) -> T:
    """Return or raise the result of `work`. Cancelling the wait does not end the thread, the process does."""
    outcome: Future[T] = Future()
    outcome.set_running_or_notify_cancel()

    def run() -> None:
        try:
            outcome.set_result(work())
        except Exception as fault:  # noqa: BLE001 - it is raised where the result is awaited
            outcome.set_exception(fault)

    Thread(target=run, name=name, daemon=True).start()
    return await asyncio.wrap_future(outcome)
