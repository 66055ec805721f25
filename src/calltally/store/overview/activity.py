"""Activity of routes, agents and providers, from their counters: first and last hour with calls."""

from typing import Final, NamedTuple

from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.rollups.call_counters import ALL, facet

_HOUR_S: Final = 3_600
# The character after `=`: a range of facets ends before it.
_AFTER_EQUALS: Final = ">"
# Number of the newest calls that are searched for the time of a provider's last call.
_NEWEST_CALLS: Final = 500


class FacetActivity(NamedTuple):
    """Begin of the first and of the last hour with calls of one route, agent or provider, in seconds."""

    value: str
    first_s: int
    last_s: int


def activity_of(tenant: str, dimension: str, most: int) -> StoreOperation[list[FacetActivity]]:
    """Return the activity of up to `most` routes, agents or providers, in the order of their names."""
    lo = facet(dimension, "")
    params = {"tenant": tenant, "lo": lo, "hi": dimension + _AFTER_EQUALS, "most": most}
    rows = yield Statement("activity_of_facets", params)
    return [
        FacetActivity(name.removeprefix(lo), first_s, last_s)
        for name, first_s, last_s in rows
        if first_s is not None
    ]


def first_hour_s(tenant: str) -> StoreOperation[int | None]:
    """Return the begin of the hour of a tenant's first call; None without calls."""
    params = {"tenant": tenant, "facet": ALL, "width_s": _HOUR_S}
    [(first_s,)] = yield Statement("first_bucket_of_facet", params)
    return None if first_s is None else int(first_s)


def newest_calls(tenant: str, now_us: int) -> StoreOperation[dict[str, int]]:
    """Return the creation time of each provider's newest call, among the tenant's newest calls."""
    params = {"tenant": tenant, "now_us": now_us, "most": _NEWEST_CALLS}
    return dict((yield Statement("newest_call_of_providers", params)))


def configured_providers(tenant: str) -> StoreOperation[dict[str, int | None]]:
    """Return the providers whose secrets are stored, each with the time of its last callback.

    A callback counts although its call has the name of another provider: a carrier's call that a platform
    answers has the carrier's.
    """
    return dict((yield Statement("receipts_of_providers", {"tenant": tenant})))
