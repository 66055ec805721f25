"""`/alerts` and `/alerts/{id}`: what is on, on what evidence, and everything that became of it."""

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
    AlertChange,
    AlertFilter,
    AlertState,
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
# For how many hours nobody is told, to choose from.
MUTES: Final = (1, 8, 24, 168)
_ALL: Final = "all"
_STATES: Final = (UNRESOLVED, AlertState.RESOLVED.value, _ALL)
_HANDLING: Final[Any] = {Exception: handle_page_exception}
_KNOWN: Final = {each.name: each for each in PARAMETERS}
_EVER: Final = {"lo_us": -(2**62), "hi_us": 2**62}


@get(PATH, operation=page_operation(PATH), exception_handlers=_HANDLING)
async def show_alerts(request: AnyRequest) -> Response:
    """What is on; by `state=` what was. The filters are the API's."""
    visitor, deps = await visitor_of(request), dependencies_of(request)
    pairs = non_empty(query_pairs(request.scope["query_string"]))
    wanted = _wanted(pairs)
    found: list[Alert]
    found, total = await deps.store.read(list_alerts(visitor.tenant, wanted))
    now_us = deps.clock()
    values = {
        "lines": [alert_line(alert, visitor.zone, now_us) for alert in found],
        "total": total,
        **_around(pairs, wanted, total),
        **_rights(visitor),
    }
    return render_page("alerts.html", visitor, values, headers=renewed(request, visitor))


def _wanted(pairs: Pairs) -> AlertFilter:
    state = first_value(pairs, "state") or UNRESOLVED
    asked = [pair for pair in pairs if pair[0] != "state"] + ([("state", state)] if state != _ALL else [])
    return AlertFilter(**{"limit": DEFAULT_LIMIT, "offset": 0, **_EVER, **read_values(asked, _KNOWN)})


def _around(pairs: Pairs, wanted: AlertFilter, total: int) -> dict[str, Any]:
    stays = [pair for pair in pairs if pair[0] != "offset"]
    rest = [pair for pair in stays if pair[0] != "state"]
    before, after = wanted.offset - wanted.limit, wanted.offset + wanted.limit
    shown = first_value(pairs, "state") or UNRESOLVED
    return {
        "states": [(name, url([*rest, ("state", name)], PATH), name == shown) for name in _STATES],
        "shown": shown,
        "values": dict(pairs),
        "kinds": [kind.value for kind in AlertKind],
        "previous": url([*stays, ("offset", str(max(before, 0)))], PATH) if wanted.offset else None,
        "next": url([*stays, ("offset", str(after))], PATH) if after < total else None,
        "here": url(pairs, PATH),
        "path": PATH,
    }


def _rights(visitor: Visitor) -> dict[str, Any]:
    return {"may_write": visitor.access.has_scope(ALERTS_WRITE), "mutes": MUTES}


@get(ONE, operation=page_operation(ONE), exception_handlers=_HANDLING)
async def show_alert(request: AnyRequest) -> Response:
    """Another tenant's is not there."""
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
        **await _drawn(request, visitor, finding, now_us),
        **_rights(visitor),
    }
    return render_page("alert.html", visitor, values, headers=renewed(request, visitor))


async def _drawn(request: AnyRequest, visitor: Visitor, finding: AlertFinding, now_us: int) -> dict[str, Any]:
    """The chart of a rate; what is no rate has numbers alone."""
    if finding.metric is None:
        return {"drawn": None, "script": None}
    frame = chart_frame(finding, now_us)
    read = partial(steps_between, visitor.tenant, frame.lo_s, frame.hi_s)
    steps = await dependencies_of(request).store.read_tenant(visitor.tenant, read, long=True)
    drawn = evidence_chart_data(finding, steps, frame, visitor.zone)
    return {"drawn": drawn, "script": built_path(CHARTS)}


def alert_id(request: AnyRequest) -> bytes:
    """The id in the path; of none where it is not one."""
    return parse_uuid(segment_after(request, "alerts")) or b""


def _with_history(tenant: str, alert: bytes) -> StoreOperation[tuple[Alert, list[AlertChange]]]:
    found = yield from need_alert(tenant, alert)
    return found, (yield from alert_history(tenant, alert))
