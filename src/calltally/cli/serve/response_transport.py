"""Transport that responses are written to."""

import asyncio
from collections.abc import Callable
from typing import Any


class AnswerTransport(asyncio.Transport):
    """The part of a transport that responses use; `close` runs the orderly close, `hang_up`.

    Uvicorn writes the head and the body of a response separately, and the event loop would send each at once:
    one more system call per response, and one more read for the client. So a head is held back until the next
    iteration of the loop.
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
        """Return this transport, and treat the next write as a response head."""
        self._is_head = True
        return self

    def write(self, data: Any) -> None:  # noqa: ANN401 (any buffer)
        """Send the data, or hold back a head until its body follows."""
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
        """Send a held head, and close in the orderly way."""
        self.flush()
        self.hang_up()

    def flush(self) -> None:
        """Send a held head, unless the connection is closing."""
        held, self._held = self._held, []
        if held and not self._transport.is_closing():
            self._transport.writelines(held)
