"""HTTP/1.1 as the server speaks it: answers of ours to what is no HTTP, and a client that can read them.

To close a socket with bytes in it that nobody has read is a reset, and that takes from the client what it
has not read yet of the answer (RFC 9112, section 9.6): it would be told nothing of a body that is too long.
So our side of the connection is closed alone, and what still comes is let go.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from calltally.web.bad_http import malformed_answer

# The parser keeps a head until it is whole, however long: without an end anybody could fill the memory.
# Some times what one read brings, so that the tail of a body before it in the same read does no harm.
MOST_HEAD_BYTES: Final = 1024 * 1024
# What is let go after an answer, for those who read none before they have sent all. Nothing of it is kept.
MOST_UNREAD_BYTES: Final = 64 * 1024 * 1024
LINGERS_S: Final = 30.0


class ProblemProtocol(HttpToolsProtocol):
    """The server's own protocol with our answer to what cannot be parsed, and our way to hang up."""

    _is_in_head = False
    _head_bytes = 0
    _is_lingering = False
    _unread_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the server has it
        """A client is there."""
        super().connection_made(transport)
        self._answers = _Answers(transport, self.loop, self._hang_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone, and nothing is to hold on to what was of it."""
        super().connection_lost(exc)
        self._answers.hang_up = self.transport.close

    def data_received(self, data: bytes) -> None:
        """Parse; count what has come of a head that is not whole yet."""
        if self._is_lingering:
            self._let_go(data)
            return
        super().data_received(data)
        self._head_bytes += len(data) if self._is_in_head else 0
        if self._head_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """A head begins."""
        self._is_in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """It is whole, and is answered through what hangs up as we do."""
        self._is_in_head, self._head_bytes = False, 0
        super().on_headers_complete()
        self.cycle.transport = self._answers.begun()

    def on_response_complete(self) -> None:
        """The next request may be answered, unless this was the last; a head without a body is not held."""
        self._answers.flush()
        if not self._is_lingering:
            super().on_response_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 (the server's signature)
        """Answer and hang up: where the next request would begin is not known."""
        self._answers.flush()
        self.transport.write(malformed_answer())
        # Before the first head is whole there is no cycle.
        if getattr(self.cycle, "response_complete", True):
            self._linger()
        else:
            self.transport.close()

    def _hang_up(self) -> None:
        """End the connection, but let an answer be read that was whole before its request was."""
        if self.cycle.response_complete and self.cycle.more_body:
            self._linger()
        else:
            self.transport.close()

    def _linger(self) -> None:
        """Say that we are done, until the client says so too, or has had enough time or bytes."""
        self._is_lingering = True
        self._is_in_head, self._head_bytes = False, 0
        self.transport.write_eof()
        self.flow.resume_reading()
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(LINGERS_S, self.timeout_keep_alive_handler)

    def _let_go(self, data: bytes) -> None:
        self._unread_bytes += len(data)
        if self._unread_bytes > MOST_UNREAD_BYTES:
            self.transport.close()


class _Answers(asyncio.Transport):
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

    def begun(self) -> "_Answers":
        """The same, of which the next that is written is a head."""
        self._is_head = True
        return self

    def write(self, data: Any) -> None:  # noqa: ANN401 (any buffer)
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
        self.flush()
        self.hang_up()

    def flush(self) -> None:
        """Send a head that waits, unless the client is gone meanwhile."""
        held, self._held = self._held, []
        if held and not self._transport.is_closing():
            self._transport.writelines(held)
