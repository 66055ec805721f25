"""Connections that are kept for the next request to the same place."""

import asyncio
from typing import Final, NamedTuple, TypeAlias

from calltally.net.http_connection import HttpConnection

PoolKey: TypeAlias = tuple[str, str, int]

IDLE_S: Final = 20.0
# Names lead elsewhere in time, and what an operator forbids must end: no connection lives for long.
MAX_AGE_S: Final = 120.0
MAX_IDLE_PER_KEY: Final = 64
MAX_IDLE: Final = 512


class PooledConnection(NamedTuple):
    """A connection, when it was made by the loop's clock, and whether it has carried a request before."""

    conversation: HttpConnection
    made_s: float
    is_used: bool


class ConnectionPool:
    """Those that rest. Each is given out once, and closes by itself when nobody wants it."""

    def __init__(self) -> None:
        self._resting: dict[PoolKey, list[PooledConnection]] = {}
        self._count = 0

    def take(self, place: PoolKey, now_s: float) -> PooledConnection | None:
        """One that still works, the one that rested last."""
        resting = self._resting.get(place, [])
        while resting:
            self._count -= 1
            opened = resting.pop()
            if opened.conversation.is_usable and now_s - opened.made_s < MAX_AGE_S:
                return opened
            opened.conversation.close()
        self._resting.pop(place, None)
        return None

    def keep(self, place: PoolKey, opened: PooledConnection) -> None:
        """Let it rest, unless it or this place has had enough."""
        resting = self._resting.setdefault(place, [])
        if not opened.conversation.is_usable or len(resting) >= MAX_IDLE_PER_KEY or self._count >= MAX_IDLE:
            opened.conversation.close()
            return
        used = opened._replace(is_used=True)
        resting.append(used)
        self._count += 1
        asyncio.get_running_loop().call_later(IDLE_S, self._end, place, used)

    def close(self) -> None:
        """End all of them."""
        for resting in self._resting.values():
            for opened in resting:
                opened.conversation.close()
        self._resting.clear()
        self._count = 0

    def _end(self, place: PoolKey, opened: PooledConnection) -> None:
        resting = self._resting.get(place, [])
        if any(each is opened for each in resting):
            self._resting[place] = [each for each in resting if each is not opened]
            self._count -= 1
            opened.conversation.close()
