"""Taking connections from a socket that several processes share: one at a time, and not more than the others.

Whoever is woken first would take most of them: of 64 connections that come together, one process of four had
up to 57.
"""

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import Final

# The process or the system is out of something; connections wait meanwhile, or are another's.
_OUT_OF: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_PAUSE_S: Final = 1.0
# How long to leave a connection to the others. If none takes it, they cannot.
_LEAVE_S: Final = 0.002


class Accepting:
    """Gives each connection a protocol, until closed. What a server of asyncio is, to whoever closes it.

    While this process has enough it leaves connections to others.
    """

    def __init__(
        self,
        listening: socket.socket,
        protocol: Callable[[], asyncio.Protocol],
        has_enough: Callable[[], bool],
    ) -> None:
        self._listening = listening
        self._protocol = protocol
        self._has_enough = has_enough
        self._has_left_it = False
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[object]] = set()
        self._pause: asyncio.TimerHandle | None = None
        listening.setblocking(False)  # noqa: FBT003 (the socket's own signature)
        self._loop.add_reader(listening, self._accept)

    def close(self) -> None:
        """Take no more."""
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._listening)

    async def wait_closed(self) -> None:
        """Until what was taken has its protocol."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self) -> None:
        if not self._has_left_it and self._has_enough():
            self._has_left_it = True
            self._wait(_LEAVE_S)
            return
        self._has_left_it = False
        try:
            connection, _address = self._listening.accept()
        except OSError as fault:
            # Mostly that another process was quicker.
            if fault.errno in _OUT_OF:
                self._wait(_PAUSE_S)
            return
        connection.setblocking(False)  # noqa: FBT003 (the socket's own signature)
        task = self._loop.create_task(self._loop.connect_accepted_socket(self._protocol, connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _wait(self, seconds: float) -> None:
        self._loop.remove_reader(self._listening)
        self._pause = self._loop.call_later(seconds, self._go_on)

    def _go_on(self) -> None:
        self._loop.add_reader(self._listening, self._accept)
