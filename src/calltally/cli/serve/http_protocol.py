"""HTTP/1.1 protocol of the server: timeouts, our own responses to malformed requests, and an orderly close.

Closing a socket with unread input resets the connection, and the client then loses the part of the response
that it has not read yet (RFC 9112, section 9.6). It would not see, for example, that its body is too long. So
only our sending side is closed, and further input is discarded.
"""

import asyncio
from enum import IntEnum, auto
from typing import Any, Final

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from calltally.cli.serve.connections import Connections, has_unread_bytes
from calltally.cli.serve.response_transport import AnswerTransport
from calltally.web.bad_http import (
    MAX_HEAD_BYTES,
    busy_response,
    head_too_large_response,
    malformed_response,
    timeout_response,
)

# Input that is discarded after a response, for clients that read only after they have sent everything.
MOST_UNREAD_BYTES: Final = 64 * 1024 * 1024
LINGERS_S: Final = 30.0
# Extra time for a connection with unread bytes at its timeout: the event loop reads them first.
_UNREAD_S: Final = 1.0


class _Part(IntEnum):
    """Part of a request that comes next."""

    START = auto()
    HEAD = auto()
    BODY = auto()


class _Phase(IntEnum):
    """Phase of a connection. Each has its own timeout, except RESPONSE."""

    FIRST_BYTE = auto()
    HEAD = auto()
    BODY = auto()
    RESPONSE = auto()
    IDLE = auto()
    LINGER = auto()


_WAITS_FOR_CLIENT: Final = frozenset({_Phase.FIRST_BYTE, _Phase.HEAD, _Phase.IDLE, _Phase.LINGER})


