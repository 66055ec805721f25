"""Mapping of a call to its route and agent, by the tenant's numbers in it."""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import msgspec

from calltally.calls.events import Fact
from calltally.calls.model import Direction
from calltally.calls.times import SECOND_US
from calltally.ingest.ttl_cache import TtlCache
from calltally.store.db.interface import Store
from calltally.store.db.operation import Clock
from calltally.store.tenants.routes import RouteTarget, routes_by_number

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


class RouteTableCache(TtlCache[str, RouteTable]):
    """Cache of each tenant's route table, at most two seconds old."""

    def __init__(self, store: Store, clock: Clock) -> None:
        async def read(tenant: str) -> RouteTable:
            return await store.read(routes_by_number(tenant))

        super().__init__(read, clock, _TTL_US)
