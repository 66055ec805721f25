"""`/quality/launch`: a route or an agent since its launch, with the verdict and its evidence."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from markupsafe import Markup

from calltally.analytics.launch import LaunchVerdict
from calltally.analytics.launch_query import LaunchQuery, parse_launch_query
from calltally.analytics.launch_view import LaunchHour, LaunchReport, RateVerdict, launch_view
from calltally.analytics.schemas import RateSummary
from calltally.calls.errors import InvalidInput, NotFound
from calltally.calls.suggestions import did_you_mean
from calltally.calls.times import DAY_US, parse_instant
from calltally.store.listing.existing_names import existing_names
from calltally.web.api.analytics import restrict_launch_query
from calltally.web.auth.search_rights import readable_names
from calltally.web.dashboard.calls.links import NARROWED, calls_url, url
from calltally.web.dashboard.calls.page import curl_of
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.formats import grouped, interval, percent, period, points, roughly
from calltally.web.dashboard.pages import page
from calltally.web.dashboard.quality.chart_data import ChartSeries, chart_json, chart_words, point
from calltally.web.dashboard.rendering import CHARTS, built_path, render_page
from calltally.web.dashboard.sign_in.visitor import Visitor
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.query import Pairs
from calltally.web.response.response import Response

PATH: Final = "/quality/launch"
API: Final = "/api/v1/analytics/launch"
# The form has a field for the kind of launch, and one for its name.
_FACETS: Final = ("agent", "route")
_DAY: Final = 10
# Number of hours in the table; the API returns all.
MOST_HOURS: Final = 200
_YEAR_DAYS: Final = 365


@page(PATH)
async def show_launch(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> Response:
    """Show a launch, or only the form if the URL names none."""
    pairs = _launch_pairs(pairs)
    deps = dependencies_of(request)
    names = readable_names(
        visitor.access, await deps.store.read_tenant(visitor.tenant, partial(existing_names, visitor.tenant))
    )
    values: dict[str, Any] = {
        "asked": dict(pairs),
        "here": url(pairs, PATH),
        "path": PATH,
        "facets": _FACETS,
        "launch": None,
        "fault": None,
        "names": [name for facet in _FACETS for name in names[facet]],
    }
    if not any(name in _FACETS for name, _ in pairs):
        return render_page("launch.html", visitor, values)
    api = (*pairs, ("tz", visitor.zone.key))
    try:
        query = restrict_launch_query(parse_launch_query(api, is_admin=False), visitor.access)
        view = partial(launch_view, visitor.tenant, query, deps.clock())
        launch = await deps.store.read_tenant(visitor.tenant, view, long=True)
    except (InvalidInput, NotFound) as fault:
        return _refused(visitor, pairs, values, fault)
    values |= {"verdict": _verdict(query, launch, values["names"])}
    values |= {**_values(visitor, query, launch), "curl": curl_of(request, url(api, API))}
    return render_page("launch.html", visitor, values)


def _refused(
    visitor: Visitor, pairs: Pairs, values: dict[str, Any], fault: InvalidInput | NotFound
) -> Response:
    """Return the form as it was filled, with the fault, and with the name that was probably meant."""
    is_unknown = isinstance(fault, NotFound)
    typed = next(value for name, value in pairs if name in _FACETS)
    guess = did_you_mean(typed, values["names"]) if is_unknown else ""
    values |= {"fault": f"{fault.detail}{guess}", "here": PATH}
    return render_page("launch.html", visitor, values, status=404 if is_unknown else 400)


def _launch_pairs(pairs: Pairs) -> Pairs:
    """Replace `what=agent&name=vera` from the form by `agent=vera`."""
    form = dict(pairs)
    if form.get("what") not in _FACETS:
        return pairs
    rest = tuple(pair for pair in pairs if pair[0] not in {"what", "name"})
    return (*rest, (form["what"], form["name"])) if "name" in form else rest


def _values(visitor: Visitor, query: LaunchQuery, launch: LaunchReport) -> dict[str, Any]:
    window = launch.launch.window
    days = (parse_instant(window.to) - parse_instant(window.from_)) / DAY_US
    sides = [side for side in (launch.launch, launch.baseline) if side is not None]
    return {
        "launch": launch,
        "sides": [
            {
                "name": side.name,
                "calls": grouped(side.measures.counts["attempts"]),
                "window": period(side.window.from_, side.window.to, visitor.zone),
                "path": calls_url(((side.facet, side.name),), side.window.from_, side.window.to),
            }
            for side in sides
        ],
        "pieces": [_evidence_row(name, each, days) for name, each in launch.evidence.items()],
        "hours": [_hour(query, hour, list(launch.evidence)) for hour in launch.hours[-MOST_HOURS:][::-1]],
        "hours_in_all": len(launch.hours),
        "rates": list(launch.evidence),
        "chart_data": _chart(query, launch),
        "script": built_path(CHARTS),
        "quality": url([(query.facet, query.name), ("from", window.from_), ("step", "hour")], "/quality"),
    }


def _verdict(query: LaunchQuery, launch: LaunchReport, names: Sequence[str]) -> str:
    """Return the sentence of the verdict. A baseline that was named and has no calls may be misspelt."""
    if launch.verdict == LaunchVerdict.NO_BASELINE and query.baseline:
        guess = did_you_mean(query.baseline, names)
        return text("verdict_named_baseline", name=query.baseline, guess=guess)
    name = launch.baseline.name if launch.baseline else ""
    return text(f"verdict_{launch.verdict.replace(' ', '_')}", name=name)


def _evidence_row(name: str, evidence: RateVerdict, days: float) -> dict[str, str]:
    """Format the evidence of a rate; `days` is the length of the launch."""
    since, before = evidence.launch, evidence.baseline
    has_both = since.value is not None and before.value is not None
    bounds, baseline_bounds = evidence.bounds, evidence.baseline_bounds
    return {
        "name": name,
        "verdict": evidence.verdict,
        **_side("since", since),
        **_side("before", before),
        "change": points((since.value or 0) - (before.value or 0)) if has_both else "",
        "bounds": interval(bounds.low, bounds.high) if bounds else "",
        "baseline_bounds": interval(baseline_bounds.low, baseline_bounds.high) if baseline_bounds else "",
        "more": calls_until_certain(evidence.more_calls, since.denominator / days)
        if has_both
        else text("more_unmeasured"),
    }


def _side(name: str, rate: RateSummary) -> dict[str, str]:
    return {
        name: percent(rate.value),
        f"{name}_interval": interval(rate.low, rate.high),
        f"{name}_of": f"{grouped(rate.numerator)} / {grouped(rate.denominator)}",
    }


def calls_until_certain(calls: int | None, calls_a_day: float) -> str:
    """Format the calls that a verdict still needs, rounded, and the time that they take."""
    if calls is None:
        return text("more_never")
    if calls == 0:
        return text("more_none")
    days = calls / calls_a_day
    if days > _YEAR_DAYS:
        return text("more_years")
    return text("more_calls", calls=roughly(calls), time=text("more_days", count=max(1, round(days))))


def _hour(query: LaunchQuery, hour: LaunchHour, rates: Sequence[str]) -> dict[str, Any]:
    return {
        "name": hour.hour[:16].replace("T", " "),
        "calls": grouped(hour.counts["attempts"]),
        "path": calls_url(((query.facet, query.name),), hour.from_, hour.to),
        "figures": [(percent(hour.rates[rate].value), hour.rates[rate].small_sample) for rate in rates],
        "verdict": hour.verdict,
    }


def _chart(query: LaunchQuery, launch: LaunchReport) -> Markup:
    """Return the chart data for the script: one group by hour, with the earlier rate as its baseline."""
    hours, rates = launch.hours, list(launch.evidence)
    calls = url([(query.facet, query.name)], "").removeprefix("?")
    befores = [(rate, launch.evidence[rate].baseline.value) for rate in rates]
    points = {rate: [point(hour.rates[rate], before) for hour in hours] for rate, before in befores}
    values = {
        "step": "hour",
        "labels": [hour.hour for hour in hours],
        "from": [hour.from_ for hour in hours],
        "to": [hour.to for hour in hours],
        "narrow": {rate: "=".join(NARROWED[rate]) for rate in rates if rate in NARROWED},
        "marks": [],
        "words": chart_words(),
    }
    return chart_json(values, [ChartSeries(query.name, calls, points)])
