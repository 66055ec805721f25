"""`/`: the overview of a tenant: today, the last hour, and what needs attention."""

from functools import partial
from typing import Any, Final

from calltally.alerts.evaluation.evaluator import rules_or_defaults
from calltally.alerts.model.rules import Rules
from calltally.analytics.query import zone_named
from calltally.calls.times import utc_text
from calltally.store.alerts.detector_state import rules_of_tenant
from calltally.store.maintenance.worker_presence import admin_missing_worker
from calltally.store.overview.read import OverviewQuery, StoredOverview, read_overview
from calltally.web.dashboard.calls.links import first_value
from calltally.web.dashboard.calls.page import first_event
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.formats import minute
from calltally.web.dashboard.overview.day_windows import MOST_EDGE_CALLS, day_windows, in_whole_hours
from calltally.web.dashboard.overview.last_hour import hour_values
from calltally.web.dashboard.overview.learning import evaluation_values, learning_values
from calltally.web.dashboard.overview.open_calls import open_limits, open_lines
from calltally.web.dashboard.overview.panels import (
    alert_values,
    attention,
    delivery_lines,
    job_lines,
    provider_lines,
)
from calltally.web.dashboard.overview.today import compare_day, today_values
from calltally.web.dashboard.pages import page
from calltally.web.dashboard.rendering import render_page
from calltally.web.dashboard.sign_in.visitor import Visitor
from calltally.web.request.access import WEBHOOKS_WRITE
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.paths import service_url
from calltally.web.request.query import Pairs
from calltally.web.response.response import Headers, Response

PATH: Final = "/"
WALL: Final = "/?wall=1"
_WALL_SECONDS: Final = 60
# A header, because it needs no script. Only the wall display reloads, and its URL requests it.
_REFRESH: Final[Headers] = ((b"refresh", b"%d" % _WALL_SECONDS),)


@page(PATH)
async def show_overview(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> Response:
    """Show the overview; for a tenant without calls, the first steps."""
    deps, is_wall = dependencies_of(request), first_value(pairs, "wall") == "1"
    now_us = deps.clock()
    rules = rules_or_defaults(await deps.store.read(rules_of_tenant(visitor.tenant)))
    values: dict[str, Any] = {
        "is_wall": is_wall,
        "wall_seconds": _WALL_SECONDS,
        "here": WALL if is_wall else PATH,
        "updated": minute(utc_text(now_us), visitor.zone),
    }
    response = await _respond(request, visitor, rules, values)
    if is_wall:
        response.headers += _REFRESH
    return response


async def _respond(request: AnyRequest, visitor: Visitor, rules: Rules, values: dict[str, Any]) -> Response:
    deps = dependencies_of(request)
    now_us, zone = deps.clock(), zone_named(rules.tz)
    windows, limits = day_windows(now_us, zone), open_limits(rules, now_us)
    counted = [*(each.calls for each in limits), *windows.edges]
    query = OverviewQuery(visitor.tenant, now_us, counted)
    stored = await deps.store.read_tenant(visitor.tenant, partial(read_overview, query))
    if stored.first_s is None:
        return render_page("overview_empty.html", visitor, values | _first_steps(request, visitor))
    is_whole = sum(stored.numbers[len(limits) :]) > MOST_EDGE_CALLS
    day = await compare_day(
        deps.store, visitor.tenant, in_whole_hours(windows, zone) if is_whole else windows
    )
    values |= {
        **today_values(day, now_us, zone, is_whole=is_whole),
        **hour_values(stored.minutes, query.hour_s, visitor.zone),
        "open_calls": open_lines(limits, stored.numbers[: len(limits)]),
        **_panels(visitor, rules, stored, now_us),
        "missing_worker": await _missing_worker(request, visitor, now_us),
    }
    values["attention"] = attention(values, sum(stored.numbers[: len(limits)]))
    return render_page("overview.html", visitor, values)


async def _missing_worker(request: AnyRequest, visitor: Visitor, now_us: int) -> str:
    """Return a warning if no worker runs. It names no other tenant's work."""
    missing = await dependencies_of(request).store.read(admin_missing_worker(now_us))
    if missing is None:
        return ""
    if missing.last_report_us is None:
        return text("worker_never_reported")
    return text("worker_is_missing", at=minute(utc_text(missing.last_report_us), visitor.zone))


def _panels(visitor: Visitor, rules: Rules, stored: StoredOverview, now_us: int) -> dict[str, Any]:
    zone, may_send = visitor.zone, visitor.access.has_scope(WEBHOOKS_WRITE)
    return {
        **alert_values(stored.alerts, now_us, zone),
        **learning_values(stored, now_us, zone),
        **evaluation_values(rules, stored, now_us, zone),
        "providers": provider_lines(stored, now_us, zone),
        "may_send": may_send,
        "endpoint_count": len(stored.endpoints) if may_send else 0,
        "deliveries": delivery_lines(stored.endpoints, now_us, zone) if may_send else [],
        "jobs": job_lines(stored.jobs, zone),
    }


def _first_steps(request: AnyRequest, visitor: Visitor) -> dict[str, Any]:
    return {
        "callback_url": f"{service_url(request)}/api/v1/ingest/twilio/{visitor.tenant}",
        "first_event": first_event(request),
        "is_admin": visitor.access.is_admin,
    }
