"""`/alerts` and `/alerts/{id}`: alerts, their evidence and their history."""

from functools import partial
from typing import Any, Final

from litestar import get

from calltally.alerts.evaluation.alert_payload import read_content
from calltally.alerts.model.finding import AlertFinding, AlertKind
from calltally.calls.identity import parse_uuid
from calltally.calls.parameters import read_values
from calltally.store.alerts.alerts import (
    UNRESOLVED,
    Alert,
    AlertFilter,
    AlertState,
    StoredAlertChange,
    alert_history,
    list_alerts,
    need_alert,
)
from calltally.store.db.operation import StoreOperation
from calltally.store.rollups.alert_steps import steps_between
from calltally.web.api.alerts.operations import DEFAULT_LIMIT, PARAMETERS
from calltally.web.dashboard.alerts.alert_lines import alert_line, calls_path, evidence_rows, history
from calltally.web.dashboard.alerts.evidence_chart import chart_frame, evidence_chart_data
from calltally.web.dashboard.built_files import CHARTS, built_path
from calltally.web.dashboard.call_format import call_path
from calltally.web.dashboard.calls.links import first_value, non_empty, url
from calltally.web.dashboard.calls.page import renewed
from calltally.web.dashboard.error_page import handle_page_exception
from calltally.web.dashboard.operations import page_operation
from calltally.web.dashboard.rendering import render_page
from calltally.web.dashboard.sign_in.visitor import Visitor, visitor_of
from calltally.web.request.access import ALERTS_WRITE
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.paths import segment_after
from calltally.web.request.query import Pairs, query_pairs
from calltally.web.response.response import Response

PATH: Final = "/alerts"
ONE: Final = PATH + "/{id:str}"
# Choices for the duration of a mute, in hours.
MUTES: Final = (1, 8, 24, 168)
_ALL: Final = "all"
_STATES: Final = (UNRESOLVED, AlertState.RESOLVED.value, _ALL)
_HANDLING: Final[Any] = {Exception: handle_page_exception}
_PARAMETERS_BY_NAME: Final = {each.name: each for each in PARAMETERS}
_ALL_TIMES: Final = {"lo_us": -(2**62), "hi_us": 2**62}


@get(PATH, operation=page_operation(PATH), exception_handlers=_HANDLING)
async def show_alerts(request: AnyRequest) -> Response:
    """Show alerts: unresolved ones, or those of `state=`. The filters are those of the API."""
    visitor, deps = await visitor_of(request), dependencies_of(request)
    pairs = non_empty(query_pairs(request.scope["query_string"]))
    alert_filter = _filter(pairs)
    found: list[Alert]
    found, total = await deps.store.read(list_alerts(visitor.tenant, alert_filter))
    now_us = deps.clock()
    values = {
        "lines": [alert_line(alert, visitor.zone, now_us) for alert in found],
        "total": total,
        **_list_links(pairs, alert_filter, total),
        **_rights(visitor),
    }
    return render_page("alerts.html", visitor, values, headers=renewed(request, visitor))


def _filter(pairs: Pairs) -> AlertFilter:
    state = first_value(pairs, "state") or UNRESOLVED
    filters = [pair for pair in pairs if pair[0] != "state"] + ([("state", state)] if state != _ALL else [])
    return AlertFilter(
        **{"limit": DEFAULT_LIMIT, "offset": 0, **_ALL_TIMES, **read_values(filters, _PARAMETERS_BY_NAME)}
    )


def _list_links(pairs: Pairs, alert_filter: AlertFilter, total: int) -> dict[str, Any]:
    other_pairs = [pair for pair in pairs if pair[0] != "offset"]
    rest = [pair for pair in other_pairs if pair[0] != "state"]
    before, after = alert_filter.offset - alert_filter.limit, alert_filter.offset + alert_filter.limit
    state = first_value(pairs, "state") or UNRESOLVED
    return {
        "states": [(name, url([*rest, ("state", name)], PATH), name == state) for name in _STATES],
        "shown": state,
        "values": dict(pairs),
        "kinds": [kind.value for kind in AlertKind],
        "previous": url([*other_pairs, ("offset", str(max(before, 0)))], PATH)
        if alert_filter.offset
        else None,
        "next": url([*other_pairs, ("offset", str(after))], PATH) if after < total else None,
        "here": url(pairs, PATH),
        "path": PATH,
    }


def _rights(visitor: Visitor) -> dict[str, Any]:
    return {"may_write": visitor.access.has_scope(ALERTS_WRITE), "mutes": MUTES}


@get(ONE, operation=page_operation(ONE), exception_handlers=_HANDLING)
async def show_alert(request: AnyRequest) -> Response:
    """Show one alert of the tenant."""
    visitor, deps = await visitor_of(request), dependencies_of(request)
    alert, changes = await deps.store.read(_with_history(visitor.tenant, alert_id(request)))
    finding, now_us = read_content(alert).finding, deps.clock()
    line = alert_line(alert, visitor.zone, now_us)
    values = {
        "alert": line,
        "finding": finding,
        "pieces": evidence_rows(finding, visitor.zone),
        "history": history(changes, visitor.zone),
        "calls": calls_path(finding),
        "call_paths": [(sid, call_path(sid)) for sid in finding.sids],
        "here": line.path,
        **await _chart(request, visitor, finding, now_us),
        **_rights(visitor),
    }
    return render_page("alert.html", visitor, values, headers=renewed(request, visitor))


async def _chart(request: AnyRequest, visitor: Visitor, finding: AlertFinding, now_us: int) -> dict[str, Any]:
    """Return the chart of a rate; other metrics have no chart."""
    if finding.metric is None:
        return {"chart_data": None, "script": None}
    frame = chart_frame(finding, now_us)
    read = partial(steps_between, visitor.tenant, frame.lo_s, frame.hi_s)
    steps = await dependencies_of(request).store.read_tenant(visitor.tenant, read, long=True)
    chart = evidence_chart_data(finding, steps, frame, visitor.zone)
    return {"chart_data": chart, "script": built_path(CHARTS)}


def alert_id(request: AnyRequest) -> bytes:
    """Return the alert id of the path; empty if it is invalid."""
    return parse_uuid(segment_after(request, "alerts")) or b""


def _with_history(tenant: str, alert: bytes) -> StoreOperation[tuple[Alert, list[StoredAlertChange]]]:
    found = yield from need_alert(tenant, alert)
    return found, (yield from alert_history(tenant, alert))
