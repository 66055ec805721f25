"""Names of routes, agents and providers that a tenant's calls have, from the counters: no call is read."""

from collections.abc import Mapping
from typing import Final, TypeAlias

from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.rollups.call_counters import FACET_WIDTHS_S, FACETS, facet

# The most names of one kind, in their order; each costs a step in an index.
MAX_NAMES: Final = 1_000

ExistingNames: TypeAlias = Mapping[str, tuple[str, ...]]


def existing_names(tenant: str) -> StoreOperation[ExistingNames]:
    """Return the names of each kind (`route`, `agent`, `provider`)."""
    found: dict[str, tuple[str, ...]] = {}
    for name in FACETS:
        first = facet(name, "")
        # The character after the equals sign ends the range of this kind.
        span = {"lo": first, "hi": first[:-1] + chr(ord(first[-1]) + 1)}
        bounds = {"width_s": FACET_WIDTHS_S[0], "most": MAX_NAMES}
        rows = yield Statement("values_of_facet", {"tenant": tenant, **span, **bounds})
        found[name] = tuple(row[0].removeprefix(first) for row in rows)
    return found
