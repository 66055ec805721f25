"""Nonblocking socket of one PostgreSQL connection in the event loop; libpq does the sending and reading."""

import asyncio
import os
import select
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import pq


class PipelineSocket:
    """Socket that calls `on_data` after each input, and `on_loss` with the reason of a lost connection.

    libpq closes its socket by itself as soon as it detects a loss, perhaps in the middle of a send. The
    operating system reuses the descriptor for the next file or connection of the process. So the loop polls a
    duplicate descriptor, which stays open until `close`.
    """

    def __init__(
        self, pgconn: "pq.abc.PGconn", on_data: Callable[[], None], on_loss: Callable[[Exception], None]
    ) -> None:
        self._pgconn = pgconn
        self._on_data = on_data
        self._on_loss = on_loss
        self._is_sending = False
        self._loop = asyncio.get_running_loop()
        pgconn.nonblocking = 1
        self._number = os.dup(pgconn.socket)
        self._loop.add_reader(self._number, self._receive)
        # An empty mask reports errors and hang-ups alone.
        self._error_poll = select.poll()
        self._error_poll.register(self._number, 0)
        self._is_closed = False

    def call(self, send: Callable[..., object], *arguments: Any) -> None:  # noqa: ANN401 (libpq's own)
        """Make libpq queue a message. If libpq raises an error, the connection is lost."""
        try:
            send(*arguments)
        except psycopg.Error as fault:
            self._on_loss(fault)
            raise

    def flush(self) -> None:
        """Send as much as the operating system accepts now, and the rest when it accepts more."""
        try:
            is_left = bool(self._pgconn.flush())
            # A large send may have made libpq read as well, and nothing else reports that input.
            self._on_data()
        except psycopg.Error as fault:
            self._on_loss(fault)
            return
        if is_left and not self._is_sending:
            self._loop.add_writer(self._number, self.flush)
        elif self._is_sending and not is_left:
            self._loop.remove_writer(self._number)
        self._is_sending = is_left

    def check_open(self) -> None:
        """Raise OperationalError if libpq has detected the loss of the server: no more responses come."""
        if self._pgconn.status != pq.ConnStatus.OK:
            raise psycopg.OperationalError("the server closed the connection")

    def close(self) -> None:
        self._is_closed = True
        self._loop.remove_reader(self._number)
        if self._is_sending:
            self._loop.remove_writer(self._number)
        os.close(self._number)
        self._pgconn.finish()

    def _receive(self) -> None:
        if self._is_closed:
            return
        try:
            self._pgconn.consume_input()
            self._on_data()
        except psycopg.Error as fault:
            self._on_loss(fault)
            return
        if self._is_sending:
            self.flush()
        if self._error_poll.poll(0):
            # After an error uvloop calls a reader once and then never again, although input may be left.
            self._loop.call_soon(self._receive)
