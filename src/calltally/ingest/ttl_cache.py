"""What was read from the store a moment ago, for what every request asks and what seldom changes."""

from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, TypeVar

from calltally.store.db.operation import Clock

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

# Anybody can name tenants that do not exist; their absence is kept too, so there is a bound.
MAX_KEPT: Final = 4_096


class Recent(Generic[K, V]):
    """Values by key, each read again once it is `keep_us` old. Absence is kept as any other value."""

    def __init__(self, read: Callable[[K], Awaitable[V]], clock: Clock, keep_us: int) -> None:
        self._read = read
        self._clock = clock
        self._keep_us = keep_us
        self._kept: dict[K, tuple[int, V]] = {}
        # A reading that began before a change must not be kept after it.
        self._changes = 0

    async def of(self, key: K) -> V:
        """The value, at most `keep_us` old."""
        kept, now_us = self._kept.get(key), self._clock()
        # A clock that was set back makes everything old.
        if kept is not None and kept[0] <= now_us < kept[0] + self._keep_us:
            return kept[1]
        before = self._changes
        value = await self._read(key)
        if before == self._changes:
            self._keep(key, value, now_us)
        return value

    def _keep(self, key: K, value: V, now_us: int) -> None:
        if len(self._kept) >= MAX_KEPT:
            self._kept.clear()
        self._kept[key] = (now_us, value)

    def kept_keys(self) -> list[K]:
        """The keys whose values are kept now."""
        return [*self._kept]

    def forget(self, key: K) -> None:
        """Make a change count at once in this process. Call it after the store has it."""
        self._changes += 1
        self._kept.pop(key, None)
