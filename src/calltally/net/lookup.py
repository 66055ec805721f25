"""Names to addresses, in threads of their own.

The loop's own threads are few, and a name whose server says nothing holds one for many seconds: names of
strangers would so stop everything else that needs a thread. These end with the process, whatever they wait
for.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from threading import Thread
from typing import Final, TypeAlias

Found: TypeAlias = Sequence[str]
# More names at once than this wait their turn: so many may hang without anybody noticing.
MOST_AT_ONCE: Final = 128


class Lookup:
    """Asks the system's resolver; each name once at a time, however many wait for it."""

    def __init__(self, ask: Callable[[str, int], Found] | None = None) -> None:
        self._ask = ask or _addresses
        self._asked: dict[tuple[str, int], asyncio.Task[Found]] = {}
        self._free = asyncio.Semaphore(MOST_AT_ONCE)

    async def __call__(self, host: str, port: int) -> Found:
        """Numeric addresses in the order to try them. Raises OSError where there are none."""
        asked = self._asked.get((host, port))
        if asked is None:
            asked = self._asked[host, port] = asyncio.create_task(self._look_up(host, port))
            asked.add_done_callback(lambda _done: self._asked.pop((host, port), None))
        # Who gives up waiting must not take the answer from the others.
        return await asyncio.shield(asked)

    async def _look_up(self, host: str, port: int) -> Found:
        async with self._free:
            loop = asyncio.get_running_loop()
            answer: asyncio.Future[Found] = loop.create_future()
            arguments = (loop, answer, self._ask, (host, port))
            Thread(target=_work, args=arguments, name="calltally-lookup", daemon=True).start()
            return await answer


def _work(
    loop: asyncio.AbstractEventLoop,
    answer: "asyncio.Future[Found]",
    ask: Callable[[str, int], Found],
    asked: tuple[str, int],
) -> None:
    try:
        found, fault = ask(*asked), None
    except (OSError, UnicodeError) as raised:
        found, fault = [], raised
    try:
        loop.call_soon_threadsafe(_tell, answer, found, fault)
    except RuntimeError:
        # The loop is closed: nobody waits any more.
        return


def _tell(answer: "asyncio.Future[Found]", found: Found, fault: Exception | None) -> None:
    if answer.done():
        return
    if fault is not None:
        answer.set_exception(OSError(str(fault)))
    else:
        answer.set_result(found)


def _addresses(host: str, port: int) -> Found:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
