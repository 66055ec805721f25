"""Routes: groups of a tenant's numbers, with the agent that answers them."""

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple, NoReturn

from calltally.calls.errors import Conflict, Fault, InvalidInput, NotFound
from calltally.calls.phone import MAX_NUMBER_CHARS, normalise_number
from calltally.store.db.operation import Statement, StatementMany, StoreOperation
from calltally.store.tenants.tenants import is_line, need_tenant

MAX_ROUTE_NUMBERS: Final = 1000
WORD_PATTERN: Final = "[!-~]{1,64}"
_WORD: Final = re.compile(WORD_PATTERN, re.ASCII)
# A number has a digit; an address has a scheme (sip:desk) or a host (desk@example.com).
NUMBER_CHARS: Final = "0-9@:"
_NUMBER: Final = re.compile(f"[{NUMBER_CHARS}]")


class RouteTarget(NamedTuple):
    """Route and agent of a number."""

    route: str
    agent: str | None


class Route(NamedTuple):
    """A route, its numbers sorted. `checked_route` builds a new one, and normalises the numbers."""

    route: str
    numbers: tuple[str, ...]
    agent: str | None = None
    provider: str | None = None
    updated_us: int = 0


def checked_route(
    route: str, numbers: Sequence[str], *, agent: str | None = None, provider: str | None = None
) -> Route:
    """A route with normalised numbers, each once. Raises InvalidInput with every fault."""
    words = {"route": route, "agent": agent, "provider": provider}
    faults = [
        Fault(name, f"{name} is 1 to 64 printable ASCII characters without spaces")
        for name, word in words.items()
        if word is not None and not _WORD.fullmatch(word)
    ]
    faults += [
        Fault(
            "numbers",
            f"number {at} is not a number or address of 1 to {MAX_NUMBER_CHARS} characters,"
            " such as +14155550100 or sip:desk@example.com",
        )
        for at, number in enumerate(numbers, start=1)
        if not (_NUMBER.search(number) and is_line(number, MAX_NUMBER_CHARS))
    ]
    if len(numbers) > MAX_ROUTE_NUMBERS:
        faults.append(
            Fault("numbers", f"a route has at most {MAX_ROUTE_NUMBERS} numbers; make another route")
        )
    if faults:
        raise InvalidInput("; ".join(fault.detail for fault in faults[:3]), tuple(faults))
    return Route(route, tuple(sorted({normalise_number(number) for number in numbers})), agent, provider)


def put_route(tenant: str, new: Route, now_us: int) -> StoreOperation[None]:
    """Create or replace a route. Raises NotFound, and Conflict if another route has one of its numbers."""
    yield from need_tenant(tenant)
    named = {"tenant": tenant, "route": new.route}
    yield Statement("put_route", {**named, "agent": new.agent, "provider": new.provider, "now_us": now_us})
    yield Statement("remove_route_numbers", named)
    if new.numbers:
        free = yield StatementMany(
            "add_route_numbers", [{**named, "number": number} for number in new.numbers]
        )
        if taken := set(new.numbers) - {number for (number,) in free}:
            rows = yield Statement("list_route_numbers", {"tenant": tenant})
            owners = [f"{number} belongs to route {route!r}" for number, route in rows if number in taken]
            message = f"{'; '.join(owners[:5])}; remove it from that route first"
            raise Conflict(message)


def routes_by_number(tenant: str) -> StoreOperation[dict[str, RouteTarget]]:
    """Return every number of a tenant with its route and agent."""
    rows = yield Statement("routes_by_number", {"tenant": tenant})
    return {number: RouteTarget(route, agent) for number, route, agent in rows}


def list_routes(tenant: str) -> StoreOperation[list[Route]]:
    """List a tenant's routes by key. Raises NotFound for an unknown tenant."""
    yield from need_tenant(tenant)
    routes = yield Statement("list_routes", {"tenant": tenant})
    pairs = yield Statement("list_route_numbers", {"tenant": tenant})
    numbers = defaultdict(list)
    for number, route in pairs:
        numbers[route].append(number)
    return [
        Route(route, tuple(numbers[route]), agent, provider, updated_us)
        for route, agent, provider, updated_us in routes
    ]


def find_route(tenant: str, route: str) -> StoreOperation[Route | None]:
    """Find a route by its key. Raises NotFound for an unknown tenant."""
    routes = yield from list_routes(tenant)
    return next((each for each in routes if each.route == route), None)


def need_route(tenant: str, route: str) -> StoreOperation[Route]:
    """Return a route by its key. Raises NotFound."""
    found = yield from find_route(tenant, route)
    return found if found is not None else _no_route(tenant, route)


def remove_route(tenant: str, route: str) -> StoreOperation[None]:
    """Remove a route and free its numbers. Its calls keep its key. Raises NotFound."""
    yield from need_tenant(tenant)
    named = {"tenant": tenant, "route": route}
    yield Statement("remove_route_numbers", named)
    if not (yield Statement("remove_route", named)):
        _no_route(tenant, route)


def _no_route(tenant: str, route: str) -> NoReturn:
    message = f"tenant {tenant} has no route {route[:64]!r}"
    raise NotFound(message)
