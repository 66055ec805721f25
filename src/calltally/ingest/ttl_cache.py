"""Cache with a time to live, for store reads that every request needs and that seldom change."""

from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, TypeVar

from calltally.store.db.operation import Clock

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

# Requests can name tenants that do not exist. Their absence is cached too, so the size has a limit.
MAX_ENTRIES: Final = 4_096


class TtlCache(Generic[K, V]):
    """Cache of values by key; a value is read again after `keep_us`. Absence is cached like any value."""

    def __init__(self, read: Callable[[K], Awaitable[V]], clock: Clock, ttl_us: int) -> None:
        self._read = read
        self._clock = clock
        self._ttl_us = ttl_us
        self._entries: dict[K, tuple[int, V]] = {}
        # A read that began before a change must not be cached after it.
        self._changes = 0

    async def get(self, key: K) -> V:
        """Return the value, at most `keep_us` old."""
        entry, now_us = self._entries.get(key), self._clock()
        # If the clock is set back, all entries are stale.
        if entry is not None and entry[0] <= now_us < entry[0] + self._ttl_us:
            return entry[1]
        before = self._changes
        value = await self._read(key)
        if before == self._changes:
            self._put(key, value, now_us)
        return value

    def _put(self, key: K, value: V, now_us: int) -> None:
        if len(self._entries) >= MAX_ENTRIES:
            self._entries.clear()
        self._entries[key] = (now_us, value)

    def keys(self) -> list[K]:
        """Return the cached keys."""
        return [*self._entries]

    def invalidate(self, key: K) -> None:
        """Drop an entry, so that a change takes effect here. Call it after the change is stored."""
        self._changes += 1
        self._entries.pop(key, None)
