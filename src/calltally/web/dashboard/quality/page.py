"""`/quality`: rates over time against a baseline, hours of the week, and a table."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from msgspec.structs import replace

from calltally.alerts.model.finding import AlertKind
from calltally.analytics.buckets import HOUR, STEPS
from calltally.analytics.measurement import MeasuredWindow, measure, window_of
from calltally.analytics.query import UTC, QualityQuery
from calltally.analytics.report import quality_report
from calltally.analytics.schemas import QualityReport
from calltally.calls.metrics import RATES
from calltally.calls.model import DIRECTIONS
from calltally.calls.times import DAY_US, SECOND_US
from calltally.store.alerts.alerts import Alert, AlertFilter, list_alerts
from calltally.web.api.analytics import measure_launch_quality
from calltally.web.auth.search_rights import with_search
from calltally.web.dashboard.calls.links import Chip, url
from calltally.web.dashboard.calls.page import curl_of
from calltally.web.dashboard.formats import period
from calltally.web.dashboard.pages import download, page
from calltally.web.dashboard.quality.chart_data import (
    MAX_GROUPS,
    ChartGroup,
    chart_data,
    chart_groups,
    chart_marks,
)
from calltally.web.dashboard.quality.heat_map import Hours, heat_map, hours_of
from calltally.web.dashboard.quality.query import (
    ALL,
    BY,
    COMPARED,
    NONE,
    QualityPageQuery,
    parse_quality_page,
)
from calltally.web.dashboard.quality.table import MAX_ROWS, rows_of, total_row
from calltally.web.dashboard.rendering import CHARTS, built_path, render_page
from calltally.web.dashboard.sign_in.visitor import Visitor
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.dependencies import Dependencies
from calltally.web.request.query import Pairs
from calltally.web.response.response import Response

PATH: Final = "/quality"
EXPORT: Final = "/quality-export"
API: Final = "/api/v1/analytics/launch-quality"
_HEAT_US: Final = 28 * DAY_US
_HOUR_US: Final = 3_600 * SECOND_US
_MAX_ALERTS: Final = 100
_CHOICES: Final = {
    "by": (*BY, ALL),
    "steps": STEPS,
    "compared": (*COMPARED, NONE),
    "directions": DIRECTIONS,
    "rates": RATES,
}


@page(PATH)
async def show_quality(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> Response:
    """Show the page, with the functions of the API, so that both agree."""
    deps = dependencies_of(request)
    now_us = deps.clock()
    page_query = parse_quality_page(pairs, visitor.zone, now_us)
    query = with_search(replace(page_query.query, rates=page_query.rates, rows=MAX_ROWS), visitor.access)
    report = await quality_report(deps.store, query, [visitor.tenant], now_us)
    window = window_of(query, now_us)
    columns = chart_groups(report, page_query.step, window.buckets)
    hours = _chart_hours(page_query, columns, window) or await _hours(
        deps, visitor, query, window, page_query.heat
    )
    values = {
        **_numbers(page_query, report),
        **_charts(page_query, columns, window, await _alerts(deps, visitor.tenant, window)),
        **_links(request, pairs, page_query),
        "heat": heat_map(hours, visitor.zone),
        "span": period(report.window.from_, report.window.to, visitor.zone),
    }
    return render_page("quality.html", visitor, values)


export_quality = download(EXPORT, measure_launch_quality)


def _numbers(page_query: QualityPageQuery, report: QualityReport) -> dict[str, Any]:
    return {
        "asked": page_query,
        "rows": rows_of(page_query, report),
        "total": total_row(page_query, report),
        "groups": len(report.data),
        "most_rows": MAX_ROWS,
        "keys": report.group_by,
        "definitions": {rate.name: rate.definition for rate in RATES},
        "is_compared": report.compared_window is not None,
        "unmeasured": report.unmeasured,
        "choices": _CHOICES,
    }


def _charts(
    page_query: QualityPageQuery, groups: Sequence[ChartGroup], window: MeasuredWindow, alerts: list[Alert]
) -> dict[str, Any]:
    columns = groups[:MAX_GROUPS]
    marks = chart_marks(alerts, columns, window.buckets)
    return {
        "columns": columns,
        "left_out": len(groups) - len(columns),
        "marks": list({mark["path"]: mark for mark in marks}.values()),
        "chart_data": chart_data(page_query, columns, window.buckets, marks),
        "script": built_path(CHARTS),
    }


def _links(request: AnyRequest, pairs: Pairs, page_query: QualityPageQuery) -> dict[str, Any]:
    other_pairs = [pair for pair in pairs if pair not in page_query.filters]
    return {
        "chips": [
            Chip(
                name,
                value,
                url([*other_pairs, *(each for each in page_query.filters if each != (name, value))], PATH),
            )
            for name, value in page_query.filters
        ],
        "values": dict(pairs),
        "here": url(pairs, PATH),
        "path": PATH,
        "export": url([*page_query.api, ("percentiles", "false"), ("format", "csv")], EXPORT),
        "curl": curl_of(request, url(page_query.api, API)),
    }


async def _alerts(deps: Dependencies, tenant: str, window: MeasuredWindow) -> list[Alert]:
    """Return the alerts on rates that opened in the window."""
    wanted = AlertFilter(window.lo_us, window.hi_us, kind=AlertKind.RATE, limit=_MAX_ALERTS)
    return (await deps.store.read(list_alerts(tenant, wanted)))[0]


def _chart_hours(
    page_query: QualityPageQuery, columns: Sequence[ChartGroup], window: MeasuredWindow
) -> Hours | None:
    """Return the hours of the charts if they cover the heat map; None otherwise."""
    is_whole = all(bucket.lo_us % _HOUR_US == 0 for bucket in window.buckets)
    is_within = window.hi_us - window.lo_us <= _HEAT_US
    if page_query.step != HOUR or page_query.heat not in page_query.rates or not is_whole or not is_within:
        return None
    return (
        (window.buckets[bucket_index].lo_us, rate.numerator, rate.denominator)
        for column in columns
        for bucket_index, step in column.steps.items()
        for rate in [step.rates[page_query.heat]]
    )


async def _hours(
    deps: Dependencies, visitor: Visitor, query: QualityQuery, window: MeasuredWindow, rate: str
) -> Hours:
    """Measure the last four weeks of the window in UTC hours, which are rows of the roll-ups."""
    lo_us = max(window.lo_us, (window.hi_us - _HEAT_US) // _HOUR_US * _HOUR_US)
    there = replace(query.filter, from_us=lo_us, to_us=window.hi_us)
    page_query = replace(query, keys=(), step=HOUR, zone=UTC, filter=there, compare=None, rates=(rate,))
    hours = partial(measure, visitor.tenant, page_query, window_of(page_query, window.hi_us))
    return hours_of(await deps.store.read_tenant(visitor.tenant, hours, long=True), rate)
