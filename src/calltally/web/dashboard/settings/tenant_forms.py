"""Forms of a tenant: alert rules and webhook endpoints."""

import secrets
from typing import Any, Final

import msgspec
from litestar import post

from calltally.alerts.model.rules import read_rules, rules_as_values
from calltally.calls.errors import NotFound
from calltally.calls.identity import parse_uuid
from calltally.net.standard_webhooks import SECRET_BYTES, format_secret
from calltally.store.alerts.detector_state import put_rules
from calltally.store.webhooks.endpoints import (
    add_endpoint,
    delete_endpoint,
    pause_endpoint,
    resume_endpoint,
    seal_secret,
)
from calltally.web.api.webhooks.checks import checked_endpoint
from calltally.web.api.webhooks.handlers import PAUSED_BY_REQUEST
from calltally.web.api.webhooks.schemas import EndpointBody
from calltally.web.dashboard.calls.links import first_value, non_empty
from calltally.web.dashboard.error_page import handle_page_exception
from calltally.web.dashboard.forms import checked_form, return_path
from calltally.web.dashboard.operations import page_operation
from calltally.web.dashboard.rendering import redirect, render_page
from calltally.web.dashboard.settings.page import PATH, settings_values
from calltally.web.dashboard.sign_in.scopes import require_scope
from calltally.web.request.access import ALERTS_WRITE, WEBHOOKS_WRITE
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.paths import last_segment
from calltally.web.response.response import Response

_HANDLING: Final[Any] = {Exception: handle_page_exception}
RULES, ENDPOINTS = f"{PATH}/rules", f"{PATH}/endpoints"
ACTION: Final = f"{ENDPOINTS}/{{action:str}}"


@post(RULES, operation=page_operation(f"POST {RULES}"), status_code=200, exception_handlers=_HANDLING)
async def set_rules(request: AnyRequest) -> Response:
    """Replace the alert rules from JSON; missing fields get their defaults."""
    visitor, pairs = await checked_form(request)
    require_scope(visitor, ALERTS_WRITE)
    rules = rules_as_values(read_rules(first_value(pairs, "rules") or "{}", is_toml=False))
    operation = put_rules(visitor.tenant, msgspec.json.encode(rules), dependencies_of(request).clock())
    await dependencies_of(request).store.write(operation)
    return redirect(return_path(pairs))


@post(ENDPOINTS, operation=page_operation(f"POST {ENDPOINTS}"), status_code=200, exception_handlers=_HANDLING)
async def create_endpoint(request: AnyRequest) -> Response:
    """Create an endpoint. Only this response contains its secret."""
    visitor, pairs = await checked_form(request)
    require_scope(visitor, WEBHOOKS_WRITE)
    events = [value for name, value in non_empty(pairs) if name == "event"]
    form = first_value(pairs, "form") or "standard"
    body = EndpointBody(first_value(pairs, "url"), events, first_value(pairs, "description") or None, form)
    wanted, deps = checked_endpoint(request, body), dependencies_of(request)
    endpoint_id, secret = secrets.token_bytes(16), format_secret(secrets.token_bytes(SECRET_BYTES))
    sealed = seal_secret(deps.vault, visitor.tenant, endpoint_id, secret)
    await deps.store.write(add_endpoint(visitor.tenant, endpoint_id, wanted, sealed, deps.clock()))
    return render_page("settings.html", visitor, await settings_values(request, visitor, new_secret=secret))


@post(ACTION, operation=page_operation(f"POST {ACTION}"), status_code=200, exception_handlers=_HANDLING)
async def change_endpoint(request: AnyRequest) -> Response:
    """Pause, resume or delete an endpoint."""
    visitor, pairs = await checked_form(request)
    require_scope(visitor, WEBHOOKS_WRITE)
    deps, action = dependencies_of(request), last_segment(request, "endpoints")
    endpoint, now_us = (visitor.tenant, parse_uuid(first_value(pairs, "endpoint")) or b""), deps.clock()
    if action == "pause":
        await deps.store.write(pause_endpoint(*endpoint, PAUSED_BY_REQUEST, now_us))
    elif action == "resume":
        await deps.store.write(resume_endpoint(*endpoint, now_us))
    elif action == "delete":
        await deps.store.write(delete_endpoint(*endpoint, now_us))
    else:
        raise NotFound("an endpoint can be paused, resumed and deleted")
    return redirect(return_path(pairs))
