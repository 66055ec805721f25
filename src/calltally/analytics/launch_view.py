"""Launch view: hourly metrics since a launch, compared with a baseline, with verdict and evidence."""

from collections.abc import Sequence
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from calltally.analytics.buckets import HOUR
from calltally.analytics.launch import (
    JUDGED_RATES,
    HourlyRate,
    JudgedRate,
    LaunchVerdict,
    RateEvidence,
    evaluate_rate,
    overall_verdict,
    verdict_of,
)
from calltally.analytics.launch_query import BASELINE_US, MAX_LAUNCH_US, LaunchQuery
from calltally.analytics.measurement import Measurement, measure, window_of
from calltally.analytics.query import QualityQuery
from calltally.analytics.report_values import counts_and_rates, metrics_of, rate_with_interval
from calltally.analytics.schemas import CallMetrics, QualityWindow, RateSummary
from calltally.calls.errors import InvalidInput, NotFound
from calltally.calls.filters import CallFilter
from calltally.calls.intervals import CONFIDENCE, Interval, Proportion
from calltally.calls.metrics import RateProportions, rate_named
from calltally.calls.times import SECOND_US, utc_text
from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.rollups.call_counters import facet
from calltally.store.rollups.quality_delta import QualityTotals

METHOD: Final = (
    "Bounds that hold at all times together (Robbins' beta mixture) for the rate since, Wilson's interval for"
    " the rate before, both for all judged rates; a verdict if they do not overlap. If hours differ by more"
    " than chance, calls count for less (`over_dispersion`)."
)
_Fraction = Annotated[float, Meta(ge=0, le=1)]
_Count = Annotated[int, Meta(ge=0)]
_Word = Annotated[str, Meta(extra_json_schema={"enum": [verdict.value for verdict in LaunchVerdict]})]
_HOUR_S: Final = 3_600
_SHARES: Final = RateProportions([rate_named(rate.name) for rate in JUDGED_RATES])
_ROUND: Final = 6


class RateBounds(msgspec.Struct, frozen=True):
    """Bounds of a rate."""

    low: _Fraction
    high: _Fraction


class RateVerdict(msgspec.Struct, frozen=True):
    """Verdict on one rate, with its evidence.

    `bounds` and `baseline_bounds` hold together for all rates and any number of checks. `more_calls` is the
    number of further final (or answered) calls for a verdict at the current rate: 0 if there is one, null if
    none is possible.
    """

    verdict: _Word
    more_is_better: bool
    launch: RateSummary
    baseline: RateSummary
    bounds: RateBounds | None
    baseline_bounds: RateBounds | None
    over_dispersion: Annotated[float, Meta(ge=1)]
    more_calls: _Count | None


