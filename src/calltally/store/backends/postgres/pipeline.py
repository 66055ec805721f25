"""One connection to PostgreSQL, with any number of statements on their way at once.

psycopg connects and knows how values are written; what is sent and received goes through its libpq layer
from here. Its cursors wait for one thing at a time, and take four times the processor time a statement.
"""

import asyncio
from collections import OrderedDict, deque
from contextlib import suppress
from itertools import count
from typing import Any, Final

import psycopg
from psycopg import pq
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.types.numeric import Int8BinaryDumper

from calltally.store.backends.postgres.socket_watch import LinkSocket
from calltally.store.backends.postgres.wire import (
    Asked,
    Encoded,
    Owed,
    Shape,
    Waiting,
    is_time_to_plan,
    numbered,
)
from calltally.store.db.operation import Rows

# Each costs the server some kilobytes; lists with all their filters have a few dozen texts.
_MOST_PREPARED: Final = 256
_CANCEL_S: Final = 2.0
# How often a connection that waits looks how long it has.
_LOOK_S: Final = 5.0
_ANSWERS: Final = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK, pq.ExecStatus.PIPELINE_SYNC)
_FATAL: Final = (b"FATAL", b"PANIC")
_names: Final = count()


class Link:
    """Statements go out at once and are answered in their order.

    What is sent between two ends is one transaction, unless statements say otherwise. After a statement
    that fails, all others up to the end fail too. Where libpq fails, or the server does not answer within
    `answer_s` for each statement, the connection is lost: it is closed, and all who wait get the reason.
    """

    def __init__(self, connection: psycopg.AsyncConnection[Any], answer_s: float) -> None:
        # By their size integers would have three types, and each statement as many plans.
        connection.adapters.register_dumper(int, Int8BinaryDumper)
        self._connection = connection
        self._pgconn = connection.pgconn
        self._pgconn.enter_pipeline_mode()
        self.answer_s = answer_s
        self._values = Transformer(connection)
        self._owed: deque[Owed] = deque()
        self._prepared: OrderedDict[Shape, bytes] = OrderedDict()
        self._fault: Exception | None = None
        # Ends that the server has not come to.
        self._ends = 0
        self._transactions = 0
        # An end that is not sent yet.
        self._late: asyncio.Handle | None = None
        # The answer that is awaited longest, since when, and when to look again.
        self._oldest: Owed | None = None
        self._oldest_since_s = 0.0
        self._look: asyncio.TimerHandle | None = None
        self.is_broken = False
        self._loop = asyncio.get_running_loop()
        self._socket = LinkSocket(self._pgconn, self._take_all, self._lose)

    async def ask(self, *asked: Asked) -> list[Rows]:
        """Send statements together; the rows of each. Raises what psycopg would."""
        if not asked:
            return []
        waiting = Waiting(len(asked), self._loop.create_future())
        # All of them first: after one that cannot be encoded nothing may be on its way.
        everything = [self._encode(each) for each in asked]
        try:
            for encoded in everything:
                self._send(encoded, waiting)
            self._socket.call(self._pgconn.send_flush_request)
            self._flush()
        except psycopg.Error as fault:
            waiting.fail(fault)
        return await waiting.future

    def tell(self, asked: Asked) -> None:
        """Send a statement whose rows nobody needs, with what is sent next.

        If it fails, so does what comes after it, and `settle`.
        """
        self._send(self._encode(asked), None)

    def end(self) -> None:
        """End a transaction of which nothing is left to be known.

        It is sent once the loop comes round, or before whatever is sent next: whoever has the answer does not
        wait for the system to take it, and of a connection that is busy both are answered at once.
        """
        if self.is_broken:
            raise psycopg.OperationalError("the connection is lost")
        if self._late is None:
            self._late = self._loop.call_soon(self._end_late)

    async def settle(self) -> None:
        """End what was sent; returns when the server has done all of it. Raises the first fault."""
        settled: asyncio.Future[None] = self._loop.create_future()
        try:
            self._sync(settled)
        except psycopg.Error as fault:
            if not settled.done():
                settled.set_exception(fault)
        await settled

    def close(self) -> None:
        """Hang up. The server undoes what was not ended."""
        self._lose(psycopg.OperationalError("the connection was closed"))

    async def drop(self) -> None:
        """Hang up in the middle of a statement, and have the server stop working on it."""
        try:
            await self._connection.cancel_safe(timeout=_CANCEL_S)
        except psycopg.Error:
            pass
        finally:
            self.close()

    def _encode(self, asked: Asked) -> Encoded:
        query, names, formats = numbered(asked.sql)
        values = self._values.dump_sequence([asked.params[name] for name in names], formats)
        return Encoded((query, self._values.types or ()), values, self._values.formats)

    def _end_late(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
            # A connection that is lost by now has nothing to end.
            with suppress(psycopg.Error):
                self._sync(None)

    def _send(self, encoded: Encoded, waiting: Waiting | None) -> None:
        self._end_late()
        self._check()
        shape, values, formats = encoded
        if values:
            name = self._prepared.get(shape) or self._prepare(shape)
            self._prepared.move_to_end(shape)
            self._socket.call(self._pgconn.send_query_prepared, name, values, formats, pq.Format.BINARY)
        else:
            # BEGIN and the like: read as quickly as a name is looked up.
            self._send_plain(shape[0])
        self._owed.append(Owed(waiting))

    def _prepare(self, shape: Shape) -> bytes:
        if len(self._prepared) == _MOST_PREPARED:
            _, former = self._prepared.popitem(last=False)
            self._send_plain(b"DEALLOCATE " + former)
            self._owed.append(Owed())
        name = self._prepared[shape] = b"s%d" % next(_names)
        self._socket.call(self._pgconn.send_prepare, name, *shape)
        self._owed.append(Owed(prepared=shape))
        return name

    def _send_plain(self, query: bytes) -> None:
        self._socket.call(self._pgconn.send_query_params, query, None, None, None, pq.Format.BINARY)

    def _check(self) -> None:
        """Nothing may be sent that will not be answered: after a fault the server is silent until the end."""
        if self.is_broken:
            raise psycopg.OperationalError("the connection is lost")
        if self._fault is not None and self._ends == 0:
            raise self._fault

    def _sync(self, settled: "asyncio.Future[None] | None") -> None:
        self._end_late()
        if self.is_broken:
            raise psycopg.OperationalError("the connection is lost")
        self._send_end(settled)
        self._transactions += 1
        if is_time_to_plan(self._transactions):
            self._plan_anew()
        self._flush()

    def _plan_anew(self) -> None:
        self._send_plain(b"DISCARD PLANS")
        self._owed.append(Owed())
        self._send_end(None)

    def _send_end(self, settled: "asyncio.Future[None] | None") -> None:
        self._socket.call(self._pgconn.pipeline_sync)
        self._ends += 1
        self._owed.append(Owed(is_end=True, settled=settled))

    def _flush(self) -> None:
        self._socket.flush()
        if self._look is None and self._owed:
            self._look_later()

    def _look_later(self) -> None:
        self._look = self._loop.call_later(min(_LOOK_S, self.answer_s), self._check_progress)

    def _check_progress(self) -> None:
        """Lose a server that does not answer. One timer a statement would take longer than to send it."""
        self._look = None
        if not self._owed:
            return
        now_s = self._loop.time()
        if self._owed[0] is not self._oldest:
            self._oldest, self._oldest_since_s = self._owed[0], now_s
        # The server may keep back the answers to statements that were sent together until the last is done.
        elif now_s - self._oldest_since_s >= self.answer_s * len(self._owed):
            message = f"the server did not answer for {now_s - self._oldest_since_s:.0f} s"
            self._lose(psycopg.OperationalError(message))
            return
        self._look_later()

    def _take_all(self) -> None:
        while self._owed and not self._pgconn.is_busy():
            result = self._pgconn.get_result()
            # Of a server that is gone libpq makes up results, or says that there are none.
            self._socket.check()
            self._take(result)
        self._socket.check()

    def _take(self, result: "pq.abc.PGresult | None") -> None:
        owed = self._owed[0]
        status = None if result is None else result.status
        if result is not None and status not in _ANSWERS:
            self._fail(owed, result)
        elif (status == pq.ExecStatus.PIPELINE_SYNC) != owed.is_end:
            raise psycopg.OperationalError("the answers of the server are out of step")
        elif result is None:
            self._owed.popleft()
        elif owed.is_end:
            self._owed.popleft()
            self._end(owed.settled)
        elif owed.waiting is not None:
            self._load(owed.waiting, result)

    def _load(self, waiting: Waiting, result: "pq.abc.PGresult") -> None:
        try:
            self._values.set_pgresult(result)
            waiting.take(self._values.load_rows(0, result.ntuples, tuple))
        except Exception as fault:  # noqa: BLE001 - it is told to whoever waits for these rows
            waiting.fail(fault)

    def _end(self, settled: "asyncio.Future[None] | None") -> None:
        self._ends -= 1
        fault, self._fault = self._fault, None
        if settled is None or settled.done():
            return
        if fault is None:
            settled.set_result(None)
        else:
            settled.set_exception(fault)

    def _fail(self, owed: Owed, result: "pq.abc.PGresult") -> None:
        fault = error_from_result(result)
        if result.error_field(pq.DiagnosticField.SEVERITY_NONLOCALIZED) in _FATAL:
            # The server hangs up behind it.
            raise fault
        if self._fault is None:
            self._fault = fault
        if owed.prepared is not None:
            self._prepared.pop(owed.prepared, None)
        if owed.waiting is not None:
            owed.waiting.fail(self._fault)

    def _lose(self, fault: Exception) -> None:
        if self.is_broken:
            return
        self.is_broken = True
        if self._look is not None:
            self._look.cancel()
        self._socket.close()
        for owed in self._owed:
            if owed.waiting is not None:
                owed.waiting.fail(fault)
            if owed.settled is not None and not owed.settled.done():
                owed.settled.set_exception(fault)
        self._owed.clear()
