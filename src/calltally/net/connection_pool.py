"""Pool of idle connections for the next request to the same host."""

import asyncio
from typing import Final, NamedTuple, TypeAlias

from calltally.net.http_connection import HttpConnection

PoolKey: TypeAlias = tuple[str, str, int]

IDLE_S: Final = 20.0
# DNS entries change, and revoked permissions must take effect: no connection lives for long.
MAX_AGE_S: Final = 120.0
MAX_IDLE_PER_KEY: Final = 64
MAX_IDLE: Final = 512


class PooledConnection(NamedTuple):
    """A connection, the time of its opening by the loop's clock, and whether it has carried a request."""

    connection: HttpConnection
    opened_s: float
    is_reused: bool


class ConnectionPool:
    """Idle connections. Each is handed out once, and closes after its idle time."""

    def __init__(self) -> None:
        self._idle: dict[PoolKey, list[PooledConnection]] = {}
        self._count = 0

    def acquire(self, key: PoolKey, now_s: float) -> PooledConnection | None:
        """Return the most recently used connection that still works, or None."""
        idle = self._idle.get(key, [])
        while idle:
            self._count -= 1
            pooled = idle.pop()
            if pooled.connection.is_usable and now_s - pooled.opened_s < MAX_AGE_S:
                return pooled
            pooled.connection.close()
        self._idle.pop(key, None)
        return None

    def release(self, key: PoolKey, pooled: PooledConnection) -> None:
        """Keep a connection idle, or close it if the pool is full."""
        idle = self._idle.setdefault(key, [])
        if not pooled.connection.is_usable or len(idle) >= MAX_IDLE_PER_KEY or self._count >= MAX_IDLE:
            pooled.connection.close()
            return
        used = pooled._replace(is_reused=True)
        idle.append(used)
        self._count += 1
        asyncio.get_running_loop().call_later(IDLE_S, self._end, key, used)

    def close(self) -> None:
        """Close all idle connections."""
        for idle in self._idle.values():
            for pooled in idle:
                pooled.connection.close()
        self._idle.clear()
        self._count = 0

    def _end(self, key: PoolKey, pooled: PooledConnection) -> None:
        idle = self._idle.get(key, [])
        if any(each is pooled for each in idle):
            self._idle[key] = [each for each in idle if each is not pooled]
            self._count -= 1
            pooled.connection.close()
