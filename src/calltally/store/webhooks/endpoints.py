"""Webhook endpoints of a tenant. Their secrets are sealed for the tenant and the endpoint."""

from typing import Final, Literal, NamedTuple, TypeAlias

from calltally.calls.errors import Conflict, NotFound
from calltally.calls.identity import uuid_text
from calltally.store.db.operation import Row, Statement, StoreOperation
from calltally.store.tenants.tenants import need_tenant
from calltally.store.tenants.vault import Vault

MAX_ENDPOINTS: Final = 50
_SIGNED_WITH: Final = "signing"
_NOTHING: Final = b""

EndpointState: TypeAlias = Literal["active", "paused"]


class EndpointSettings(NamedTuple):
    """Settings of an endpoint by its owner: URL, form and event filters; empty `events` means all events.

    With `sees_numbers` the owner, and so the endpoint, may see whole numbers that the tenant masks.
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
        return {**self._asdict(), "events": " ".join(self.events), "sees_numbers": int(self.sees_numbers)}


class Endpoint(NamedTuple):
    """A stored endpoint.

    `previous` is the secret before the last rotation, which signs too until `previous_until_us`. `reason` is
    that of a pause; `failing_since_us` the first failure since the last success. `enqueued_revision` is the
    revision up to which its events are enqueued. `masks` is true if its tenant masks whole numbers.
    """

    endpoint: bytes
    settings: EndpointSettings
    sealed: bytes
    previous: bytes | None
    previous_until_us: int | None
    state: EndpointState
    reason: str | None
    failing_since_us: int | None
    enqueued_revision: int
    created_us: int
    updated_us: int
    masks: bool = False

    @property
    def is_masked(self) -> bool:
        """True if its events are sent with masked numbers."""
        return self.masks and not self.settings.sees_numbers

    @property
    def is_active(self) -> bool:
        return self.state == "active"

    def secrets(self, vault: Vault, tenant: str, now_us: int) -> list[str]:
        """Return the secrets that sign a delivery now, newest first. Raises as Vault.open does."""
        sealed = [self.sealed]
        if self.previous is not None and now_us < (self.previous_until_us or 0):
            sealed.append(self.previous)
        return [vault.open(tenant, secret_binding(self.endpoint), each)[_SIGNED_WITH] for each in sealed]


def secret_binding(endpoint: bytes) -> str:
    """Return the name that an endpoint's secret is sealed for; no provider has such a name."""
    return f"webhook {uuid_text(endpoint)}"


def seal_secret(vault: Vault, tenant: str, endpoint: bytes, secret: str) -> bytes:
    """Seal an endpoint's secret, so that it opens only for that endpoint."""
    return vault.seal(tenant, secret_binding(endpoint), {_SIGNED_WITH: secret})


def add_endpoint(
    tenant: str, endpoint: bytes, settings: EndpointSettings, sealed: bytes, now_us: int
) -> StoreOperation[Endpoint]:
    """Add an endpoint, which gets the events from now on. Raises NotFound, and Conflict for too many."""
    yield from need_tenant(tenant)
    yield Statement("add_delivery_head", {"tenant": tenant})
    yield from lock_deliveries(tenant)
    [(count,)] = yield Statement("count_endpoints", {"tenant": tenant})
    if count >= MAX_ENDPOINTS:
        raise Conflict(f"there are {count} endpoints, which is the maximum; delete one first")
    [(revision, _epoch, _erasures)] = yield Statement("ledger_to_deliver", {"tenant": tenant})
    values = {**settings.columns(), "sealed": sealed, "taken": revision, "now_us": now_us}
    yield Statement("add_endpoint", {"tenant": tenant, "endpoint": endpoint, **values})
    return (yield from need_endpoint(tenant, endpoint))


def endpoints_of(tenant: str) -> StoreOperation[list[Endpoint]]:
    rows = yield Statement("endpoints_of_tenant", {"tenant": tenant})
    return [_endpoint(row) for row in rows]


def need_endpoint(tenant: str, endpoint: bytes) -> StoreOperation[Endpoint]:
    """Return the endpoint with that id. Raises NotFound."""
    rows = yield Statement("endpoint_of_id", {"tenant": tenant, "endpoint": endpoint})
    if not rows:
        raise NotFound("there is no webhook endpoint with that id")
    return _endpoint(rows[0])


