"""The launch view: hour by hour since a launch, against what was before, with a verdict and its evidence."""

from collections.abc import Sequence
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from calltally.analytics.buckets import HOUR
from calltally.analytics.launch import JUDGED, Evidence, Hours, Judged, Verdict, judge, overall, verdict_on
from calltally.analytics.launch_query import BEFORE_US, MOST_US, LaunchQuery
from calltally.analytics.measurement import Measurement, measure, window_of
from calltally.analytics.query import QualityQuery
from calltally.analytics.report_values import counts_and_rates, measures_shown, rate_shown
from calltally.analytics.schemas import MeasuresShown, RateShown, SpanShown
from calltally.calls.errors import InvalidInput, NotFound
from calltally.calls.filters import CallFilter
from calltally.calls.intervals import CONFIDENCE, Interval, Share
from calltally.calls.metrics import Shares, rate_named
from calltally.calls.times import SECOND_US, utc_text
from calltally.store.analytics.quality_query import Totals
from calltally.store.db.operation import Statement, Step
from calltally.store.rollups.call_counters import facet

METHOD: Final = (
    "Bounds that hold at all times together (Robbins' beta mixture) for the rate since, Wilson's interval for"
    " the rate before, both for all rates that are judged; a verdict where they do not meet. Hours that"
    " differ by more than chance make calls count for less (`over_dispersion`)."
)
_Fraction = Annotated[float, Meta(ge=0, le=1)]
_Count = Annotated[int, Meta(ge=0)]
_Word = Annotated[str, Meta(extra_json_schema={"enum": [verdict.value for verdict in Verdict]})]
_HOUR_S: Final = 3_600
_SHARES: Final = Shares([rate_named(judged.name) for judged in JUDGED])
_ROUND: Final = 6


class BoundsShown(msgspec.Struct, frozen=True):
    """Where a rate lies."""

    low: _Fraction
    high: _Fraction


class EvidenceShown(msgspec.Struct, frozen=True):
    """What is said of one rate, and why.

    `bounds` and `baseline_bounds` hold together for all rates, however often one looks. `more_calls` is how
    many more final (or answered) calls would tell at the rate of now: 0 where they do, null where none would.
    """

    verdict: _Word
    more_is_better: bool
    launch: RateShown
    baseline: RateShown
    bounds: BoundsShown | None
    baseline_bounds: BoundsShown | None
    over_dispersion: Annotated[float, Meta(ge=1)]
    more_calls: _Count | None


