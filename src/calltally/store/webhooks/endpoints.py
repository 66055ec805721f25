"""Webhook endpoints: where a tenant's events go. Their secrets are sealed for the tenant and the endpoint."""

from typing import Final, Literal, NamedTuple, TypeAlias

from calltally.calls.errors import Conflict, NotFound
from calltally.calls.identity import uuid_text
from calltally.store.db.operation import Row, Statement, StoreOperation
from calltally.store.tenants.tenants import need_tenant
from calltally.store.tenants.vault import Vault

MOST_ENDPOINTS: Final = 50
_SIGNED_WITH: Final = "signing"
_NOTHING: Final = b""

State: TypeAlias = Literal["active", "paused"]


class Wanted(NamedTuple):
    """What an endpoint's owner sets: where, in which form, and which events; none of `events` is all.

    `sees_numbers` is whether the owner may see whole numbers that the tenant masks, and so the endpoint.
    """

    url: str
    description: str | None = None
    form: str = "standard"
    events: tuple[str, ...] = ()
    direction: str | None = None
    route: str | None = None
    agent: str | None = None
    sees_numbers: bool = True

    def columns(self) -> dict[str, str | int | None]:
        """The same as a row has it."""
        return {**self._asdict(), "events": " ".join(self.events), "sees_numbers": int(self.sees_numbers)}


class Endpoint(NamedTuple):
    """An endpoint as it is stored.

    `previous` is the secret before the last rotation, signed with until `previous_until_us`. `reason` says
    why it is paused; `failing_since_us` is the first failure since the last success. `taken` is the revision
    up to which its events have been taken in. Its tenant `masks` whole numbers or does not.
    """

    endpoint: bytes
    wanted: Wanted
    sealed: bytes
    previous: bytes | None
    previous_until_us: int | None
    state: State
    reason: str | None
    failing_since_us: int | None
    taken: int
    created_us: int
    updated_us: int
    masks: bool = False

    @property
    def is_masked(self) -> bool:
        """Whether its events go out with numbers masked."""
        return self.masks and not self.wanted.sees_numbers

    @property
    def is_active(self) -> bool:
        """Whether anything is sent there now."""
        return self.state == "active"

    def secrets(self, vault: Vault, tenant: str, now_us: int) -> list[str]:
        """What a delivery is signed with now, the newest first. Raises as Vault.open does."""
        sealed = [self.sealed]
        if self.previous is not None and now_us < (self.previous_until_us or 0):
            sealed.append(self.previous)
        return [vault.open(tenant, bound_to(self.endpoint), each)[_SIGNED_WITH] for each in sealed]


def bound_to(endpoint: bytes) -> str:
    """What a secret is sealed for beside the tenant: no provider has such a name."""
    return f"webhook {uuid_text(endpoint)}"


def seal_secret(vault: Vault, tenant: str, endpoint: bytes, secret: str) -> bytes:
    """An endpoint's secret, so that it opens only for that one."""
    return vault.seal(tenant, bound_to(endpoint), {_SIGNED_WITH: secret})


def add_endpoint(
    tenant: str, endpoint: bytes, wanted: Wanted, sealed: bytes, now_us: int
) -> StoreOperation[Endpoint]:
    """Make an endpoint. It is sent what happens from now on. Raises NotFound, and Conflict for too many."""
    yield from need_tenant(tenant)
    yield Statement("add_delivery_head", {"tenant": tenant})
    yield from lock_deliveries(tenant)
    [(count,)] = yield Statement("count_endpoints", {"tenant": tenant})
    if count >= MOST_ENDPOINTS:
        raise Conflict(f"there are {count} endpoints, and no more may be; delete one first")
    [(revision, _epoch, _erasures)] = yield Statement("ledger_to_deliver", {"tenant": tenant})
    said = {**wanted.columns(), "sealed": sealed, "taken": revision, "now_us": now_us}
    yield Statement("add_endpoint", {"tenant": tenant, "endpoint": endpoint, **said})
    return (yield from need_endpoint(tenant, endpoint))


def endpoints_of(tenant: str) -> StoreOperation[list[Endpoint]]:
    """All of a tenant's, the oldest first."""
    rows = yield Statement("endpoints_of_tenant", {"tenant": tenant})
    return [_endpoint(row) for row in rows]


def need_endpoint(tenant: str, endpoint: bytes) -> StoreOperation[Endpoint]:
    """The endpoint of that id; raises NotFound."""
    rows = yield Statement("endpoint_of_id", {"tenant": tenant, "endpoint": endpoint})
    if not rows:
        raise NotFound("there is no webhook endpoint of that id")
    return _endpoint(rows[0])


