"""Findings of rates and silences, with the sentence and the numbers that a person can check."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from calltally.alerts.detection.cusum import chance_a_week
from calltally.alerts.detection.incident import AlertIncident, SeriesMove
from calltally.alerts.detection.signals import SIGNALS, SPEEDS
from calltally.alerts.model.finding import (
    STATUS_FILTERS,
    AlertFinding,
    AlertKind,
    ChangeDirection,
    FindingChange,
    FindingEvidence,
)
from calltally.alerts.model.series import STEP_US, Dimension, Metric, SeriesKey
from calltally.calls.plurals import counted
from calltally.calls.times import utc_text

_NORMAL_95: Final = 1.96
_WORDS: Final[Mapping[Metric, str]] = {
    Metric.FAILURE_RATE: "Failure rate",
    Metric.NO_ANSWER_RATE: "No-answer rate",
    Metric.ANSWER_RATE: "Answer rate",
    Metric.PROVIDER_FAILURE_RATE: "Provider failure rate",
    Metric.TRANSFER_RATE: "Transfer rate",
}
_MINUTE: Final = len("2026-10-01T00:00")
# Number of finer series that a finding names as evidence: the ones that moved most.
_CHILDREN: Final = 20


class SeriesNames(NamedTuple):
    """Keys of the series in array order, and the budget of false alarms."""

    keys: tuple[SeriesKey, ...]
    budget_a_week: float


def rate_finding(
    names: SeriesNames, incident: AlertIncident, change: FindingChange, at_us: int
) -> AlertFinding:
    """Return the finding of an incident at the end of the step `at_us`."""
    primary, signal = incident.primary, SIGNALS[incident.primary.cell.signal]
    evidence = _evidence(names, primary, primary.at * STEP_US if change is FindingChange.RECOVERED else at_us)
    children = sorted(incident.members, key=lambda move: -abs(move.excess))[:_CHILDREN]
    return AlertFinding(
        kind=AlertKind.RATE,
        change=change,
        series=evidence.series,
        metric=signal.metric,
        direction=signal.direction,
        since_us=evidence.from_us,
        found_us=at_us + STEP_US,
        evidence=evidence,
        detail=_detail(evidence, signal.metric, change),
        sureness=primary.sum,
        false_alarms_a_week=chance_a_week(primary.sum - primary.threshold, names.budget_a_week),
        budget_a_week=names.budget_a_week,
        speed=SPEEDS[primary.speed],
        children=tuple(_evidence(names, move, move.at * STEP_US) for move in children),
        listed=_listed(evidence, signal.metric),
    )


def _evidence(names: SeriesNames, move: SeriesMove, at_us: int) -> FindingEvidence:
    calls = max(move.calls, 1.0)
    expected, width = move.expected / calls, _NORMAL_95 * move.variance**0.5 / calls
    return FindingEvidence(
        series=names.keys[move.cell.series],
        metric=SIGNALS[move.cell.signal].metric,
        from_us=move.since * STEP_US,
        to_us=at_us + STEP_US,
        calls=round(move.calls),
        events=round(move.events),
        observed=move.events / calls,
        expected=expected,
        low=max(0.0, expected - width),
        high=min(1.0, expected + width),
    )


def _detail(evidence: FindingEvidence, metric: Metric, change: FindingChange) -> str:
    series = evidence.series
    of = "all calls" if series.dimension is Dimension.TENANT else f"{_dimension(series)} {series.value}"
    usual = (
        f"usually {_per_cent(evidence.expected)} ({_per_cent(evidence.low)} to {_per_cent(evidence.high)})"
    )
    if change is FindingChange.RECOVERED:
        return f"{_WORDS[metric]} of {of} is {usual} again"
    since = utc_text(evidence.from_us)[:_MINUTE].replace("T", " ")
    observed = f"{_per_cent(evidence.observed)} ({evidence.events:,} of {counted(evidence.calls, 'call')})"
    return f"{_WORDS[metric]} of {of}: {observed} since {since} UTC, {usual}"


def _per_cent(rate: float) -> str:
    return f"{100 * rate:.1f} %"


def _listed(evidence: FindingEvidence, metric: Metric | None) -> dict[str, str]:
    """Return the parameters that list the calls. Calls that end in the window may start before it."""
    listed = {"from": utc_text(evidence.from_us), "to": utc_text(evidence.to_us)}
    if evidence.series.dimension is not Dimension.TENANT:
        listed[evidence.series.dimension.value] = evidence.series.value
    if metric is not None and metric in STATUS_FILTERS:
        listed["status"] = STATUS_FILTERS[metric]
    return listed


class SilentSeries(NamedTuple):
    """A silent series: its index, the start, the missed calls, and the excess over the limit."""

    series: int
    since: int
    missed: float
    over: float


def silence_finding(
    names: SeriesNames, silent: SilentSeries, change: FindingChange, at_us: int
) -> AlertFinding:
    """Return the finding of a silence at the end of the step `at_us`."""
    series = names.keys[silent.series]
    since_us, width = silent.since * STEP_US, _NORMAL_95 * silent.missed**0.5
    evidence = FindingEvidence(
        series=series,
        metric=None,
        from_us=since_us,
        to_us=at_us + STEP_US,
        calls=0,
        events=0,
        observed=0.0,
        expected=silent.missed,
        low=max(0.0, silent.missed - width),
        high=silent.missed + width,
    )
    of = "all routes" if series.dimension is Dimension.TENANT else f"{_dimension(series)} {series.value}"
    since = utc_text(since_us)[:_MINUTE].replace("T", " ")
    began = f"No calls of {of} since {since} UTC; about {silent.missed:.0f} were expected"
    return AlertFinding(
        kind=AlertKind.SILENCE,
        change=change,
        series=series,
        metric=None,
        direction=ChangeDirection.DOWN,
        since_us=since_us,
        found_us=at_us + STEP_US,
        evidence=evidence,
        detail=began if change is FindingChange.BEGAN else f"Calls of {of} have resumed",
        sureness=silent.over,
        false_alarms_a_week=chance_a_week(silent.over, names.budget_a_week),
        budget_a_week=names.budget_a_week,
        listed=_listed(evidence, None),
    )


def _dimension(series: SeriesKey) -> str:
    return series.dimension.replace("_", " ")
