"""Findings of rates, in words and numbers that a person can check."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from calltally.alerts.detection.incident import Cause, Moved
from calltally.alerts.detection.signals import LOOKS, SPEEDS
from calltally.alerts.detection.thresholds import chance_a_week
from calltally.alerts.model.finding import (
    PARAMETER,
    STATUS_LISTED,
    Change,
    Direction,
    Evidence,
    Finding,
    Kind,
)
from calltally.alerts.model.series import STEP_US, Dimension, Metric, SeriesKey
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
# So many children are named as evidence: the ones that moved most.
_CHILDREN: Final = 20


class Names(NamedTuple):
    """What places in a table stand for, and the budget that all was judged by."""

    keys: tuple[SeriesKey, ...]
    budget_a_week: float


def finding(names: Names, cause: Cause, change: Change, at_us: int) -> Finding:
    """What is told of a cause at the end of the step `at_us`."""
    head, look = cause.head, LOOKS[cause.head.cell.look]
    shown = _evidence(names, head, head.at * STEP_US if change is Change.RECOVERED else at_us)
    finer = sorted(cause.members, key=lambda moved: -abs(moved.excess))[:_CHILDREN]
    return Finding(
        kind=Kind.RATE,
        change=change,
        series=shown.series,
        metric=look.metric,
        direction=look.direction,
        since_us=shown.from_us,
        found_us=at_us + STEP_US,
        evidence=shown,
        detail=_sentence(shown, look.metric, change),
        sureness=head.sum,
        false_alarms_a_week=chance_a_week(head.sum - head.threshold, names.budget_a_week),
        budget_a_week=names.budget_a_week,
        speed=SPEEDS[head.speed],
        children=tuple(_evidence(names, moved, moved.at * STEP_US) for moved in finer),
        listed=_listed(shown, look.metric),
    )


def _evidence(names: Names, moved: Moved, at_us: int) -> Evidence:
    calls = max(moved.calls, 1.0)
    expected, width = moved.expected / calls, _NORMAL_95 * moved.variance**0.5 / calls
    return Evidence(
        series=names.keys[moved.cell.series],
        metric=LOOKS[moved.cell.look].metric,
        from_us=moved.since * STEP_US,
        to_us=at_us + STEP_US,
        calls=round(moved.calls),
        events=round(moved.events),
        observed=moved.events / calls,
        expected=expected,
        low=max(0.0, expected - width),
        high=min(1.0, expected + width),
    )


def _sentence(shown: Evidence, metric: Metric, change: Change) -> str:
    series = shown.series
    of = "all calls" if series.dimension is Dimension.TENANT else f"{_dimension(series)} {series.value}"
    usual = f"usually {_per_cent(shown.expected)} ({_per_cent(shown.low)} to {_per_cent(shown.high)})"
    if change is Change.RECOVERED:
        return f"{_WORDS[metric]} of {of} is {usual} again"
    since = utc_text(shown.from_us)[:_MINUTE].replace("T", " ")
    seen = f"{_per_cent(shown.observed)} ({shown.events} of {shown.calls} calls)"
    return f"{_WORDS[metric]} of {of}: {seen} since {since} UTC, {usual}"


def _per_cent(rate: float) -> str:
    return f"{100 * rate:.1f} %"


def _listed(shown: Evidence, metric: Metric | None) -> dict[str, str]:
    """The calls behind it: final calls end in the window, and began a little before."""
    listed = {"from": utc_text(shown.from_us), "to": utc_text(shown.to_us)}
    if shown.series.dimension in PARAMETER:
        listed[PARAMETER[shown.series.dimension]] = shown.series.value
    if metric is not None and metric in STATUS_LISTED:
        listed["status"] = STATUS_LISTED[metric]
    return listed


class Quiet(NamedTuple):
    """A series without calls: its place, since when, how many should have come, how far over the limit."""

    series: int
    since: int
    missed: float
    over: float


def silence_finding(names: Names, quiet: Quiet, change: Change, at_us: int) -> Finding:
    """What is told of a silence at the end of the step `at_us`."""
    series = names.keys[quiet.series]
    since_us, width = quiet.since * STEP_US, _NORMAL_95 * quiet.missed**0.5
    shown = Evidence(
        series=series,
        metric=None,
        from_us=since_us,
        to_us=at_us + STEP_US,
        calls=0,
        events=0,
        observed=0.0,
        expected=quiet.missed,
        low=max(0.0, quiet.missed - width),
        high=quiet.missed + width,
    )
    of = "all routes" if series.dimension is Dimension.TENANT else f"{_dimension(series)} {series.value}"
    since = utc_text(since_us)[:_MINUTE].replace("T", " ")
    said = f"No call of {of} since {since} UTC; about {quiet.missed:.0f} should have come"
    return Finding(
        kind=Kind.SILENCE,
        change=change,
        series=series,
        metric=None,
        direction=Direction.DOWN,
        since_us=since_us,
        found_us=at_us + STEP_US,
        evidence=shown,
        detail=said if change is Change.BEGAN else f"Calls of {of} come again",
        sureness=quiet.over,
        false_alarms_a_week=chance_a_week(quiet.over, names.budget_a_week),
        budget_a_week=names.budget_a_week,
        listed=_listed(shown, None),
    )


def _dimension(series: SeriesKey) -> str:
    return series.dimension.replace("_", " ")
