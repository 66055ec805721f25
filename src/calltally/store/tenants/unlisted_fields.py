"""Fields and end reasons of providers' callbacks that no coverage page lists, with their counts."""

from typing import Final, NamedTuple

from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.tenants.tenants import find_tenant

# Per tenant and provider: a body may have names that its sender invents.
_MAX_NAMES: Final = 200


class UnlistedField(NamedTuple):
    """Unlisted name of a provider, the number of callbacks with it, and their first and last receipt."""

    provider: str
    name: str
    callbacks: int
    first_us: int
    last_us: int


def record_unlisted_field(key: tuple[str, str, str], callbacks: int, now_us: int) -> StoreOperation[None]:
    """Add callbacks with an unlisted name, by tenant, provider and name; at most 200 names are kept."""
    tenant, provider, name = key
    if (yield from find_tenant(tenant)) is None:
        return
    params = {"tenant": tenant, "provider": provider, "name": name, "callbacks": callbacks, "now_us": now_us}
    yield Statement("count_unlisted_field", {**params, "most": _MAX_NAMES})


def unlisted_fields_of(tenant: str) -> StoreOperation[list[UnlistedField]]:
    """Return a tenant's unlisted names, by provider and name."""
    rows = yield Statement("unlisted_fields_of_tenant", {"tenant": tenant})
    return [UnlistedField(*row) for row in rows]
