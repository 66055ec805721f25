"""`/settings`: the settings of a tenant and the forms to change them."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from calltally.alerts.evaluation.evaluator import rules_or_defaults
from calltally.alerts.model.rules import rules_as_values
from calltally.calls.event_types import SUBSCRIBABLE
from calltally.calls.identity import uuid_text
from calltally.calls.payload_formats import FORMS
from calltally.calls.times import SECOND_US, utc_text
from calltally.providers.registry import PROVIDERS, WEBHOOKS
from calltally.store.alerts.detector_state import rules_of_tenant
from calltally.store.tenants.api_keys import SCOPES, list_keys
from calltally.store.tenants.dead_letters import count_dead_letters, failures_since
from calltally.store.tenants.routes import list_routes
from calltally.store.tenants.tenants import admin_list_tenants, need_tenant, reveals_of_tenant
from calltally.store.tenants.unlisted_fields import unlisted_fields_of
from calltally.store.tenants.vault import find_provider_secrets
from calltally.web.api.admin.schemas import api_key_resource, route_resource, tenant_resource
from calltally.web.dashboard.actors import actor, actor_names
from calltally.web.dashboard.calls.links import first_value, non_empty
from calltally.web.dashboard.formats import minute
from calltally.web.dashboard.pages import page
from calltally.web.dashboard.rendering import render_page
from calltally.web.dashboard.settings.endpoints import endpoint_values
from calltally.web.dashboard.settings.rules_form import rules_form_values
from calltally.web.dashboard.settings.sinks import sink_values
from calltally.web.dashboard.settings.submitted_form import NOTHING_SUBMITTED, SubmittedForm
from calltally.web.dashboard.sign_in.visitor import Visitor
from calltally.web.request.access import ALERTS_WRITE, WEBHOOKS_WRITE
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.paths import service_url
from calltally.web.request.query import Pairs, query_pairs
from calltally.web.response.response import Response

PATH: Final = "/settings"
SECRETS: Final = f"{PATH}/providers"
_OPEN_SECTIONS: Final = ("sinks", "endpoints", "rules")
_SECTIONS: Final = (
    *("sinks", "api_keys", "endpoints", "routes", "providers", "rules"),
    *("masking", "retention", "reading", "tenants"),
)
_HALF_HOUR_S: Final = 1_800
_MAX_REVEALS: Final = 100


@page(PATH)
async def show_settings(request: AnyRequest, visitor: Visitor, _pairs: Pairs) -> Response:
    """Show the settings. Everybody sees the alert rules; other sections need their scopes."""
    values = await settings_values(request, visitor)
    return render_page("settings.html", visitor, values)


async def settings_values(
    request: AnyRequest, visitor: Visitor, submitted: SubmittedForm = NOTHING_SUBMITTED, **once: object
) -> dict[str, Any]:
    """Return the template values. `once` is a new key or secret, `submitted` a form that was refused."""
    stored = await dependencies_of(request).store.read(rules_of_tenant(visitor.tenant))
    letters = await dependencies_of(request).store.read(count_dead_letters(visitor.tenant))
    rules = msgspec.json.encode(rules_as_values(rules_or_defaults(stored)))
    may_send, is_admin = visitor.access.has_scope(WEBHOOKS_WRITE), visitor.access.is_admin
    may_rule = visitor.access.has_scope(ALERTS_WRITE)
    return {
        "is_admin": is_admin,
        "may_send": may_send,
        "may_rule": may_rule,
        "sections": _SECTIONS if is_admin else _OPEN_SECTIONS,
        "submitted": submitted,
        "rules": msgspec.json.format(rules, indent=2).decode(),
        **(await endpoint_values(request, visitor, submitted) if may_send else {}),
        "dead_letters": sum(letters.values()),
        **(await sink_values(request, visitor, submitted) if may_rule else {}),
        **rules_form_values(stored, submitted),
        "backtest": None,
        "offered": {"scopes": SCOPES, "events": SUBSCRIBABLE, "forms": FORMS},
        **(await _administration(request, visitor, submitted, letters) if is_admin else {}),
        "new_key": None,
        "new_secret": None,
        "new_sink_secret": None,
        "checked": None,
        **once,
        "here": PATH,
    }


async def _administration(
    request: AnyRequest, visitor: Visitor, submitted: SubmittedForm, letters: Mapping[str, int]
) -> dict[str, Any]:
    store = dependencies_of(request).store
    keys = [(api_key_resource(key), key.last_used_us) for key in await store.read(list_keys(visitor.tenant))]
    routes = [route_resource(route) for route in await store.read(list_routes(visitor.tenant))]
    tenants = [tenant_resource(tenant) for tenant in await store.read(admin_list_tenants())]
    names = await actor_names(store, visitor.tenant)
    reveals = await store.read(reveals_of_tenant(visitor.tenant, _MAX_REVEALS))
    # The provider and the route that a form edits.
    query = non_empty(query_pairs(request.scope["query_string"]))
    provider = PROVIDERS.get(submitted.value(SECRETS, "provider", first_value(query, "provider")))
    route = first_value(query, "route")
    return {
        "tenants": [(each, minute(each.created_at, visitor.zone)) for each in tenants],
        "tenant": await store.read(need_tenant(visitor.tenant)),
        "keys": [
            (
                key,
                minute(key.created_at, visitor.zone),
                minute(None if used_us is None else utc_text(used_us), visitor.zone),
                minute(key.revoked_at, visitor.zone),
            )
            for key, used_us in keys
        ],
        "reveals": [
            (minute(utc_text(each.at_us), visitor.zone), actor(names, each.key_id), uuid_text(each.call_id))
            for each in reveals
        ],
        "routes": routes,
        "route": next((each for each in routes if each.route == route), None),
        "providers": await _providers(request, visitor, letters),
        "provider": {"name": provider.name, "secrets": provider.secret_names, "needs": provider.needs}
        if provider
        else None,
    }


async def _providers(
    request: AnyRequest, visitor: Visitor, letters: Mapping[str, int]
) -> list[dict[str, Any]]:
    deps, tenant = dependencies_of(request), visitor.tenant
    since_s = deps.clock() // SECOND_US - _HALF_HOUR_S
    wrong = {name: count for name, count, _ in await deps.store.read(failures_since(tenant, since_s))}
    unlisted = await deps.store.read(unlisted_fields_of(tenant))
    return [
        {
            "name": name,
            "kind": PROVIDERS[name].kind.value,
            "url": f"{service_url(request)}/api/v1/ingest/{name}/{tenant}",
            "is_set": await deps.store.read(find_provider_secrets(tenant, name)) is not None,
            "wrong": wrong.get(name, 0),
            "dead": letters.get(name, 0),
            "unlisted": [each.name for each in unlisted if each.provider == name],
        }
        for name in WEBHOOKS
    ]
