"""What a body wants of an endpoint, looked at as a whole."""

import re
from typing import Final

from calltally.calls.errors import Fault, InvalidBody
from calltally.calls.event_types import SUBSCRIBABLE
from calltally.calls.model import DIRECTIONS
from calltally.deliveries.payload_formats import FORMS
from calltally.store.tenants.routes import WORD_PATTERN
from calltally.store.tenants.tenants import is_line
from calltally.store.webhooks.endpoints import Wanted
from calltally.web.api.webhooks.schemas import MOST_DESCRIBED, EndpointBody
from calltally.web.request.context import AnyRequest, parts_of

_WORD: Final = re.compile(WORD_PATTERN, re.ASCII)
_EVENTS: Final = ", ".join(SUBSCRIBABLE)


def wanted_of(request: AnyRequest, body: EndpointBody) -> Wanted:
    """What a body asks for; raises InvalidBody with every fault in it."""
    faults = [*_word_faults(body)]
    try:
        parts_of(request).outgoing.check(body.url)
    except ValueError as fault:
        faults.append(Fault("url", f"the url cannot be used: {fault}"))
    if faults:
        raise InvalidBody("; ".join(fault.detail for fault in faults), tuple(faults))
    events = tuple(name for name in SUBSCRIBABLE if name in body.events)
    return Wanted(
        body.url, body.description or None, body.form, events, body.direction, body.route, body.agent
    )


def _word_faults(body: EndpointBody) -> list[Fault]:
    faults = []
    if unknown := [name for name in body.events if name not in SUBSCRIBABLE]:
        faults.append(Fault("events", f"{unknown[0][:64]!r} is no event; choose of {_EVENTS}"))
    if body.form not in FORMS:
        faults.append(Fault("form", f"form must be one of {', '.join(FORMS)}"))
    if body.direction not in (None, *DIRECTIONS):
        faults.append(Fault("direction", f"direction must be one of {', '.join(DIRECTIONS)}"))
    if not is_line(body.description or "", MOST_DESCRIBED):
        faults.append(Fault("description", f"a description is a line of at most {MOST_DESCRIBED} characters"))
    return [*faults, *_filter_faults(body)]


def _filter_faults(body: EndpointBody) -> list[Fault]:
    asked = (("route", body.route), ("agent", body.agent))
    told = "must be up to 64 printable ASCII characters without spaces"
    return [
        Fault(name, f"{name} {told}")
        for name, value in asked
        if value is not None and not _WORD.fullmatch(value)
    ]