def change_endpoint(tenant: str, endpoint: bytes, wanted: Wanted, now_us: int) -> StoreOperation[Endpoint]:
    """Set all that its owner sets; what waits for it goes where it is then. Raises NotFound."""
    yield from lock_deliveries(tenant)
    yield from need_endpoint(tenant, endpoint)
    yield Statement(
        "change_endpoint", {"tenant": tenant, "endpoint": endpoint, **wanted.columns(), "now_us": now_us}
    )
    return (yield from need_endpoint(tenant, endpoint))


class Rotation(NamedTuple):
    """A new secret, sealed, and until when the one before is signed with as well."""

    sealed: bytes
    until_us: int


def rotate_secret(tenant: str, endpoint: bytes, rotation: Rotation, now_us: int) -> StoreOperation[Endpoint]:
    """Sign with a new secret from now on. Raises NotFound."""
    yield from lock_deliveries(tenant)
    before = yield from need_endpoint(tenant, endpoint)
    said = {"sealed": rotation.sealed, "previous": before.sealed, "previous_until_us": rotation.until_us}
    yield Statement("rotate_endpoint", {"tenant": tenant, "endpoint": endpoint, **said, "now_us": now_us})
    return (yield from need_endpoint(tenant, endpoint))


def pause_endpoint(tenant: str, endpoint: bytes, reason: str, now_us: int) -> StoreOperation[Endpoint]:
    """Send nothing there until it is resumed; its events wait. Raises NotFound."""
    yield from lock_deliveries(tenant)
    said = {"state": "paused", "reason": reason, "now_us": now_us}
    yield Statement("set_endpoint_state", {"tenant": tenant, "endpoint": endpoint, **said})
    return (yield from need_endpoint(tenant, endpoint))


def resume_endpoint(tenant: str, endpoint: bytes, now_us: int) -> StoreOperation[Endpoint]:
    """Send there again, what waits first; its tries begin anew. Raises NotFound."""
    yield from lock_deliveries(tenant)
    yield from need_endpoint(tenant, endpoint)
    named = {"tenant": tenant, "endpoint": endpoint, "now_us": now_us}
    yield Statement("set_endpoint_state", {**named, "state": "active", "reason": None})
    yield Statement("release_deliveries", named)
    yield from wake(tenant)
    return (yield from need_endpoint(tenant, endpoint))


def delete_endpoint(tenant: str, endpoint: bytes, now_us: int) -> StoreOperation[None]:
    """Forget an endpoint; its deliveries go with the next rounds of upkeep. Raises NotFound."""
    yield from lock_deliveries(tenant)
    yield from need_endpoint(tenant, endpoint)
    named = {"tenant": tenant, "endpoint": endpoint}
    yield Statement("delete_endpoint", {**named, "nothing": _NOTHING, "now_us": now_us})
    [(count,)] = yield Statement("count_endpoints", {"tenant": tenant})
    if not count:
        yield Statement("drop_delivery_head", {"tenant": tenant})


def reseal_endpoints(tenant: str, vault: Vault) -> StoreOperation[int]:
    """Seal every secret with the vault's current key; returns how many endpoints there are."""
    yield from lock_deliveries(tenant)
    endpoints = yield from endpoints_of(tenant)
    for each in endpoints:
        sealed = _resealed(vault, tenant, each.endpoint, each.sealed)
        previous = _resealed(vault, tenant, each.endpoint, each.previous) if each.previous else None
        named = {"tenant": tenant, "endpoint": each.endpoint, "sealed_before": each.sealed}
        yield Statement("reseal_endpoint", {**named, "sealed": sealed, "previous": previous})
    return len(endpoints)


def lock_deliveries(tenant: str) -> StoreOperation[tuple[int, int] | None]:
    """Keep others from changing what is to be delivered until this transaction ends.

    Returns up to which revision somebody looked, and from when on somebody has to again; None where there
    are no endpoints.
    """
    rows = yield Statement("lock_delivery_head", {"tenant": tenant})
    return (rows[0][0], rows[0][1]) if rows else None


def wake(tenant: str) -> StoreOperation[None]:
    """Have whoever delivers look at once. Under the lock."""
    yield Statement("move_delivery_head", {"tenant": tenant, "seen": 0, "due_us": 0})


def _resealed(vault: Vault, tenant: str, endpoint: bytes, sealed: bytes) -> bytes:
    return vault.reseal(tenant, bound_to(endpoint), sealed)


def _endpoint(row: Row) -> Endpoint:
    endpoint, url, description, form, events, direction, route, agent, sees_numbers, *rest = row
    words = tuple(events.split())
    wanted = Wanted(url, description, form, words, direction, route, agent, bool(sees_numbers))
    found = Endpoint(endpoint, wanted, *rest)
    return found._replace(masks=bool(found.masks))