def change_endpoint(
    tenant: str, endpoint: bytes, settings: EndpointSettings, now_us: int
) -> StoreOperation[Endpoint]:
    """Replace an endpoint's settings; waiting deliveries use the new ones. Raises NotFound."""
    yield from lock_deliveries(tenant)
    yield from need_endpoint(tenant, endpoint)
    yield Statement(
        "change_endpoint", {"tenant": tenant, "endpoint": endpoint, **settings.columns(), "now_us": now_us}
    )
    return (yield from need_endpoint(tenant, endpoint))


def rotate_secret(
    tenant: str, endpoint: bytes, sealed: bytes, until_us: int, now_us: int
) -> StoreOperation[Endpoint]:
    """Sign with a new secret from now on, and with the former one until `until_us`. Raises NotFound."""
    yield from lock_deliveries(tenant)
    before = yield from need_endpoint(tenant, endpoint)
    values = {"sealed": sealed, "previous": before.sealed, "previous_until_us": until_us}
    yield Statement("rotate_endpoint", {"tenant": tenant, "endpoint": endpoint, **values, "now_us": now_us})
    return (yield from need_endpoint(tenant, endpoint))


def pause_endpoint(tenant: str, endpoint: bytes, reason: str, now_us: int) -> StoreOperation[Endpoint]:
    """Pause an endpoint until it is resumed; its events wait. Raises NotFound."""
    yield from lock_deliveries(tenant)
    values = {"state": "paused", "reason": reason, "now_us": now_us}
    yield Statement("set_endpoint_state", {"tenant": tenant, "endpoint": endpoint, **values})
    return (yield from need_endpoint(tenant, endpoint))


def resume_endpoint(tenant: str, endpoint: bytes, now_us: int) -> StoreOperation[Endpoint]:
    """Resume an endpoint, waiting deliveries first; their retries start again. Raises NotFound."""
    yield from lock_deliveries(tenant)
    yield from need_endpoint(tenant, endpoint)
    named = {"tenant": tenant, "endpoint": endpoint, "now_us": now_us}
    yield Statement("set_endpoint_state", {**named, "state": "active", "reason": None})
    yield Statement("release_deliveries", named)
    yield from wake_dispatcher(tenant)
    return (yield from need_endpoint(tenant, endpoint))


def delete_endpoint(tenant: str, endpoint: bytes, now_us: int) -> StoreOperation[None]:
    """Delete an endpoint; maintenance deletes its deliveries later. Raises NotFound."""
    yield from lock_deliveries(tenant)
    yield from need_endpoint(tenant, endpoint)
    named = {"tenant": tenant, "endpoint": endpoint}
    yield Statement("delete_endpoint", {**named, "nothing": _NOTHING, "now_us": now_us})
    [(count,)] = yield Statement("count_endpoints", {"tenant": tenant})
    if not count:
        yield Statement("drop_delivery_head", {"tenant": tenant})


def reseal_endpoints(tenant: str, vault: Vault) -> StoreOperation[int]:
    """Seal every secret with the vault's current key. Returns the number of endpoints."""
    yield from lock_deliveries(tenant)
    endpoints = yield from endpoints_of(tenant)
    for each in endpoints:
        binding = secret_binding(each.endpoint)
        sealed = vault.reseal(tenant, binding, each.sealed)
        previous = vault.reseal(tenant, binding, each.previous) if each.previous else None
        named = {"tenant": tenant, "endpoint": each.endpoint, "sealed_before": each.sealed}
        yield Statement("reseal_endpoint", {**named, "sealed": sealed, "previous": previous})
    return len(endpoints)


class DeliveryHead(NamedTuple):
    """Revision up to which a tenant's events were dispatched, and the due time of the next dispatch."""

    dispatched_revision: int
    due_us: int


def lock_deliveries(tenant: str) -> StoreOperation[DeliveryHead | None]:
    """Lock the deliveries until the transaction ends; return their head, None without endpoints."""
    rows = yield Statement("lock_delivery_head", {"tenant": tenant})
    return DeliveryHead(rows[0][0], rows[0][1]) if rows else None


def wake_dispatcher(tenant: str) -> StoreOperation[None]:
    """Make the next dispatch due at once. The caller holds the lock of deliveries."""
    yield Statement("move_delivery_head", {"tenant": tenant, "seen": 0, "due_us": 0})


def _endpoint(row: Row) -> Endpoint:
    endpoint, url, description, form, events, direction, route, agent, sees_numbers, *rest = row
    words = tuple(events.split())
    settings = EndpointSettings(url, description, form, words, direction, route, agent, bool(sees_numbers))
    found = Endpoint(endpoint, settings, *rest)
    return found._replace(masks=bool(found.masks))
