"""Webhook endpoints on the settings page: their list, and the form of one."""

from typing import Any, Final

from calltally.calls.model import DIRECTIONS
from calltally.store.webhooks.endpoints import endpoints_of
from calltally.web.api.webhooks.schemas import EndpointBody, endpoint_resource
from calltally.web.dashboard.calls.links import first_value, non_empty
from calltally.web.dashboard.formats import minute
from calltally.web.dashboard.settings.submitted_form import SubmittedForm
from calltally.web.dashboard.sign_in.visitor import Visitor
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.query import Pairs, query_pairs

ENDPOINTS: Final = "/settings/endpoints"


async def endpoint_values(request: AnyRequest, visitor: Visitor, submitted: SubmittedForm) -> dict[str, Any]:
    """Return the endpoints, and the one that the URL names, for the form."""
    found = await dependencies_of(request).store.read(endpoints_of(visitor.tenant))
    endpoints = [endpoint_resource(each) for each in found]
    query = non_empty(query_pairs(request.scope["query_string"]))
    changed = submitted.value(ENDPOINTS, "endpoint", first_value(query, "endpoint"))
    return {
        "endpoints": [(each, minute(each.failing_since, visitor.zone)) for each in endpoints],
        "edited_endpoint": next((each for each in endpoints if each.id == changed), None),
        "directions": DIRECTIONS,
    }


def endpoint_body(pairs: Pairs) -> EndpointBody:
    """Convert the fields of the form into the body of the API, which is checked later."""
    return EndpointBody(
        first_value(pairs, "url"),
        [value for name, value in pairs if name == "event"],
        first_value(pairs, "description") or None,
        first_value(pairs, "form") or "standard",
        first_value(pairs, "direction") or None,
        first_value(pairs, "route") or None,
        first_value(pairs, "agent") or None,
    )
