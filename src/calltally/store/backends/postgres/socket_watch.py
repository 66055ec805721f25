"""The socket of one connection to PostgreSQL in the event loop: libpq sends and reads while it can."""

import asyncio
import os
import select
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import pq


class LinkSocket:
    """Calls `take` behind whatever came in, and `lose` with the reason where the server is gone.

    libpq closes its socket by itself as soon as it finds that out, maybe in the middle of a send. The
    operating system gives the number to the next file or connection of the process. So the loop watches a
    duplicate, whose number stays ours until `close`.
    """

    def __init__(
        self, pgconn: "pq.abc.PGconn", take: Callable[[], None], lose: Callable[[Exception], None]
    ) -> None:
        self._pgconn = pgconn
        self._take = take
        self._lose = lose
        self._is_sending = False
        self._loop = asyncio.get_running_loop()
        pgconn.nonblocking = 1
        self._number = os.dup(pgconn.socket)
        self._loop.add_reader(self._number, self._receive)
        # Reports errors and hang-ups alone, which need not be named.
        self._hung_up = select.poll()
        self._hung_up.register(self._number, 0)
        self._is_closed = False

    def call(self, send: Callable[..., object], *arguments: Any) -> None:  # noqa: ANN401 (libpq's own)
        """Have libpq queue a message. Where it cannot, the connection is lost."""
        try:
            send(*arguments)
        except psycopg.Error as fault:
            self._lose(fault)
            raise

    def flush(self) -> None:
        """Hand the system what it takes now, and the rest when it takes more."""
        try:
            is_left = bool(self._pgconn.flush())
            # To send much libpq may have had to read as well, and nothing else reports what it has read.
            self._take()
        except psycopg.Error as fault:
            self._lose(fault)
            return
        if is_left and not self._is_sending:
            self._loop.add_writer(self._number, self.flush)
        elif self._is_sending and not is_left:
            self._loop.remove_writer(self._number)
        self._is_sending = is_left

    def check(self) -> None:
        """Raise OperationalError where libpq has found the server gone: it answers nothing more."""
        if self._pgconn.status != pq.ConnStatus.OK:
            raise psycopg.OperationalError("the server closed the connection")

    def close(self) -> None:
        """Hang up."""
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
            self._take()
        except psycopg.Error as fault:
            self._lose(fault)
            return
        if self._is_sending:
            self.flush()
        if self._hung_up.poll(0):
            # At an error uvloop calls a reader once and then no more, though it may not have read to the end.
            self._loop.call_soon(self._receive)
