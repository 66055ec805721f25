"""Hint of an empty list: a name in its filter that no call has, and the one that was probably meant."""

from functools import partial
from typing import Final

from calltally.calls.filters import CallFilter
from calltally.calls.parameters import quote_value
from calltally.calls.suggestions import did_you_mean
from calltally.store.listing.existing_names import MAX_NAMES, existing_names
from calltally.store.rollups.call_counters import FACETS
from calltally.web.auth.search_rights import readable_names
from calltally.web.request.context import AnyRequest, access_of, dependencies_of, tenant_of

_MAX_LISTED: Final = 10


async def name_hint(request: AnyRequest, calls: CallFilter) -> str | None:
    """Return the hint for a filter without calls; None if it has no name, or calls have its names."""
    sought = [(name, value) for name in FACETS if (value := getattr(calls, name)) is not None]
    if not sought:
        return None
    tenant = tenant_of(request)
    stored = await dependencies_of(request).store.read_tenant(tenant, partial(existing_names, tenant))
    names = readable_names(access_of(request), stored)
    unknown = [
        _hint(name, value, names[name])
        for name, value in sought
        if value not in stored[name] and len(stored[name]) < MAX_NAMES
    ]
    return "; ".join(unknown) or None


def _hint(name: str, value: str, existing: tuple[str, ...]) -> str:
    guess = did_you_mean(value, existing)
    if not guess and existing:
        more = ", ..." if len(existing) > _MAX_LISTED else ""
        guess = f"; it is one of {', '.join(existing[:_MAX_LISTED])}{more}"
    return f"no call has the {name} {quote_value(value)}{guess}"
