"""Names of the keys and administrators that changed something, instead of ids."""

from collections.abc import Mapping
from typing import Final

from calltally.store.db.interface import Store
from calltally.store.tenants.api_keys import list_keys
from calltally.web.dashboard.english.messages import text
from calltally.web.request.access import ADMIN

_NAMES: Final[Mapping[str, str]] = {ADMIN: text("actor_admin")}


async def actor_names(store: Store, tenant: str) -> Mapping[str, str]:
    """Return the names of a tenant's keys and of the administrator by id; revoked keys are included."""
    keys = await store.read(list_keys(tenant))
    return {**_NAMES, **{key.key_id: key.name for key in keys if key.name}}


def actor(names: Mapping[str, str], by_whom: str | None) -> str:
    """Return the name of an actor. None is the service itself; a key without a name has only its id."""
    return names.get(by_whom, by_whom) if by_whom else text("actor_none")
