"""`/quality`: rates over time, side by side, against a baseline; which hours of the week; the numbers."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from litestar import get
from litestar.types import ASGIApp
from msgspec.structs import replace

from calltally.alerts.model.finding import AlertKind
from calltally.analytics.buckets import HOUR, STEPS
from calltally.analytics.measurement import MeasuredWindow, measure, window_of
from calltally.analytics.query import UTC, QualityQuery
from calltally.analytics.report import quality_report
from calltally.analytics.schemas import QualityShown
from calltally.calls.metrics import RATES
from calltally.calls.model import DIRECTIONS
from calltally.calls.times import DAY_US, SECOND_US
from calltally.store.alerts.alerts import Alert, AlertFilter, list_alerts
from calltally.web.api.analytics import measure_launch_quality, restrict_quality_query
from calltally.web.dashboard.built_files import CHARTS, built_path
from calltally.web.dashboard.calls.links import Chip, non_empty, url
from calltally.web.dashboard.calls.page import curl_of, renewed
from calltally.web.dashboard.error_page import handle_page_exception
from calltally.web.dashboard.number_format import minute
from calltally.web.dashboard.operations import page_operation
from calltally.web.dashboard.quality.chart_data import (
    MOST_COLUMNS,
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
from calltally.web.dashboard.quality.table import MOST_ROWS, rows_of, total_row
from calltally.web.dashboard.rendering import render_page
from calltally.web.dashboard.sign_in.visitor import Visitor, visitor_of
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.dependencies import Dependencies
from calltally.web.request.query import Pairs, query_pairs
from calltally.web.response.response import Response

PATH: Final = "/quality"
EXPORT: Final = "/quality-export"
API: Final = "/api/v1/analytics/launch-quality"
_HANDLING: Final[Any] = {Exception: handle_page_exception}
_HEAT_US: Final = 28 * DAY_US
_HOUR_US: Final = 3_600 * SECOND_US
_MOST_ALERTS: Final = 100
_CHOICES: Final = {
    "by": (*BY, ALL),
    "steps": STEPS,
    "compared": (*COMPARED, NONE),
    "directions": DIRECTIONS,
    "rates": RATES,
}


@get(PATH, operation=page_operation(PATH), exception_handlers=_HANDLING)
async def show_quality(request: AnyRequest) -> Response:
    """By the same functions as the API's answer, so that both always agree."""
    visitor, deps = await visitor_of(request), dependencies_of(request)
    pairs, now_us = non_empty(query_pairs(request.scope["query_string"])), deps.clock()
    asked = parse_quality_page(pairs, visitor.zone, now_us)
    query = restrict_quality_query(replace(asked.query, rates=asked.rates, rows=MOST_ROWS), visitor.access)
    shown = await quality_report(deps.store, query, [visitor.tenant], now_us)
    window = window_of(query, now_us)
    columns = chart_groups(shown, asked.step, window.buckets)
    hours = _shown_hours(asked, columns, window) or await _hours(deps, visitor, query, window, asked.heat)
    values = {
        **_numbers(asked, shown),
        **_charts(asked, columns, window, await _alerts(deps, visitor.tenant, window)),
        **_links(request, pairs, asked),
        "heat": heat_map(hours, visitor.zone),
        "span": [minute(at, visitor.zone) for at in (shown.window.from_, shown.window.to)],
    }
    return render_page("quality.html", visitor, values, headers=renewed(request, visitor))


@get(EXPORT, operation=page_operation(EXPORT), exception_handlers=_HANDLING)
async def export_quality(request: AnyRequest) -> ASGIApp:
    """The API's CSV, by the session instead of a key in a header."""
    await visitor_of(request)
    answer: ASGIApp = await measure_launch_quality.fn(request)
    return answer


def _numbers(asked: QualityPageQuery, shown: QualityShown) -> dict[str, Any]:
    return {
        "asked": asked,
        "rows": rows_of(asked, shown),
        "total": total_row(asked, shown),
        "groups": len(shown.data),
        "most_rows": MOST_ROWS,
        "keys": shown.group_by,
        "definitions": {rate.name: rate.definition for rate in RATES},
        "is_compared": shown.compared_window is not None,
        "unmeasured": shown.unmeasured,
        "choices": _CHOICES,
    }


def _charts(
    asked: QualityPageQuery, every: Sequence[ChartGroup], window: MeasuredWindow, alerts: list[Alert]
) -> dict[str, Any]:
    columns = every[:MOST_COLUMNS]
    marks = chart_marks(alerts, columns, window.buckets)
    return {
        "columns": columns,
        "left_out": len(every) - len(columns),
        "marks": [
            mark for place, mark in enumerate(marks) if mark.path not in {m.path for m in marks[:place]}
        ],
        "drawn": chart_data(asked, columns, window.buckets, marks),
        "script": built_path(CHARTS),
    }


def _links(request: AnyRequest, pairs: Pairs, asked: QualityPageQuery) -> dict[str, Any]:
    stays = [pair for pair in pairs if pair not in asked.filters]
    return {
        "chips": [
            Chip(name, value, url([*stays, *(each for each in asked.filters if each != (name, value))], PATH))
            for name, value in asked.filters
        ],
        "values": dict(pairs),
        "here": url(pairs, PATH),
        "path": PATH,
        "export": url([*asked.api, ("percentiles", "false"), ("format", "csv")], EXPORT),
        "curl": curl_of(request, url(asked.api, API)),
    }


async def _alerts(deps: Dependencies, tenant: str, window: MeasuredWindow) -> list[Alert]:
    """Those on rates that were found in the window."""
    wanted = AlertFilter(window.lo_us, window.hi_us, kind=AlertKind.RATE, limit=_MOST_ALERTS)
    return (await deps.store.read(list_alerts(tenant, wanted)))[0]


def _shown_hours(asked: QualityPageQuery, columns: Sequence[ChartGroup], window: MeasuredWindow) -> Hours | None:
    """The hours of the charts, where those are the ones that make up a week; None where they are others."""
    is_whole = all(bucket.lo_us % _HOUR_US == 0 for bucket in window.buckets)
    is_within = window.hi_us - window.lo_us <= _HEAT_US
    if asked.step != HOUR or asked.heat not in asked.rates or not is_whole or not is_within:
        return None
    return (
        (window.buckets[place].lo_us, rate.numerator, rate.denominator)
        for column in columns
        for place, step in column.steps.items()
        for rate in [step.rates[asked.heat]]
    )


async def _hours(
    deps: Dependencies, visitor: Visitor, query: QualityQuery, window: Window, rate: str
) -> Hours:
    """The hours of the window's last four weeks: in hours of UTC, which are read from sums everywhere."""
    lo_us = max(window.lo_us, (window.hi_us - _HEAT_US) // _HOUR_US * _HOUR_US)
    there = replace(query.filter, from_us=lo_us, to_us=window.hi_us)
    asked = replace(query, keys=(), step=HOUR, zone=UTC, filter=there, compare=None, rates=(rate,))
    hours = partial(measure, visitor.tenant, asked, window_of(asked, window.hi_us))
    return hours_of(await deps.store.read_tenant(visitor.tenant, hours, long=True), rate)
