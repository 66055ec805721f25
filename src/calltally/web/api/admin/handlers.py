"""`/api/v1/admin`: tenants, their keys, routes and providers' secrets, for whoever has the admin key."""

from typing import Final

from litestar import delete, get, post, put
from litestar.handlers import HTTPRouteHandler

from calltally.providers.credentials import validated_secrets
from calltally.store.tenants.api_keys import add_key, list_keys, mint_key, revoke_key
from calltally.store.tenants.routes import checked_route, list_routes, put_route
from calltally.store.tenants.tenants import (
    add_tenant,
    admin_list_tenants,
    need_tenant,
    new_epoch,
    set_masking,
    set_retention,
)
from calltally.store.tenants.vault import put_provider_secrets
from calltally.web.api.admin import operations
from calltally.web.api.admin.schemas import (
    KeyList,
    MaskingBody,
    NewKeyBody,
    NewKeyShown,
    NewTenantBody,
    RetentionBody,
    RouteBody,
    RouteList,
    TenantList,
    show_key,
    show_route,
    show_tenant,
)
from calltally.web.request.bodies import json_body
from calltally.web.request.context import AnyRequest, parts_of
from calltally.web.request.paths import last_part, part_after
from calltally.web.response.response import Reply

# 1,000 numbers need more than other bodies may have.
ROUTE_BODY_BYTES: Final = 256 * 1024
_TENANTS: Final = "/api/v1/admin/tenants"
_TENANT: Final = _TENANTS + "/{tenant:str}"


@post(_TENANTS, operation=operations.ADD_TENANT)
async def post_tenant(request: AnyRequest) -> Reply:
    """A tenant with an empty ledger of a new epoch."""
    parts, body = parts_of(request), await json_body(request, NewTenantBody)
    tenant = await parts.store.write(add_tenant(body.id, body.name, parts.clock(), new_epoch()))
    return Reply.json(show_tenant(tenant), status=201)


@get(_TENANTS, operation=operations.LIST_TENANTS)
async def get_tenants(request: AnyRequest) -> Reply:
    """All of them: an operator has few, and knows them."""
    tenants = await parts_of(request).store.read(admin_list_tenants())
    return Reply.json(TenantList([show_tenant(tenant) for tenant in tenants]))


@put(_TENANT + "/retention", operation=operations.PUT_RETENTION)
async def put_retention(request: AnyRequest) -> Reply:
    """Only says so: the worker erases what is older."""
    parts, tenant = parts_of(request), part_after(request, "tenants")
    body = await json_body(request, RetentionBody)
    days = None if body.days is None else int(body.days)
    await parts.store.write(set_retention(tenant, days))
    return Reply.empty()


@put(_TENANT + "/masking", operation=operations.PUT_MASKING)
async def put_masking(request: AnyRequest) -> Reply:
    """Keys that are remembered here are looked up anew."""
    parts, tenant = parts_of(request), part_after(request, "tenants")
    body = await json_body(request, MaskingBody)
    await parts.store.write(set_masking(tenant, masks=body.masks_numbers))
    parts.keys.forget_tenant(tenant)
    return Reply.empty()


@post(_TENANT + "/api-keys", operation=operations.ADD_KEY)
async def post_key(request: AnyRequest) -> Reply:
    """The only answer that ever holds the key."""
    parts, tenant = parts_of(request), part_after(request, "tenants")
    body = await json_body(request, NewKeyBody)
    # Before the key is made, so that an impossible tenant is one that is not there.
    await parts.store.read(need_tenant(tenant))
    key = mint_key(tenant, body.scopes)
    await parts.store.write(add_key(tenant, key, body.name, parts.clock()))
    return Reply.json(NewKeyShown(key.key_id, key.text, key.scopes), status=201)


@get(_TENANT + "/api-keys", operation=operations.LIST_KEYS)
async def get_keys(request: AnyRequest) -> Reply:
    """By age. Neither keys nor their digests."""
    keys = await parts_of(request).store.read(list_keys(part_after(request, "tenants")))
    return Reply.json(KeyList([show_key(key) for key in keys]))


# The framework lets no handler that it knows as a 204 return a Reply, which brings that status itself.
@delete(_TENANT + "/api-keys/{key_id:str}", operation=operations.REVOKE_KEY, status_code=200)
async def delete_key(request: AnyRequest) -> Reply:
    """The row stays, so that it can be seen when the key ended."""
    parts, tenant, key_id = parts_of(request), part_after(request, "tenants"), last_part(request, "api-keys")
    await parts.store.write(revoke_key(tenant, key_id, parts.clock()))
    parts.keys.forget(tenant, key_id)
    return Reply.empty()


@put(_TENANT + "/providers/{provider:str}", operation=operations.PUT_PROVIDER)
async def put_provider(request: AnyRequest) -> Reply:
    """Sealed before it goes to the store; no answer ever shows it again."""
    parts, tenant = parts_of(request), part_after(request, "tenants")
    provider = last_part(request, "providers")
    named = validated_secrets(provider, await json_body(request, dict[str, str]))
    sealed = parts.vault.seal(tenant, provider, named)
    await parts.store.write(put_provider_secrets(tenant, provider, sealed, parts.clock()))
    parts.intake.invalidate(tenant)
    return Reply.empty()


@put(_TENANT + "/routes/{route:str}", operation=operations.PUT_ROUTE, request_max_body_size=ROUTE_BODY_BYTES)
async def put_route_of_tenant(request: AnyRequest) -> Reply:
    """The whole route: numbers that are left out are taken from it."""
    parts, tenant = parts_of(request), part_after(request, "tenants")
    body = await json_body(request, RouteBody)
    route = checked_route(
        last_part(request, "routes"), body.numbers, agent=body.agent, provider=body.provider
    )
    await parts.store.write(put_route(tenant, route, parts.clock()))
    parts.intake.invalidate(tenant)
    return Reply.empty()


@get(_TENANT + "/routes", operation=operations.LIST_ROUTES)
async def get_routes(request: AnyRequest) -> Reply:
    """By key, each with its numbers."""
    routes = await parts_of(request).store.read(list_routes(part_after(request, "tenants")))
    return Reply.json(RouteList([show_route(route) for route in routes]))


ADMIN_HANDLERS: Final[tuple[HTTPRouteHandler, ...]] = (
    post_tenant,
    get_tenants,
    put_retention,
    put_masking,
    post_key,
    get_keys,
    delete_key,
    put_provider,
    put_route_of_tenant,
    get_routes,
)