class ProblemProtocol(HttpToolsProtocol):
    """Uvicorn's protocol with timeouts, responses to unparsable requests, and an orderly close."""

    _part = _Part.START
    _phase = _Phase.RESPONSE
    _until_s = 0.0
    _head_bytes = 0
    _body_bytes = 0
    # Size of the last read, and of its part that can belong to the current message.
    _read_bytes = 0
    _own_bytes = 0
    _is_head_too_large = False
    _is_lingering = False
    _unread_bytes = 0

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        connections: Connections,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._all = connections
        timeouts = connections.timeouts
        self._waits_s = {
            _Phase.FIRST_BYTE: timeouts.first_byte_s,
            _Phase.HEAD: timeouts.head_s,
            _Phase.BODY: timeouts.body_s,
            _Phase.IDLE: self.timeout_keep_alive,
            _Phase.LINGER: LINGERS_S,
        }

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the server has it
        """Begin the timeout for the first byte, unless there are too many connections."""
        super().connection_made(transport)
        self._answers = AnswerTransport(transport, self.loop, self._hang_up)
        if self._all.admit(self, self.loop.time()):
            self._update_phase()
        else:
            self._refuse(busy_response())

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._answers.hang_up = self.transport.close
        self._all.remove(self)
        # After an error uvicorn would keep the timer, and with it this object, until it fires.
        self._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        """Parse the data, and count the bytes of an incomplete head or body."""
        if self._is_lingering:
            self._let_go(data)
            return
        self._read_bytes = self._own_bytes = len(data)
        super().data_received(data)
        if self._part is _Part.HEAD:
            self._count_head()
        self._body_bytes += self._own_bytes
        self._update_phase()

    def _count_head(self) -> None:
        self._head_bytes += self._own_bytes
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse(head_too_large_response())

    def on_message_begin(self) -> None:
        self._part, self._head_bytes = _Part.HEAD, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Start the response to a complete head, on a transport that closes in our orderly way."""
        if self._head_bytes + self._read_bytes > MAX_HEAD_BYTES:
            self._check_head()
        self._part = _Part.BODY
        super().on_headers_complete()
        self.cycle.transport = self._answers.for_response()

    def _check_head(self) -> None:
        """Raise ValueError, which stops the parser, if the head is too large.

        The size of the read is not enough: it may contain other messages too.
        """
        lines = sum(len(name) + len(value) + len(b": \r\n") for name, value in self.headers)
        self._is_head_too_large = len(self.url) + lines > MAX_HEAD_BYTES
        if self._is_head_too_large:
            raise ValueError

    def on_message_complete(self) -> None:
        self._part, self._own_bytes = _Part.START, 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Send a response head without a body, and allow the next request unless the connection closes."""
        self._answers.flush()
        if not self._is_lingering:
            super().on_response_complete()
            self._update_phase()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 (the server's signature)
        """Respond and close: the start of the next request is unknown."""
        self._refuse(head_too_large_response() if self._is_head_too_large else malformed_response())

    def _refuse(self, answer: bytes) -> None:
        self._answers.flush()
        self.transport.write(answer)
        # Before the first complete head there is no cycle.
        if getattr(self.cycle, "response_complete", True):
            self._linger()
        else:
            self.transport.close()

    def _hang_up(self) -> None:
        """Close the connection. A response that was complete before its request can still be read."""
        if self.cycle.response_complete and self.cycle.more_body:
            self._linger()
        else:
            self.transport.close()

    def _linger(self) -> None:
        """Close our sending side, and wait until the client closes too or exceeds a limit."""
        self._is_lingering, self._part = True, _Part.START
        self.transport.write_eof()
        self.flow.resume_reading()
        self._update_phase()

    def _let_go(self, data: bytes) -> None:
        self._unread_bytes += len(data)
        if self._unread_bytes > MOST_UNREAD_BYTES:
            self.transport.close()

    def _update_phase(self) -> None:
        """Update the phase of the connection. The deadline changes only with the phase."""
        if self.transport.is_closing():
            return
        phase = self._current_phase()
        if phase is not self._phase:
            self._enter(phase)
        elif self.timeout_keep_alive_task is None and phase is not _Phase.RESPONSE:
            self._set_timer(self._until_s)

    def _current_phase(self) -> _Phase:
        # There is none before the first complete head.
        cycle: RequestResponseCycle | None = self.cycle
        if self._is_lingering:
            return _Phase.LINGER
        if self._part is _Part.BODY:
            return _Phase.BODY
        if cycle is not None and not cycle.response_complete:
            return _Phase.RESPONSE
        if self._part is _Part.HEAD:
            return _Phase.HEAD
        return _Phase.FIRST_BYTE if cycle is None else _Phase.IDLE

    def _enter(self, phase: _Phase) -> None:
        self._phase, self._body_bytes = phase, 0
        if phase in _WAITS_FOR_CLIENT:
            self._all.begin_wait(self)
        else:
            self._all.end_wait(self)
        if phase is _Phase.RESPONSE:
            self._unset_keepalive_if_required()
        elif phase is _Phase.IDLE and self.timeout_keep_alive_task is not None:
            # Uvicorn has just set it.
            self._until_s = self.timeout_keep_alive_task.when()
        else:
            self._set_timer(self.loop.time() + self._waits_s[phase])

    def _set_timer(self, until_s: float) -> None:
        self._unset_keepalive_if_required()
        self._until_s = until_s
        self.timeout_keep_alive_task = self.loop.call_at(until_s, self.timeout_keep_alive_handler)

    def timeout_keep_alive_handler(self) -> None:
        """End a phase that takes too long, but first read data that came while the event loop was busy."""
        self.timeout_keep_alive_task = None
        if self.transport.is_closing():
            return
        if self._phase is not _Phase.LINGER and has_unread_bytes(self.transport):
            self._set_timer(self.loop.time() + _UNREAD_S)
        elif self._phase is _Phase.HEAD:
            self._refuse(timeout_response())
        elif self._phase is _Phase.BODY:
            self._check_body()
        else:
            self.transport.close()

    def _check_body(self) -> None:
        """Refuse a body that arrives too slowly, unless the service itself has paused reading."""
        is_held = self.flow.read_paused or self.pipeline or self.cycle.waiting_for_100_continue
        if is_held or self._body_bytes >= self._all.timeouts.body_bytes:
            self._enter(_Phase.BODY)
        elif self.cycle.response_started:
            self.transport.close()
        else:
            self._refuse(timeout_response())

    def make_room(self) -> bool:
        """End the connection at once. Return False if its client has sent or has to read something."""
        if self.transport.get_write_buffer_size() or has_unread_bytes(self.transport):
            return False
        self.transport.abort()
        return True
