"""Forms of webhook endpoints on the settings page. They run the operations of the API."""

from typing import Final

from calltally.calls.errors import NotFound
from calltally.calls.identity import parse_uuid
from calltally.store.webhooks.endpoints import (
    change_endpoint,
    delete_endpoint,
    pause_endpoint,
    resume_endpoint,
)
from calltally.web.api.webhooks.checks import checked_endpoint
from calltally.web.api.webhooks.handlers import PAUSED_BY_REQUEST, new_endpoint, rotated_endpoint
from calltally.web.dashboard.calls.links import first_value
from calltally.web.dashboard.rendering import render_page
from calltally.web.dashboard.settings.endpoints import ENDPOINTS, endpoint_body
from calltally.web.dashboard.settings.page import settings_values
from calltally.web.dashboard.settings.settings_form import settings_form
from calltally.web.dashboard.sign_in.visitor import Visitor
from calltally.web.request.access import WEBHOOKS_WRITE
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.paths import last_segment
from calltally.web.request.query import Pairs
from calltally.web.response.response import Response

# The old secret signs for a day more, as a rotation by the API does.
GRACE_HOURS: Final = 24


@settings_form(ENDPOINTS, WEBHOOKS_WRITE)
async def save_endpoint(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> Response | None:
    """Create an endpoint, or change the named one. Only the response to the first contains its secret."""
    deps, named, body = dependencies_of(request), first_value(pairs, "endpoint"), endpoint_body(pairs)
    if named:
        wanted = checked_endpoint(request, body)
        change = change_endpoint(visitor.tenant, parse_uuid(named) or b"", wanted, deps.clock())
        await deps.store.write(change)
        return None
    _endpoint, secret = await new_endpoint(request, body)
    return await _with_secret(request, visitor, secret)


async def _with_secret(request: AnyRequest, visitor: Visitor, secret: str) -> Response:
    return render_page("settings.html", visitor, await settings_values(request, visitor, new_secret=secret))


@settings_form(f"{ENDPOINTS}/{{action:str}}", WEBHOOKS_WRITE)
async def change_one_endpoint(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> Response | None:
    """Pause, resume or delete an endpoint, or give it a new secret."""
    deps, action = dependencies_of(request), last_segment(request, "endpoints")
    endpoint, now_us = (visitor.tenant, parse_uuid(first_value(pairs, "endpoint")) or b""), deps.clock()
    if action == "pause":
        await deps.store.write(pause_endpoint(*endpoint, PAUSED_BY_REQUEST, now_us))
    elif action == "resume":
        await deps.store.write(resume_endpoint(*endpoint, now_us))
    elif action == "delete":
        await deps.store.write(delete_endpoint(*endpoint, now_us))
    elif action == "rotate":
        _rotated, secret = await rotated_endpoint(request, endpoint[1], GRACE_HOURS)
        return await _with_secret(request, visitor, secret)
    else:
        raise NotFound(
            "this action does not exist: an endpoint can be paused, resumed and deleted, and get a new secret"
        )
    return None
