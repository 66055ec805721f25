"""The transport that responses are written to."""

import asyncio
from collections.abc import Callable
from typing import Any


class AnswerTransport(asyncio.Transport):
    """The part of a transport that answers use; whoever closes it hangs up.

    The server gives a head and its body apart, and the loop would send each by itself: a system call more for
    each answer, and for the client one read more. So a head waits for as long as the loop takes to go round.
    """

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, hang_up: Callable[[], None]
    ) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._is_head = False
        self._held: list[Any] = []
        self.hang_up = hang_up

    def for_response(self) -> "AnswerTransport":
        """Return itself, and take what is written next for a head."""
        self._is_head = True
        return self

    def write(self, data: Any) -> None:  # noqa: ANN401 (any buffer)
        """Send, or keep a head until what follows it."""
        if self._held:
            self._held.append(data)
            self.flush()
        elif self._is_head:
            self._is_head = False
            self._held.append(data)
            self._loop.call_soon(self.flush)
        else:
            self._transport.write(data)

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def close(self) -> None:
        """Send what waits, and hang up."""
        self.flush()
        self.hang_up()

    def flush(self) -> None:
        """Send a head that waits, unless the client is gone meanwhile."""
        held, self._held = self._held, []
        if held and not self._transport.is_closing():
            self._transport.writelines(held)
