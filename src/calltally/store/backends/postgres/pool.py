"""Pool of one process's connections to one PostgreSQL server. Their settings are in `session_settings`."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from calltally.calls.errors import Unavailable
from calltally.store.backends.postgres.pipeline import PipelineConnection
from calltally.store.backends.postgres.session_settings import (
    CONNECT_S,
    NETWORK_SETTINGS,
    RESPONSE_TIMEOUT_S,
    SET_SESSION,
)
from calltally.store.db.usage import PoolUse

POOL_WAIT_S: Final = 10.0


async def connect(url: str, *, connect_s: int = CONNECT_S) -> PipelineConnection:
    """Return a connection with the settings that the store depends on. Raises psycopg.OperationalError."""
    network = {"connect_timeout": connect_s, **NETWORK_SETTINGS, **conninfo_to_dict(url)}
    driver_connection: psycopg.AsyncConnection[Any] = await psycopg.AsyncConnection.connect(
        make_conninfo(**network), autocommit=True
    )
    try:
        connection = PipelineConnection(driver_connection, connect_s)
    except OSError as fault:
        await driver_connection.close()
        message = f"the connection cannot be polled: {fault.strerror}"
        raise psycopg.OperationalError(message) from fault
    try:
        await connection.query(SET_SESSION)
        await connection.sync()
    except BaseException:
        connection.close()
        raise
    connection.response_timeout_s = RESPONSE_TIMEOUT_S
    return connection


class PipelinePool:
    """Pool of connections, made on demand. Last in, first out, so that few connections stay busy and warm."""

    def __init__(
        self, make: Callable[[], Awaitable[PipelineConnection]], most: int, wait_s: float = POOL_WAIT_S
    ) -> None:
        self._make = make
        self._wait_s = wait_s
        self._idle: list[PipelineConnection] = []
        self._slots = asyncio.Semaphore(most)
        self._dropping: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self._most = most
        self._in_use = self._waiting = 0

    @property
    def use(self) -> PoolUse:
        return PoolUse(self._in_use, self._waiting, self._most)

    def connection(self) -> "_PooledConnection":
        """Return a context manager of one connection. Entering raises Unavailable if none is free in time."""
        return _PooledConnection(self)

    async def acquire(self) -> PipelineConnection:
        """Return a connection for exclusive use, until it is released or discarded."""
        if self._slots.locked():
            await self._wait_for_slot()
        else:
            await self._slots.acquire()
        connection = None
        try:
            connection = self._pop() or await self._make()
        finally:
            if connection is None:
                self._slots.release()
        self._in_use += 1
        return connection

    def release(self, connection: PipelineConnection) -> None:
        self._free_slot()
        if self._is_closed:
            connection.close()
        elif not connection.is_broken:
            self._idle.append(connection)

    def discard(self, connection: PipelineConnection) -> None:
        """Cancel and close a connection whose caller stopped waiting, so that the next one need not wait."""
        self._free_slot()
        dropping = asyncio.create_task(connection.cancel_and_close())
        self._dropping.add(dropping)
        dropping.add_done_callback(self._dropping.discard)

    async def close(self) -> None:
        """Close the idle connections now, and the others when they are released."""
        self._is_closed = True
        while connection := self._pop():
            connection.close()
        await asyncio.gather(*self._dropping)

    def _free_slot(self) -> None:
        self._in_use -= 1
        self._slots.release()

    async def _wait_for_slot(self) -> None:
        self._waiting += 1
        try:
            async with asyncio.timeout(self._wait_s):
                await self._slots.acquire()
        except TimeoutError as fault:
            message = f"all connections to the database were busy for {self._wait_s:g} s; try again"
            raise Unavailable(message) from fault
        finally:
            self._waiting -= 1

    def _pop(self) -> PipelineConnection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_broken:
                return connection
        return None


class _PooledConnection:
    """Context manager of a connection. It is no generator: around each read, that would take 5 us more."""

    __slots__ = ("_connection", "_pool")

    def __init__(self, pool: PipelinePool) -> None:
        self._pool = pool

    async def __aenter__(self) -> PipelineConnection:
        self._connection = await self._pool.acquire()
        return self._connection

    async def __aexit__(self, _kind: object, fault: BaseException | None, _traceback: object) -> None:
        if isinstance(fault, asyncio.CancelledError):
            self._pool.discard(self._connection)
        else:
            self._pool.release(self._connection)
