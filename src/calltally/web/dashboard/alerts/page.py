"""`/alerts` and `/alerts/{id}`: alerts, their evidence, history and lifecycle."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from calltally.alerts.evaluation.alert_lifecycle import read_content
from calltally.alerts.model.finding import AlertFinding, AlertKind
from calltally.calls.errors import InvalidInput, NotFound
from calltally.calls.times import SECOND_US
from calltally.store.alerts.alerts import (
    UNRESOLVED,
    Alert,
    AlertEvent,
    AlertState,
    acknowledge,
    list_alerts,
    mute,
    resolve,
)
from calltally.store.rollups.alert_steps import steps_between
from calltally.web.api.alerts.handlers import alert_filter, alert_with_changes, change_by
from calltally.web.api.alerts.schemas import MAX_NOTE_CHARS
from calltally.web.dashboard.actors import actor_names
from calltally.web.dashboard.alerts.alert_lines import (
    alert_line,
    calls_path,
    duration_text,
    evidence_rows,
    history,
)
from calltally.web.dashboard.alerts.evidence_chart import chart_frame, evidence_chart_data
from calltally.web.dashboard.calls.links import adjacent_pages, first_value, parse_number, url
from calltally.web.dashboard.formats import call_path
from calltally.web.dashboard.pages import form, page
from calltally.web.dashboard.rendering import CHARTS, built_path, render_page
from calltally.web.dashboard.sign_in.visitor import Visitor
from calltally.web.request.access import ALERTS_WRITE
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.paths import id_after, last_segment
from calltally.web.request.query import Pairs
from calltally.web.response.paging import PageWindow
from calltally.web.response.response import Response

PATH: Final = "/alerts"
ONE: Final = PATH + "/{id:str}"
# Choices for the duration of a mute, in hours.
MUTES: Final = (1, 8, 24, 168)
_ALL: Final = "all"
_STATES: Final = (UNRESOLVED, AlertState.RESOLVED.value, _ALL)
_MAX_HOURS: Final = 31 * 24
_HOUR_US: Final = 3_600 * SECOND_US
_EVENTS: Final = {
    "acknowledge": AlertEvent.ACKNOWLEDGED,
    "resolve": AlertEvent.RESOLVED,
    "mute": AlertEvent.MUTED,
    "unmute": AlertEvent.UNMUTED,
}


@page(PATH)
async def show_alerts(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> Response:
    """Show alerts: unresolved ones, or those of `state=`. The filters are those of the API."""
    deps = dependencies_of(request)
    state = first_value(pairs, "state") or UNRESOLVED
    stateless = [pair for pair in pairs if pair[0] != "state"]
    wanted = alert_filter([*stateless, *([("state", state)] if state != _ALL else [])])
    found: list[Alert]
    found, total = await deps.store.read(list_alerts(visitor.tenant, wanted))
    now_us = deps.clock()
    values = {
        "lines": [alert_line(alert, visitor.zone, now_us) for alert in found],
        "total": total,
        **_list_links(pairs, state),
        **adjacent_pages(
            [pair for pair in pairs if pair[0] != "offset"],
            PATH,
            PageWindow(wanted.limit, wanted.offset, total),
        ),
        "may_write": visitor.access.has_scope(ALERTS_WRITE),
        "mutes": MUTES,
    }
    return render_page("alerts.html", visitor, values)


def _list_links(pairs: Pairs, state: str) -> dict[str, Any]:
    rest = [pair for pair in pairs if pair[0] not in {"offset", "state"}]
    return {
        "states": [(name, url([*rest, ("state", name)], PATH), name == state) for name in _STATES],
        "shown": state,
        "values": dict(pairs),
        "kinds": [kind.value for kind in AlertKind],
        "here": url(pairs, PATH),
        "path": PATH,
    }


@page(ONE)
async def show_alert(request: AnyRequest, visitor: Visitor, _pairs: Pairs) -> Response:
    deps = dependencies_of(request)
    alert, changes = await deps.store.read(alert_with_changes(visitor.tenant, id_after(request, "alerts")))
    finding, now_us = read_content(alert).finding, deps.clock()
    line = alert_line(alert, visitor.zone, now_us)
    values = {
        "alert": line,
        "finding": finding,
        "pieces": evidence_rows(finding, visitor.zone),
        "history": history(changes, visitor.zone, await actor_names(deps.store, visitor.tenant)),
        "calls": calls_path(finding),
        "call_paths": [(sid, call_path(sid)) for sid in finding.sids],
        "here": line["path"],
        **await _chart(request, visitor, finding, now_us),
        "may_write": visitor.access.has_scope(ALERTS_WRITE),
        "mutes": MUTES,
    }
    return render_page("alert.html", visitor, values)


async def _chart(request: AnyRequest, visitor: Visitor, finding: AlertFinding, now_us: int) -> dict[str, Any]:
    """Return the chart of a rate; other metrics have no chart."""
    if finding.metric is None:
        return {"chart_data": None, "script": None}
    frame = chart_frame(finding, now_us)
    read = partial(steps_between, visitor.tenant, frame.lo_s, frame.hi_s)
    steps = await dependencies_of(request).store.read_tenant(visitor.tenant, read, long=True)
    chart = evidence_chart_data(finding, steps, frame, visitor.zone)
    return {"chart_data": chart, "script": built_path(CHARTS), "width": duration_text(frame.width_s)}


@form(ONE + "/{action:str}", ALERTS_WRITE)
async def change_alert(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> None:
    fields, event = dict(pairs), _EVENTS.get(last_segment(request, "alerts"))
    if event is None:
        raise NotFound(
            "this action does not exist: an alert can be acknowledged, resolved, muted and unmuted"
        )
    # PostgreSQL cannot store a NUL in a text.
    note = fields.get("note", "").replace("\0", "").strip()[:MAX_NOTE_CHARS] or None
    alert, by = id_after(request, "alerts"), change_by(request, event, note)
    if event is AlertEvent.ACKNOWLEDGED:
        operation = acknowledge(visitor.tenant, alert, by)
    elif event is AlertEvent.RESOLVED:
        operation = resolve(visitor.tenant, alert, by)
    else:
        until_us = by.at_us + _mute_us(fields) if event is AlertEvent.MUTED else None
        operation = mute(visitor.tenant, alert, until_us, by)
    await dependencies_of(request).store.write(operation)


def _mute_us(fields: Mapping[str, str]) -> int:
    hours = parse_number(fields.get("hours", ""), otherwise=0)
    if not 1 <= hours <= _MAX_HOURS:
        raise InvalidInput.of("hours", f"hours must be a whole number from 1 to {_MAX_HOURS}")
    return hours * _HOUR_US
