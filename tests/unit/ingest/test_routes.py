"""Which route a fact's numbers lead to, and for how long a table is remembered."""

import asyncio
from collections.abc import Callable

import pytest

from calltally.calls.events import Door, Fact, Said, content_digest
from calltally.ingest.routes import map_route
from calltally.ingest.ttl_cache import MAX_KEPT, Recent
from calltally.store.tenants.routes import RouteTarget

OURS, ALSO_OURS, THEIRS = "+14155550100", "+14155550101", "+14155550199"
TABLE = {OURS: RouteTarget("appointments", "scheduler"), ALSO_OURS: RouteTarget("support", None)}


def fact_of(said: Said) -> Fact:
    return Fact("CA1", Door.CALLBACK, "twilio", "", "", None, 0, 0, content_digest(b""), said)


@pytest.mark.parametrize(
    ("said", "route", "agent"),
    [
        (Said(direction="inbound", from_number=THEIRS, to_number=OURS), "appointments", "scheduler"),
        (Said(direction="outbound", from_number=OURS, to_number=THEIRS), "appointments", "scheduler"),
        (Said(direction="inbound", from_number=OURS, to_number=ALSO_OURS), "support", None),
        (Said(direction="outbound", from_number=OURS, to_number=ALSO_OURS), "appointments", "scheduler"),
        (Said(from_number=OURS, to_number=ALSO_OURS), "support", None),
        (Said(from_number=OURS), "appointments", "scheduler"),
        (Said(direction="inbound", from_number=THEIRS, to_number=THEIRS), None, None),
        (Said(status="ringing"), None, None),
    ],
)
def test_tenants_own_end_decides(said: Said, route: str | None, agent: str | None) -> None:
    mapped = map_route(fact_of(said), TABLE)
    assert (mapped.said.get("mapped_route"), mapped.said.get("mapped_agent")) == (route, agent)
    assert mapped.key == fact_of(said).key


def test_a_route_that_is_named_stays() -> None:
    said = map_route(fact_of(Said(route="sales", to_number=OURS)), TABLE).said
    assert (said["route"], said["mapped_route"]) == ("sales", "appointments")


class Shelf:
    """A source of values with a clock beside it, which counts how often it is asked."""

    def __init__(self) -> None:
        self.now_us = 1_000
        self.reads = 0
        self.during_read: Callable[[], None] = lambda: None
        self.recent: Recent[str, int] = Recent(self._read, lambda: self.now_us, keep_us=100)

    async def _read(self, _key: str) -> int:
        self.reads += 1
        self.during_read()
        return self.reads

    def ask(self, key: str = "a") -> int:
        return asyncio.run(self.recent.of(key))


@pytest.mark.parametrize(("later_us", "read"), [(0, 1), (99, 1), (100, 2), (-1, 2)])
def test_value_is_kept_for_a_while(later_us: int, read: int) -> None:
    shelf = Shelf()
    shelf.ask()
    shelf.now_us += later_us
    assert shelf.ask() == read


def test_forgotten_value_is_read_again() -> None:
    shelf = Shelf()
    shelf.ask()
    shelf.recent.forget("a")
    assert shelf.ask() == 2


def test_value_read_while_it_changed_is_not_kept() -> None:
    shelf = Shelf()
    shelf.during_read = lambda: shelf.recent.forget("a")
    assert (shelf.ask(), shelf.ask()) == (1, 2)


def test_memory_is_bounded() -> None:
    shelf = Shelf()

    async def ask_for_many() -> None:
        for number in range(MAX_KEPT + 1):
            await shelf.recent.of(str(number))

    asyncio.run(ask_for_many())
    assert len(shelf.recent._kept) == 1
