"""`/api/v1/admin`: tenants, API keys, routes and provider secrets, for the admin key."""

from collections.abc import Sequence
from typing import Final

from litestar import delete, get, post, put

from calltally.providers.credentials import validated_secrets
from calltally.store.tenants.api_keys import IssuedApiKey, add_key, list_keys, mint_key, revoke_key
from calltally.store.tenants.routes import Route, checked_route, list_routes, put_route
from calltally.store.tenants.tenants import (
    add_tenant,
    admin_list_tenants,
    need_tenant,
    new_epoch,
    set_bridged_is_escalation,
    set_default_country,
    set_masking,
    set_retention,
)
from calltally.store.tenants.vault import put_provider_secrets
from calltally.web.api.admin import operations
from calltally.web.api.admin.schemas import (
    ApiKeyList,
    CountryBody,
    CreatedApiKey,
    EscalationBody,
    MaskingBody,
    NewApiKeyBody,
    NewTenantBody,
    RetentionBody,
    RouteBody,
    RouteList,
    TenantList,
    api_key_resource,
    route_resource,
    tenant_resource,
)
from calltally.web.request.bodies import json_body
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.dependencies import Dependencies
from calltally.web.request.paths import last_segment, segment_after
from calltally.web.response.response import Response

# A route may have 1,000 numbers, which need a larger body limit.
ROUTE_BODY_BYTES: Final = 256 * 1024
_TENANTS: Final = "/api/v1/admin/tenants"
_TENANT: Final = _TENANTS + "/{tenant:str}"


@post(_TENANTS, operation=operations.ADD_TENANT)
async def post_tenant(request: AnyRequest) -> Response:
    deps, body = dependencies_of(request), await json_body(request, NewTenantBody)
    tenant = await deps.store.write(add_tenant(body.id, body.name, deps.clock(), new_epoch()))
    return Response.json(tenant_resource(tenant), status=201)


@get(_TENANTS, operation=operations.LIST_TENANTS)
async def get_tenants(request: AnyRequest) -> Response:
    """List all tenants without pages: an operator has few."""
    tenants = await dependencies_of(request).store.read(admin_list_tenants())
    return Response.json(TenantList([tenant_resource(tenant) for tenant in tenants]))


@put(_TENANT + "/retention", operation=operations.PUT_RETENTION)
async def put_retention(request: AnyRequest) -> Response:
    """Set the retention. The worker erases older calls."""
    deps, tenant = dependencies_of(request), segment_after(request, "tenants")
    body = await json_body(request, RetentionBody)
    days = None if body.days is None else int(body.days)
    await deps.store.write(set_retention(tenant, days))
    return Response.empty()


@put(_TENANT + "/masking", operation=operations.PUT_MASKING)
async def put_masking(request: AnyRequest) -> Response:
    """Set the masking. Cached keys of the tenant are looked up again."""
    deps, tenant = dependencies_of(request), segment_after(request, "tenants")
    body = await json_body(request, MaskingBody)
    await deps.store.write(set_masking(tenant, masks=body.masks_numbers))
    deps.keys.forget_tenant(tenant)
    return Response.empty()


@put(_TENANT + "/escalation", operation=operations.PUT_ESCALATION)
async def put_escalation(request: AnyRequest) -> Response:
    """Set which calls count as escalated in the quality."""
    deps, tenant = dependencies_of(request), segment_after(request, "tenants")
    body = await json_body(request, EscalationBody)
    await deps.store.write(set_bridged_is_escalation(tenant, counts=body.bridged_is_escalation))
    return Response.empty()


@put(_TENANT + "/country", operation=operations.PUT_COUNTRY)
async def put_country(request: AnyRequest) -> Response:
    """Set the country of national numbers in searches. Cached keys of the tenant are looked up again."""
    deps, tenant = dependencies_of(request), segment_after(request, "tenants")
    body = await json_body(request, CountryBody)
    await deps.store.write(set_default_country(tenant, body.default_country))
    deps.keys.forget_tenant(tenant)
    return Response.empty()


@post(_TENANT + "/api-keys", operation=operations.ADD_KEY)
async def post_key(request: AnyRequest) -> Response:
    """Create an API key. Only this response contains it."""
    deps, tenant = dependencies_of(request), segment_after(request, "tenants")
    body = await json_body(request, NewApiKeyBody)
    # Checked before the key is created, so that an invalid tenant name gives not-found.
    await deps.store.read(need_tenant(tenant))
    key = await new_key(deps, tenant, body.scopes, body.name)
    return Response.json(CreatedApiKey(key.key_id, key.text, key.scopes), status=201)


async def new_key(deps: Dependencies, tenant: str, scopes: Sequence[str], name: str) -> IssuedApiKey:
    key = mint_key(tenant, scopes)
    await deps.store.write(add_key(tenant, key, name, deps.clock()))
    return key


@get(_TENANT + "/api-keys", operation=operations.LIST_KEYS)
async def get_keys(request: AnyRequest) -> Response:
    keys = await dependencies_of(request).store.read(list_keys(segment_after(request, "tenants")))
    return Response.json(ApiKeyList([api_key_resource(key) for key in keys]))


@delete(_TENANT + "/api-keys/{key_id:str}", operation=operations.REVOKE_KEY, status_code=200)
async def delete_key(request: AnyRequest) -> Response:
    """Revoke a key. Its row stays, so that the list shows the time of revocation."""
    await revoke(
        dependencies_of(request), segment_after(request, "tenants"), last_segment(request, "api-keys")
    )
    return Response.empty()


async def revoke(deps: Dependencies, tenant: str, key_id: str) -> None:
    """Revoke a key, effective at once in this process."""
    await deps.store.write(revoke_key(tenant, key_id, deps.clock()))
    deps.keys.forget(tenant, key_id)


@put(_TENANT + "/providers/{provider:str}", operation=operations.PUT_PROVIDER)
async def put_provider(request: AnyRequest) -> Response:
    """Store a provider's secrets, encrypted. No response contains them."""
    deps, tenant = dependencies_of(request), segment_after(request, "tenants")
    provider = last_segment(request, "providers")
    await store_secrets(deps, tenant, provider, await json_body(request, dict[str, str]))
    return Response.empty()


async def store_secrets(deps: Dependencies, tenant: str, provider: str, given: dict[str, str]) -> None:
    sealed = deps.vault.seal(tenant, provider, validated_secrets(provider, given))
    await deps.store.write(put_provider_secrets(tenant, provider, sealed, deps.clock()))
    deps.intake.invalidate(tenant)


@put(_TENANT + "/routes/{route:str}", operation=operations.PUT_ROUTE, request_max_body_size=ROUTE_BODY_BYTES)
async def put_route_of_tenant(request: AnyRequest) -> Response:
    """Replace a route. Numbers missing from the body are removed from it."""
    deps, tenant = dependencies_of(request), segment_after(request, "tenants")
    body = await json_body(request, RouteBody)
    route = checked_route(
        last_segment(request, "routes"), body.numbers, agent=body.agent, provider=body.provider
    )
    await store_route(deps, tenant, route)
    return Response.empty()


async def store_route(deps: Dependencies, tenant: str, route: Route) -> None:
    """Replace a route, effective for the next callback."""
    await deps.store.write(put_route(tenant, route, deps.clock()))
    deps.intake.invalidate(tenant)


@get(_TENANT + "/routes", operation=operations.LIST_ROUTES)
async def get_routes(request: AnyRequest) -> Response:
    routes = await dependencies_of(request).store.read(list_routes(segment_after(request, "tenants")))
    return Response.json(RouteList([route_resource(route) for route in routes]))
