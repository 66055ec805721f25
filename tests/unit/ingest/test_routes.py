"""Routes of a fact's numbers, and the cache of route tables."""

import asyncio
from collections.abc import Callable

import pytest

from calltally.calls.events import Channel, Fact, StatedFields, content_digest
from calltally.ingest.routes import MAX_ENTRIES, TtlCache, map_route
from calltally.store.tenants.routes import RouteTarget

OURS, ALSO_OURS, THEIRS = "+14155550100", "+14155550101", "+14155550199"
TABLE = {OURS: RouteTarget("appointments", "scheduler"), ALSO_OURS: RouteTarget("support", None)}


def fact_of(fields: StatedFields) -> Fact:
    return Fact("CA1", Channel.CALLBACK, "twilio", "", "", None, 0, 0, content_digest(b""), fields)


@pytest.mark.parametrize(
    ("fields", "route", "agent"),
    [
        (StatedFields(direction="inbound", from_number=THEIRS, to_number=OURS), "appointments", "scheduler"),
        (StatedFields(direction="outbound", from_number=OURS, to_number=THEIRS), "appointments", "scheduler"),
        (StatedFields(direction="inbound", from_number=OURS, to_number=ALSO_OURS), "support", None),
        (
            StatedFields(direction="outbound", from_number=OURS, to_number=ALSO_OURS),
            "appointments",
            "scheduler",
        ),
        (StatedFields(from_number=OURS, to_number=ALSO_OURS), "support", None),
        (StatedFields(from_number=OURS), "appointments", "scheduler"),
        (StatedFields(direction="inbound", from_number=THEIRS, to_number=THEIRS), None, None),
        (StatedFields(status="ringing"), None, None),
    ],
)
def test_number_of_the_tenant_decides_the_route(
    fields: StatedFields, route: str | None, agent: str | None
) -> None:
    mapped = map_route(fact_of(fields), TABLE)
    assert (mapped.stated.get("mapped_route"), mapped.stated.get("mapped_agent")) == (route, agent)
    assert mapped.key == fact_of(fields).key


def test_named_route_is_kept() -> None:
    fields = map_route(fact_of(StatedFields(route="sales", to_number=OURS)), TABLE).stated
    assert (fields["route"], fields["mapped_route"]) == ("sales", "appointments")


class CachedSource:
    """Source of values with a clock, which counts its reads."""

    def __init__(self) -> None:
        self.now_us = 1_000
        self.reads = 0
        self.during_read: Callable[[], None] = lambda: None
        self.cache: TtlCache[str, int] = TtlCache(self._read, lambda: self.now_us, ttl_us=100)

    async def _read(self, _key: str) -> int:
        self.reads += 1
        self.during_read()
        return self.reads

    def get(self, key: str = "a") -> int:
        return asyncio.run(self.cache.get(key))


@pytest.mark.parametrize(("later_us", "read"), [(0, 1), (99, 1), (100, 2), (-1, 2)])
def test_value_is_cached_until_its_ttl(later_us: int, read: int) -> None:
    source = CachedSource()
    source.get()
    source.now_us += later_us
    assert source.get() == read


def test_invalidated_value_is_read_again() -> None:
    source = CachedSource()
    source.get()
    source.cache.invalidate("a")
    assert source.get() == 2


def test_value_read_during_a_change_is_not_cached() -> None:
    source = CachedSource()
    source.during_read = lambda: source.cache.invalidate("a")
    assert (source.get(), source.get()) == (1, 2)


def test_cache_size_is_bounded() -> None:
    source = CachedSource()

    async def get_many() -> None:
        for number in range(MAX_ENTRIES + 1):
            await source.cache.get(str(number))

    asyncio.run(get_many())
    assert len(source.cache._entries) == 1
