"""Forms of alert destinations: they run the operations of the API."""

from uuid import uuid4

from calltally.calls.errors import NotFound
from calltally.calls.identity import parse_uuid
from calltally.store.alerts.sinks import add_sink, change_sink, drop_sink, need_sink
from calltally.web.api.alerts.sinks import sealed_sink, test_sink
from calltally.web.dashboard.calls.links import first_value
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.rendering import render_page
from calltally.web.dashboard.settings.page import settings_values
from calltally.web.dashboard.settings.settings_form import settings_form
from calltally.web.dashboard.settings.sinks import SINKS, sink_body
from calltally.web.dashboard.sign_in.visitor import Visitor
from calltally.web.request.access import ALERTS_WRITE
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.paths import last_segment
from calltally.web.request.query import Pairs
from calltally.web.response.response import Response


@settings_form(SINKS, ALERTS_WRITE)
async def save_sink(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> Response | None:
    """Add a destination, or replace the named one. Only this response contains a new secret."""
    deps, named = dependencies_of(request), first_value(pairs, "sink")
    sink_id = (parse_uuid(named) or b"") if named else uuid4().bytes
    sealed, secret = await sealed_sink(request, sink_id, sink_body(pairs))
    store = change_sink if named else add_sink
    await deps.store.write(store(visitor.tenant, sealed, deps.clock()))
    if secret is None:
        return None
    values = await settings_values(request, visitor, new_sink_secret=secret)
    return render_page("settings.html", visitor, values)


@settings_form(f"{SINKS}/{{action:str}}", ALERTS_WRITE)
async def change_one_sink(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> Response | None:
    """Test or delete a destination. A failed test is a result, not an error."""
    deps, action = dependencies_of(request), last_segment(request, "sinks")
    sink_id = parse_uuid(first_value(pairs, "sink")) or b""
    if action == "delete":
        await deps.store.write(drop_sink(visitor.tenant, sink_id))
        return None
    if action != "test":
        raise NotFound("this action does not exist: an alert destination can be tested and deleted")
    sink = await deps.store.read(need_sink(visitor.tenant, sink_id))
    result = await test_sink(request, sink)
    name = "sink_tested" if result.told else "sink_failed"
    message = text(name, name=sink.name, fault=result.fault or "")
    return render_page("settings.html", visitor, await settings_values(request, visitor, checked=message))