class LaunchHour(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """Hour since the launch in local time, and the verdict at its end."""

    hour: str
    from_: Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
    to: Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
    counts: dict[str, _Count]
    rates: dict[str, RateSummary]
    verdict: _Word


class LaunchSide(msgspec.Struct, frozen=True):
    """Side of the comparison: its route or agent, window and metrics."""

    facet: Annotated[str, Meta(extra_json_schema={"enum": ["route", "agent"]})]
    name: str
    window: QualityWindow
    measures: CallMetrics


class LaunchReport(msgspec.Struct, frozen=True):
    """Launch report. `baseline` is null if there is nothing to compare with."""

    verdict: _Word
    confidence: _Fraction
    method: str
    launch: LaunchSide
    baseline: LaunchSide | None
    evidence: dict[str, RateVerdict]
    hours: list[LaunchHour]


class _Side(NamedTuple):
    """Side of the comparison, hour by hour."""

    name: str
    measured: Measurement

    def hours(self) -> list[QualityTotals]:
        """Return the totals of each hour of the window, including hours without calls."""
        buckets, groups = self.measured.window.buckets, self.measured.groups
        return [groups.get(((), index), QualityTotals()) for index in range(len(buckets))]


def launch_view(tenant: str, query: LaunchQuery, now_us: int) -> StoreOperation[LaunchReport]:
    """Return the launch report. Raises NotFound for a route or agent without calls, and InvalidInput."""
    since_us = query.since_us
    if since_us is None:
        since_us = yield from _first_hour_us(tenant, query)
    to_us = query.to_us if query.to_us is not None else now_us
    if to_us <= since_us:
        raise InvalidInput.of("since", "since must be earlier than to, which is now if it is left out")
    if to_us - since_us > MAX_LAUNCH_US:
        raise InvalidInput.of("since", "a launch view covers up to 180 days; set since and to")
    launch = _Side(query.name, (yield from _measure(tenant, query, query.name, since_us, to_us)))
    before = query.window or (since_us - BASELINE_US, since_us)
    if before[1] - before[0] > MAX_LAUNCH_US:
        raise InvalidInput.of("baseline_window", "a baseline covers up to 180 days; use a shorter window")
    name = query.baseline or (yield from _predecessor(tenant, query, launch.measured, before))
    baseline = None
    if name is not None:
        baseline = _Side(name, (yield from _measure(tenant, query, name, *before)))
    return _report(query, launch, baseline)


def _first_hour_us(tenant: str, query: LaunchQuery) -> StoreOperation[int]:
    params = {"tenant": tenant, "facet": facet(query.facet, query.name), "width_s": _HOUR_S}
    [(first_s,)] = yield Statement("first_bucket_of_facet", params)
    if first_s is None:
        message = f"{query.facet} {query.name!r} has no calls yet; give since to see its launch"
        raise NotFound(message)
    return int(first_s) * SECOND_US


def _measure(
    tenant: str, query: LaunchQuery, name: str, lo_us: int, hi_us: int
) -> StoreOperation[Measurement]:
    calls = CallFilter(from_us=lo_us, to_us=hi_us, route=query.route and name, agent=query.agent and name)
    quality_query = QualityQuery(calls, step=HOUR, zone=query.zone, percentiles=False)
    return (yield from measure(tenant, quality_query, window_of(quality_query, hi_us)))


def _predecessor(
    tenant: str, query: LaunchQuery, launch: Measurement, before: tuple[int, int]
) -> StoreOperation[str | None]:
    """Return the route itself, or the agent with most calls of the same routes before; None without one."""
    if query.facet == "route":
        return query.name
    quality_query = QualityQuery(
        CallFilter(from_us=launch.window.lo_us, to_us=launch.window.hi_us, agent=query.name),
        keys=("route",),
        percentiles=False,
    )
    routes = yield from measure(tenant, quality_query, window_of(quality_query, launch.window.hi_us))
    own_routes = {values for values, _index in routes.groups}
    others = replace(
        quality_query, filter=CallFilter(from_us=before[0], to_us=before[1]), keys=("route", "agent")
    )
    found = yield from measure(tenant, others, window_of(others, before[1]))
    calls: dict[str, int] = {}
    for ((route, agent), _index), totals in found.groups.items():
        if (route,) in own_routes and agent not in {None, query.name}:
            calls[agent] = calls.get(agent, 0) + totals.columns()["attempts"]
    return max(sorted(calls), key=calls.__getitem__, default=None)


def _report(query: LaunchQuery, launch: _Side, baseline: _Side | None) -> LaunchReport:
    before = _rates(baseline.hours() if baseline else [])
    since, hours = _hours(launch, before)
    evidence = {rate: evaluate_rate(rate, since[rate], before[rate]) for rate in JUDGED_RATES}
    return LaunchReport(
        verdict=overall_verdict([each.verdict for each in evidence.values()]).value,
        confidence=CONFIDENCE,
        method=METHOD,
        launch=_side(query, launch),
        baseline=_side(query, baseline) if baseline else None,
        evidence={
            rate.name: _evidence_of(rate, evidence[rate], since[rate], before[rate]) for rate in JUDGED_RATES
        },
        hours=hours,
    )


def _rates(hours: Sequence[QualityTotals]) -> dict[JudgedRate, HourlyRate]:
    shares = [_SHARES.of(hour.counts) for hour in hours]
    return {rate: HourlyRate(hour[at] for hour in shares) for at, rate in enumerate(JUDGED_RATES)}


def _hours(
    launch: _Side, before: dict[JudgedRate, HourlyRate]
) -> tuple[dict[JudgedRate, HourlyRate], list[LaunchHour]]:
    """Return the sums of all hours, and each hour with the verdict at its end."""
    since, hours = _rates([]), []
    for bucket, totals in zip(launch.measured.window.buckets, launch.hours(), strict=True):
        for rate, share in zip(JUDGED_RATES, _SHARES.of(totals.counts), strict=True):
            since[rate].add(share)
        verdict = overall_verdict([verdict_of(rate, since[rate], before[rate]) for rate in JUDGED_RATES])
        counts, rates = counts_and_rates(totals)
        span = (utc_text(bucket.lo_us), utc_text(bucket.hi_us))
        hours.append(LaunchHour(bucket.label, *span, counts, rates, verdict.value))
    return since, hours


def _side(query: LaunchQuery, side: _Side) -> LaunchSide:
    window = QualityWindow(*map(utc_text, side.measured.window[:2]))
    return LaunchSide(query.facet, side.name, window, metrics_of(side.measured.total()))


def _evidence_of(
    rate: JudgedRate, evidence: RateEvidence, since: HourlyRate, before: HourlyRate
) -> RateVerdict:
    return RateVerdict(
        verdict=evidence.verdict.value,
        more_is_better=rate.more_is_better,
        launch=rate_with_interval(Proportion(since.events, since.calls)),
        baseline=rate_with_interval(Proportion(before.events, before.calls)),
        bounds=_bounds(evidence.since),
        baseline_bounds=_bounds(evidence.before),
        over_dispersion=round(evidence.over_dispersion, 2),
        more_calls=evidence.more_calls,
    )


def _bounds(interval: Interval | None) -> RateBounds | None:
    return None if interval is None else RateBounds(*(round(each, _ROUND) for each in interval))
