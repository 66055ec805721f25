"""PostgreSQL connection in pipeline mode, with any number of statements in flight.

psycopg connects and converts values; this module sends and receives through psycopg's libpq layer. psycopg's
cursors wait for one response at a time, and take two to five times the processor time per statement.
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

from calltally.store.backends.postgres.nonblocking_socket import PipelineSocket
from calltally.store.backends.postgres.wire import (
    BoundStatement,
    EncodedStatement,
    PendingResponse,
    ResultCollector,
    StatementShape,
    with_numbered_params,
)
from calltally.store.db.operation import Rows

# Maximum of prepared statements. Each costs the server some kilobytes; the lists with all their filters have
# a few dozen texts.
_MOST_PREPARED: Final = 256
# Plans are discarded after so many transactions, at first more often: a plan for tables that were still empty
# may use the wrong index, and nothing else replaces it while they grow.
_PLANS_YOUNG: Final = 32
_PLANS_OLD: Final = 4_096
_OLD_AFTER: Final = 2_048
_CANCEL_S: Final = 2.0
# Interval at which a waiting connection checks for progress.
_PROGRESS_CHECK_S: Final = 5.0
_SUCCESS_STATUSES: Final = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK, pq.ExecStatus.PIPELINE_SYNC)
_FATAL: Final = (b"FATAL", b"PANIC")
_names: Final = count()


class PipelineConnection:
    """Connection that sends statements at once and receives the responses in their order.

    The statements between two Syncs form one transaction, unless statements say otherwise. After a statement
    that fails, all others up to the Sync fail too. If libpq fails, or the server does not respond within
    `response_timeout_s` per statement, the connection is lost: it is closed, and all callers get the reason.
    """

    def __init__(self, connection: psycopg.AsyncConnection[Any], response_timeout_s: float) -> None:
        # By default integers have three types, by size, and each statement would have as many plans.
        connection.adapters.register_dumper(int, Int8BinaryDumper)
        self._connection = connection
        self._pgconn = connection.pgconn
        self._pgconn.enter_pipeline_mode()
        self.response_timeout_s = response_timeout_s
        self._values = Transformer(connection)
        self._pending: deque[PendingResponse] = deque()
        # Least recently used first. Not of a library: each eviction has to send a DEALLOCATE.
        self._prepared: OrderedDict[StatementShape, bytes] = OrderedDict()
        self._error: Exception | None = None
        # Syncs that the server has not processed yet.
        self._pending_syncs = 0
        # A Sync after each batch within BEGIN and COMMIT, which it does not end. Without one the server does
        # not limit its wait for the next statement (`idle_in_transaction_session_timeout`).
        self.syncs_each_batch = False
        self._transactions = 0
        # A Sync that is not sent yet.
        self._deferred_end: asyncio.Handle | None = None
        # The response that is pending longest, the time since when, and the timer of the next check.
        self._oldest: PendingResponse | None = None
        self._oldest_since_s = 0.0
        self._progress_timer: asyncio.TimerHandle | None = None
        self.is_broken = False
        self._loop = asyncio.get_running_loop()
        self._socket = PipelineSocket(self._pgconn, self._receive_all, self._abort)

    async def query(self, *statement: BoundStatement) -> list[Rows]:
        """Send statements in one batch and return the rows of each. Raises psycopg's errors."""
        if not statement:
            return []
        collector = ResultCollector(len(statement), self._loop.create_future())
        # Encode all of them first: if one cannot be encoded, none may have been sent.
        encoded_statements = [self._encode(each) for each in statement]
        try:
            for encoded in encoded_statements:
                self._send(encoded, collector)
            if self.syncs_each_batch:
                self._send_sync(None)
            else:
                self._socket.call(self._pgconn.send_flush_request)
            self._flush()
        except psycopg.Error as fault:
            collector.fail(fault)
        return await collector.future

    def queue(self, statement: BoundStatement) -> None:
        """Queue a statement without rows, to be sent with the next one, which fails if it fails."""
        self._send(self._encode(statement), None)

    def end_transaction(self) -> None:
        """End a transaction without waiting for the server.

        The Sync is sent in the next loop iteration, or before the next statement. So the caller has its rows
        before the system call, and on a busy connection one call sends both.
        """
        if self.is_broken:
            raise psycopg.OperationalError("the connection is lost")
        if self._deferred_end is None:
            self._deferred_end = self._loop.call_soon(self._send_deferred_end)

    async def sync(self) -> None:
        """Send a Sync and return when the server has processed all up to it. Raises the first error."""
        synced: asyncio.Future[None] = self._loop.create_future()
        try:
            self._end_now(synced)
        except psycopg.Error as fault:
            if not synced.done():
                synced.set_exception(fault)
        await synced

    def close(self) -> None:
        """Close the connection. The server rolls back an open transaction."""
        self._abort(psycopg.OperationalError("the connection was closed"))

    async def cancel_and_close(self) -> None:
        """Cancel the running statement on the server and close the connection."""
        try:
            await self._connection.cancel_safe(timeout=_CANCEL_S)
        except psycopg.Error:
            pass
        finally:
            self.close()

    def _encode(self, statement: BoundStatement) -> EncodedStatement:
        query, names, formats = with_numbered_params(statement.sql)
        values = self._values.dump_sequence([statement.params[name] for name in names], formats)
        return EncodedStatement((query, self._values.types or ()), values, self._values.formats)

    def _send_deferred_end(self) -> None:
        if self._deferred_end is not None:
            self._deferred_end.cancel()
            self._deferred_end = None
            # A connection that is lost by now has no transaction to end.
            with suppress(psycopg.Error):
                self._end_now(None)

    def _send(self, encoded: EncodedStatement, collector: ResultCollector | None) -> None:
        self._send_deferred_end()
        if self.is_broken:
            raise psycopg.OperationalError("the connection is lost")
        if self._error is not None and self._pending_syncs == 0:
            # No response would come: after an error the server ignores all up to the Sync.
            raise self._error
        shape, values, formats = encoded
        if values:
            name = self._prepared.get(shape) or self._prepare(shape)
            self._prepared.move_to_end(shape)
            self._socket.call(self._pgconn.send_query_prepared, name, values, formats, pq.Format.BINARY)
        else:
            # Statements like BEGIN: the server parses them as quickly as it finds a prepared one.
            self._send_plain(shape[0])
        self._pending.append(PendingResponse(collector))

    def _prepare(self, shape: StatementShape) -> bytes:
        if len(self._prepared) == _MOST_PREPARED:
            _, former = self._prepared.popitem(last=False)
            self._send_plain(b"DEALLOCATE " + former)
            self._pending.append(PendingResponse())
        name = self._prepared[shape] = b"s%d" % next(_names)
        self._socket.call(self._pgconn.send_prepare, name, *shape)
        self._pending.append(PendingResponse(prepared=shape))
        return name

    def _send_plain(self, query: bytes) -> None:
        self._socket.call(self._pgconn.send_query_params, query, None, None, None, pq.Format.BINARY)

    def _end_now(self, synced: "asyncio.Future[None] | None") -> None:
        self._send_deferred_end()
        if self.is_broken:
            raise psycopg.OperationalError("the connection is lost")
        self._send_sync(synced)
        self._transactions += 1
        if self._transactions % (_PLANS_OLD if self._transactions > _OLD_AFTER else _PLANS_YOUNG) == 0:
            self._send_plain(b"DISCARD PLANS")
            self._pending.append(PendingResponse())
            self._send_sync(None)
        self._flush()

    def _send_sync(self, synced: "asyncio.Future[None] | None") -> None:
        self._socket.call(self._pgconn.pipeline_sync)
        self._pending_syncs += 1
        self._pending.append(PendingResponse(is_sync=True, synced=synced))

    def _flush(self) -> None:
        self._socket.flush()
        if self._progress_timer is None and self._pending:
            self._schedule_progress_check()

    def _schedule_progress_check(self) -> None:
        self._progress_timer = self._loop.call_later(
            min(_PROGRESS_CHECK_S, self.response_timeout_s), self._check_progress
        )

    def _check_progress(self) -> None:
        """Close a connection whose server does not respond. A timer per statement costs more than sending."""
        self._progress_timer = None
        if not self._pending:
            return
        now_s = self._loop.time()
        if self._pending[0] is not self._oldest:
            self._oldest, self._oldest_since_s = self._pending[0], now_s
        # The server may hold back the responses of a batch until its last statement is done.
        elif now_s - self._oldest_since_s >= self.response_timeout_s * len(self._pending):
            message = f"the server did not respond for {now_s - self._oldest_since_s:.0f} s"
            self._abort(psycopg.OperationalError(message))
            return
        self._schedule_progress_check()

    def _receive_all(self) -> None:
        while self._pending and not self._pgconn.is_busy():
            result = self._pgconn.get_result()
            # After a loss libpq makes up results, or reports that there are none.
            self._socket.check_open()
            self._receive(result)
        self._socket.check_open()

    def _receive(self, result: "pq.abc.PGresult | None") -> None:
        pending = self._pending[0]
        status = None if result is None else result.status
        if result is not None and status not in _SUCCESS_STATUSES:
            self._fail(pending, result)
        elif (status == pq.ExecStatus.PIPELINE_SYNC) != pending.is_sync:
            raise psycopg.OperationalError("the responses of the server are out of order")
        elif result is None:
            self._pending.popleft()
        elif pending.is_sync:
            self._pending.popleft()
            self._finish_transaction(pending.synced)
        elif pending.collector is not None:
            self._load_rows(pending.collector, result)

    def _load_rows(self, collector: ResultCollector, result: "pq.abc.PGresult") -> None:
        try:
            self._values.set_pgresult(result)
            collector.add(self._values.load_rows(0, result.ntuples, tuple))
        except Exception as fault:  # noqa: BLE001 - the caller that waits for these rows gets it
            collector.fail(fault)

    def _finish_transaction(self, synced: "asyncio.Future[None] | None") -> None:
        self._pending_syncs -= 1
        fault, self._error = self._error, None
        if synced is None or synced.done():
            return
        if fault is None:
            synced.set_result(None)
        else:
            synced.set_exception(fault)

    def _fail(self, pending: PendingResponse, result: "pq.abc.PGresult") -> None:
        fault = error_from_result(result)
        if result.error_field(pq.DiagnosticField.SEVERITY_NONLOCALIZED) in _FATAL:
            # The server closes the connection after this response.
            raise fault
        if self._error is None:
            self._error = fault
        if pending.prepared is not None:
            self._prepared.pop(pending.prepared, None)
        if pending.collector is not None:
            pending.collector.fail(self._error)

    def _abort(self, fault: Exception) -> None:
        if self.is_broken:
            return
        self.is_broken = True
        if self._progress_timer is not None:
            self._progress_timer.cancel()
        self._socket.close()
        for pending in self._pending:
            if pending.collector is not None:
                pending.collector.fail(fault)
            if pending.synced is not None and not pending.synced.done():
                pending.synced.set_exception(fault)
        self._pending.clear()
