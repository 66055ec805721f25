"""Mapping of a call to its route and agent, by the tenant's numbers in it, and the cache of the tables."""

from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Final, Generic, Literal, TypeAlias, TypeVar

import msgspec

from calltally.calls.events import Fact
from calltally.calls.model import Direction
from calltally.calls.times import SECOND_US
from calltally.store.db.interface import Store
from calltally.store.db.operation import Clock
from calltally.store.db.usage import CacheUse
from calltally.store.tenants.routes import RouteTarget, routes_by_number

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

# Requests can name tenants that do not exist. Their absence is cached too, so the size has a limit.
MAX_ENTRIES: Final = 4_096
RouteTable: TypeAlias = Mapping[str, RouteTarget]
_End: TypeAlias = Literal["from_number", "to_number"]

_TTL_US: Final = 2 * SECOND_US
# The tenant's own number is the called one, except in outbound calls.
_TENANTS_END_FIRST: Final[Mapping[str | None, tuple[_End, _End]]] = {
    Direction.INBOUND: ("to_number", "from_number"),
    Direction.OUTBOUND: ("from_number", "to_number"),
    None: ("to_number", "from_number"),
}


def map_route(fact: Fact, table: RouteTable) -> Fact:
    """Return the fact with the route and agent of the tenant's number, if the table has the number."""
    stated = fact.stated
    for end in _TENANTS_END_FIRST[stated.get("direction")]:
        target = table.get(stated.get(end, ""))
        if target is not None:
            mapped = {"mapped_route": target.route, "mapped_agent": target.agent}
            added = {name: value for name, value in mapped.items() if value is not None}
            return msgspec.structs.replace(fact, stated={**stated, **added})
    return fact


class TtlCache(Generic[K, V]):
    """Cache of values by key; a value is read again after `ttl_us`. Absence is cached like any value."""

    def __init__(self, read: Callable[[K], Awaitable[V]], clock: Clock, ttl_us: int) -> None:
        self._read = read
        self._clock = clock
        self._ttl_us = ttl_us
        self._entries: dict[K, tuple[int, V]] = {}
        # A read that began before a change must not be cached after it.
        self._changes = 0
        self._hits = self._misses = 0

    @property
    def use(self) -> CacheUse:
        return CacheUse(self._hits, self._misses)

    async def get(self, key: K) -> V:
        """Return the value, at most `ttl_us` old."""
        entry, now_us = self._entries.get(key), self._clock()
        # If the clock is set back, all entries are stale.
        if entry is not None and entry[0] <= now_us < entry[0] + self._ttl_us:
            self._hits += 1
            return entry[1]
        self._misses += 1
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
        return [*self._entries]

    def invalidate(self, key: K) -> None:
        """Drop an entry, so that a change takes effect here. Call it after the change is stored."""
        self._changes += 1
        self._entries.pop(key, None)


class RouteTableCache(TtlCache[str, RouteTable]):
    """Cache of each tenant's route table, at most two seconds old."""

    def __init__(self, store: Store, clock: Clock) -> None:
        async def read(tenant: str) -> RouteTable:
            return await store.read(routes_by_number(tenant))

        super().__init__(read, clock, _TTL_US)
