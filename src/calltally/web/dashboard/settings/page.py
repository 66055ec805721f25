"""`/settings`: the settings of a tenant and the forms to change them."""

from typing import Any, Final

import msgspec
from litestar import get

from calltally.alerts.evaluation.evaluator import rules_or_defaults
from calltally.alerts.model.rules import rules_as_values
from calltally.calls.event_types import SUBSCRIBABLE
from calltally.calls.identity import uuid_text
from calltally.calls.times import SECOND_US, utc_text
from calltally.deliveries.payload_formats import FORMS
from calltally.providers.registry import PROVIDERS, WEBHOOKS
from calltally.store.alerts.detector_state import rules_of_tenant
from calltally.store.tenants.api_keys import SCOPES, list_keys
from calltally.store.tenants.number_reveals import reveals_of_tenant
from calltally.store.tenants.routes import list_routes
from calltally.store.tenants.signature_failures import failures_since
from calltally.store.tenants.tenants import admin_list_tenants, need_tenant
from calltally.store.tenants.vault import find_provider_secrets
from calltally.store.webhooks.endpoints import endpoints_of
from calltally.web.api.admin.schemas import api_key_resource, route_resource, tenant_resource
from calltally.web.api.webhooks.schemas import endpoint_resource
from calltally.web.dashboard.calls.links import first_value, non_empty
from calltally.web.dashboard.calls.page import renewed
from calltally.web.dashboard.error_page import handle_page_exception
from calltally.web.dashboard.number_format import minute
from calltally.web.dashboard.operations import page_operation
from calltally.web.dashboard.rendering import render_page
from calltally.web.dashboard.sign_in.visitor import Visitor, visitor_of
from calltally.web.request.access import ALERTS_WRITE, WEBHOOKS_WRITE
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.public_url import public_origin
from calltally.web.request.query import query_pairs
from calltally.web.response.response import Response

PATH: Final = "/settings"
_HANDLING: Final[Any] = {Exception: handle_page_exception}
_HALF_HOUR_S: Final = 1_800
_MAX_REVEALS: Final = 100


@get(PATH, operation=page_operation(PATH), exception_handlers=_HANDLING)
async def show_settings(request: AnyRequest) -> Response:
    """Show the settings. Everybody sees the alert rules; other sections need their scopes."""
    visitor = await visitor_of(request)
    values = await settings_values(request, visitor)
    return render_page("settings.html", visitor, values, headers=renewed(request, visitor))


async def settings_values(request: AnyRequest, visitor: Visitor, **once: object) -> dict[str, Any]:
    """Return the template values. `once` is a new key or a new endpoint's secret."""
    may_send, is_admin = visitor.access.has_scope(WEBHOOKS_WRITE), visitor.access.is_admin
    return {
        "is_admin": is_admin,
        "may_send": may_send,
        "may_rule": visitor.access.has_scope(ALERTS_WRITE),
        "rules": await _rules(request, visitor),
        "endpoints": await _endpoints(request, visitor) if may_send else [],
        "choices": {"scopes": SCOPES, "events": SUBSCRIBABLE, "forms": FORMS},
        **(await _administration(request, visitor) if is_admin else {}),
        "new_key": None,
        "new_secret": None,
        "checked": None,
        **once,
        "here": PATH,
    }


async def _rules(request: AnyRequest, visitor: Visitor) -> str:
    stored = await dependencies_of(request).store.read(rules_of_tenant(visitor.tenant))
    return msgspec.json.format(
        msgspec.json.encode(rules_as_values(rules_or_defaults(stored))), indent=2
    ).decode()


async def _endpoints(request: AnyRequest, visitor: Visitor) -> list[dict[str, Any]]:
    found = await dependencies_of(request).store.read(endpoints_of(visitor.tenant))
    return [
        {
            "shown": endpoint,
            "failing": minute(endpoint.failing_since, visitor.zone) if endpoint.failing_since else "",
            "created": minute(endpoint.created_at, visitor.zone),
        }
        for endpoint in map(endpoint_resource, found)
    ]


async def _administration(request: AnyRequest, visitor: Visitor) -> dict[str, Any]:
    store = dependencies_of(request).store
    keys = [api_key_resource(key) for key in await store.read(list_keys(visitor.tenant))]
    tenants = [tenant_resource(tenant) for tenant in await store.read(admin_list_tenants())]
    return {
        "tenants": [(each, minute(each.created_at, visitor.zone)) for each in tenants],
        "retention_days": (await store.read(need_tenant(visitor.tenant))).retention_days,
        "keys": [
            (key, minute(key.created_at, visitor.zone), _revoked_at(visitor, key.revoked_at)) for key in keys
        ],
        "reveals": await _reveals(request, visitor),
        "routes": [route_resource(route) for route in await store.read(list_routes(visitor.tenant))],
        "providers": await _providers(request, visitor),
        "provider": _selected_provider(request),
    }


async def _reveals(request: AnyRequest, visitor: Visitor) -> list[tuple[str, str, str]]:
    """Return the latest reveals of full numbers: time, key and call."""
    found = await dependencies_of(request).store.read(reveals_of_tenant(visitor.tenant, _MAX_REVEALS))
    return [
        (minute(utc_text(each.at_us), visitor.zone), each.key_id, uuid_text(each.call_id)) for each in found
    ]


def _revoked_at(visitor: Visitor, revoked_at: str | None) -> str:
    return minute(revoked_at, visitor.zone) if revoked_at else ""


def _selected_provider(request: AnyRequest) -> dict[str, Any] | None:
    """Return the provider whose secrets the form edits."""
    named = first_value(non_empty(query_pairs(request.scope["query_string"])), "provider")
    provider = PROVIDERS.get(named)
    if provider is None:
        return None
    return {"name": provider.name, "secrets": provider.secret_names, "needs": provider.needs}


async def _providers(request: AnyRequest, visitor: Visitor) -> list[dict[str, Any]]:
    """Return the providers with callback URL, secret state and recent signature failures."""
    deps, tenant = dependencies_of(request), visitor.tenant
    since_s = deps.clock() // SECOND_US - _HALF_HOUR_S
    wrong = {name: count for name, count, _ in await deps.store.read(failures_since(tenant, since_s))}
    return [
        {
            "name": name,
            "kind": PROVIDERS[name].kind.value,
            "url": f"{public_origin(request)}/api/v1/ingest/{name}/{tenant}",
            "is_set": await deps.store.read(find_provider_secrets(tenant, name)) is not None,
            "wrong": wrong.get(name, 0),
        }
        for name in WEBHOOKS
    ]
