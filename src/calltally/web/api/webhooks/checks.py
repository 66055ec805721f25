"""Validation of webhook endpoint bodies."""

import re
from typing import Final

from calltally.calls.errors import Fault, InvalidBody
from calltally.calls.event_types import SUBSCRIBABLE
from calltally.calls.model import DIRECTIONS
from calltally.calls.payload_formats import FORMS
from calltally.store.tenants.routes import WORD_PATTERN
from calltally.store.tenants.tenants import is_line
from calltally.store.webhooks.endpoints import EndpointSettings
from calltally.web.api.webhooks.schemas import MAX_DESCRIPTION_CHARS, EndpointBody
from calltally.web.auth.admission import check_scope
from calltally.web.auth.search_rights import check_search_values
from calltally.web.request.access import CALLS_READ, PII_READ
from calltally.web.request.context import AnyRequest, access_of, dependencies_of

_WORD: Final = re.compile(WORD_PATTERN, re.ASCII)
_EVENTS: Final = ", ".join(SUBSCRIBABLE)


def checked_endpoint(request: AnyRequest, body: EndpointBody) -> EndpointSettings:
    """Return the endpoint settings of a body, within the rights of the key.

    Raises InvalidBody with every error in it, and Forbidden for a key that may not read calls or filters by
    masked numbers.
    """
    access = access_of(request)
    check_scope(access, CALLS_READ, "an endpoint receives calls")
    faults = [*_word_faults(body)]
    try:
        dependencies_of(request).outgoing.check(body.url)
    except ValueError as fault:
        faults.append(Fault("url", f"the url cannot be used: {fault}"))
    if faults:
        raise InvalidBody("; ".join(fault.detail for fault in faults), tuple(faults))
    check_search_values(access, {"route": body.route, "agent": body.agent})
    events = tuple(name for name in SUBSCRIBABLE if name in body.events)
    settings = (body.url, body.description or None, body.form, events, body.direction, body.route, body.agent)
    return EndpointSettings(*settings, sees_numbers=access.has_scope(PII_READ))


def _word_faults(body: EndpointBody) -> list[Fault]:
    faults = []
    if unknown := [name for name in body.events if name not in SUBSCRIBABLE]:
        faults.append(Fault("events", f"unknown event {unknown[0][:64]!r}; choose from {_EVENTS}"))
    if body.form not in FORMS:
        faults.append(Fault("form", f"form must be one of {', '.join(FORMS)}"))
    if body.direction not in (None, *DIRECTIONS):
        faults.append(Fault("direction", f"direction must be one of {', '.join(DIRECTIONS)}"))
    if not is_line(body.description or "", MAX_DESCRIPTION_CHARS):
        faults.append(
            Fault("description", f"a description is a line of at most {MAX_DESCRIPTION_CHARS} characters")
        )
    return [*faults, *_filter_faults(body)]


def _filter_faults(body: EndpointBody) -> list[Fault]:
    filters = (("route", body.route), ("agent", body.agent))
    rule = "must be up to 64 printable ASCII characters without spaces"
    return [
        Fault(name, f"{name} {rule}")
        for name, value in filters
        if value is not None and not _WORD.fullmatch(value)
    ]