class HourShown(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """One hour since the launch, named by the clock of the zone, and the verdict as it was at its end."""

    hour: str
    from_: Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
    to: Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
    counts: dict[str, _Count]
    rates: dict[str, RateShown]
    verdict: _Word


class SideShown(msgspec.Struct, frozen=True):
    """One side of the comparison: whose calls, of which window, and what they add up to."""

    facet: Annotated[str, Meta(extra_json_schema={"enum": ["route", "agent"]})]
    name: str
    window: SpanShown
    measures: MeasuresShown


class LaunchShown(msgspec.Struct, frozen=True):
    """The answer. `baseline` is null where nothing was found to hold the launch against."""

    verdict: _Word
    confidence: _Fraction
    method: str
    launch: SideShown
    baseline: SideShown | None
    evidence: dict[str, EvidenceShown]
    hours: list[HourShown]


class _Side(NamedTuple):
    """One side of the comparison, hour by hour."""

    name: str
    measured: Measurement

    def hours(self) -> list[Totals]:
        """The totals of each hour of the window, with those in which nothing was."""
        groups = self.measured.groups
        return [groups.get(((), place), Totals()) for place in range(len(self.measured.window.buckets))]


def launch_view(tenant: str, query: LaunchQuery, now_us: int) -> Step[LaunchShown]:
    """Look at a launch. Raises NotFound for a route or agent that never had a call, and InvalidInput."""
    since_us = query.since_us
    if since_us is None:
        since_us = yield from _first_hour_us(tenant, query)
    to_us = query.to_us if query.to_us is not None else now_us
    if not 0 < to_us - since_us <= MOST_US:
        message = "a launch is looked at from its beginning for up to 180 days; name since and to"
        raise InvalidInput.of("since", message)
    launch = _Side(query.name, (yield from _measure(tenant, query, query.name, since_us, to_us)))
    before = query.window or (since_us - BEFORE_US, since_us)
    if before[1] - before[0] > MOST_US:
        message = "what a launch is held against is of up to 180 days; name a shorter window"
        raise InvalidInput.of("baseline_window", message)
    name = query.baseline
    if name is None:
        name = yield from _predecessor(tenant, query, launch.measured, before)
    baseline = None
    if name is not None:
        baseline = _Side(name, (yield from _measure(tenant, query, name, *before)))
    return _shown(query, launch, baseline)


def _first_hour_us(tenant: str, query: LaunchQuery) -> Step[int]:
    asked = {"tenant": tenant, "facet": facet(query.facet, query.name), "width_s": _HOUR_S}
    [(first_s,)] = yield Statement("first_bucket_of_facet", asked)
    if first_s is None:
        message = f"there is no call of {query.facet} {query.name!r}; name since to look at one without"
        raise NotFound(message)
    return int(first_s) * SECOND_US


def _measure(tenant: str, query: LaunchQuery, name: str, lo_us: int, hi_us: int) -> Step[Measurement]:
    is_route = query.facet == "route"
    calls = CallFilter(
        from_us=lo_us, to_us=hi_us, route=name if is_route else None, agent=None if is_route else name
    )
    asked = QualityQuery(calls, step=HOUR, zone=query.zone, percentiles=False)
    return (yield from measure(tenant, asked, window_of(asked, hi_us)))


def _predecessor(
    tenant: str, query: LaunchQuery, launch: Measurement, before: tuple[int, int]
) -> Step[str | None]:
    """Of a route itself; of an agent who had most calls of its routes before. None where there is none."""
    if query.facet == "route":
        return query.name
    asked = QualityQuery(
        CallFilter(from_us=launch.window.lo_us, to_us=launch.window.hi_us, agent=query.name),
        keys=("route",),
        percentiles=False,
    )
    routes = yield from measure(tenant, asked, window_of(asked, launch.window.hi_us))
    theirs = {values for values, _place in routes.groups}
    others = replace(asked, filter=CallFilter(from_us=before[0], to_us=before[1]), keys=("route", "agent"))
    found = yield from measure(tenant, others, window_of(others, before[1]))
    calls: dict[str, int] = {}
    for ((route, agent), _place), totals in found.groups.items():
        if (route,) in theirs and agent not in {None, query.name}:
            calls[agent] = calls.get(agent, 0) + totals.columns()["attempts"]
    return max(sorted(calls), key=calls.__getitem__, default=None)


def _shown(query: LaunchQuery, launch: _Side, baseline: _Side | None) -> LaunchShown:
    before = _rates(baseline.hours() if baseline else [])
    since, hours = _hours(launch, before)
    evidence = _evidence(since, before)
    return LaunchShown(
        verdict=overall([each.verdict for each in evidence.values()]).value,
        confidence=CONFIDENCE,
        method=METHOD,
        launch=_side(query, launch),
        baseline=_side(query, baseline) if baseline else None,
        evidence={
            judged.name: _evidence_shown(judged, evidence[judged], since[judged], before[judged])
            for judged in JUDGED
        },
        hours=hours,
    )


def _rates(hours: Sequence[Totals]) -> dict[Judged, Hours]:
    shares = [_SHARES.of(hour.counts) for hour in hours]
    return {judged: Hours(hour[at] for hour in shares) for at, judged in enumerate(JUDGED)}


def _evidence(since: dict[Judged, Hours], before: dict[Judged, Hours]) -> dict[Judged, Evidence]:
    return {judged: judge(judged, since[judged], before[judged]) for judged in JUDGED}


def _hours(launch: _Side, before: dict[Judged, Hours]) -> tuple[dict[Judged, Hours], list[HourShown]]:
    """All hours together, and each with the verdict that stood at its end."""
    since, shown = _rates([]), []
    for bucket, totals in zip(launch.measured.window.buckets, launch.hours(), strict=True):
        for judged, share in zip(JUDGED, _SHARES.of(totals.counts), strict=True):
            since[judged].add(share)
        verdict = overall([verdict_on(judged, since[judged], before[judged]) for judged in JUDGED])
        counts, rates = counts_and_rates(totals)
        span = (utc_text(bucket.lo_us), utc_text(bucket.hi_us))
        shown.append(HourShown(bucket.label, *span, counts, rates, verdict.value))
    return since, shown


def _side(query: LaunchQuery, side: _Side) -> SideShown:
    window = SpanShown(*map(utc_text, side.measured.window[:2]))
    return SideShown(query.facet, side.name, window, measures_shown(side.measured.total()))


def _evidence_shown(judged: Judged, evidence: Evidence, since: Hours, before: Hours) -> EvidenceShown:
    return EvidenceShown(
        verdict=evidence.verdict.value,
        more_is_better=judged.more_is_better,
        launch=rate_shown(Share(since.events, since.calls)),
        baseline=rate_shown(Share(before.events, before.calls)),
        bounds=_bounds(evidence.since),
        baseline_bounds=_bounds(evidence.before),
        over_dispersion=round(evidence.over_dispersion, 2),
        more_calls=evidence.more_calls,
    )


def _bounds(interval: Interval | None) -> BoundsShown | None:
    return None if interval is None else BoundsShown(*(round(each, _ROUND) for each in interval))
