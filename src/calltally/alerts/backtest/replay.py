"""Replay of past steps through a detector, for the alerts that other rules would have raised.

Pure: it takes steps and returns episodes. It learns from the weeks before the window but does not report
them.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import msgspec

from calltally.alerts.detection.factory import DetectorFactory
from calltally.alerts.evaluation.rate_messages import alert_message
from calltally.alerts.evaluation.series_rollup import Rows, SeriesRollup, sum_by_series
from calltally.alerts.model.finding import AlertFinding, FindingChange
from calltally.alerts.model.rules import Rules
from calltally.alerts.model.series import COLUMN_INDEX, RATES, STEP_COLUMNS, Metric, SeriesKey, StepColumn
from calltally.calls.alert_counts import STEP_S
from calltally.calls.times import SECOND_US, utc_text

LEARNING_S: Final = 28 * 86_400
_WEEK_S: Final = 7 * 86_400
HOUR_S: Final = 3_600
_NONE: Final = (0,) * len(STEP_COLUMNS)


class Episode(msgspec.Struct, frozen=True):
    """One alert that would have fired: its start by the evidence, its detection, and its end (null: none).

    `dimension`, `series` and `metric` identify its subject; `metric` is null if it concerns no rate.
    """

    cause: str
    dimension: str
    series: str
    metric: str | None
    message: str
    since: str
    found: str
    ended: str | None
    minutes: int


class Backtest(msgspec.Struct, frozen=True):
    """Result of one set of rules over a window."""

    name: str
    episodes: list[Episode]
    weeks: float
    a_week: float


class BacktestReplay:
    """Replay of a window through one detector."""

    def __init__(self, name: str, rules: Rules, detectors: DetectorFactory, from_s: int, to_s: int) -> None:
        self._name = name
        self._rules = rules
        self._detector = detectors.new(rules)
        self._roll = SeriesRollup()
        self._from_s, self._to_s = from_s, to_s
        self._open: dict[str, AlertFinding] = {}
        self._episodes: list[Episode] = []

    def feed(self, steps: Iterable[tuple[int, Rows]]) -> None:
        for step_s, rows in steps:
            for finding in self._detector.feed(self._roll.step(step_s, rows)):
                if finding.change is FindingChange.BEGAN and finding.found_us >= self._from_s * SECOND_US:
                    self._open.setdefault(finding.key, finding)
                elif finding.change is FindingChange.RECOVERED and finding.key in self._open:
                    self._episodes.append(self._episode(self._open.pop(finding.key), finding.found_us))

    def result(self) -> Backtest:
        """Return the episodes; those without an end last to the end of the window."""
        lasting = [self._episode(finding, None) for finding in self._open.values()]
        episodes = sorted([*self._episodes, *lasting], key=lambda each: (each.found, each.cause))
        weeks = (self._to_s - self._from_s) / _WEEK_S
        return Backtest(self._name, episodes, weeks, len(episodes) / weeks if weeks else 0.0)

    def _episode(self, finding: AlertFinding, ended_us: int | None) -> Episode:
        until_us = self._to_s * SECOND_US if ended_us is None else ended_us
        return Episode(
            cause=finding.key,
            dimension=finding.series.dimension.value,
            series=finding.series.value,
            metric=finding.metric and finding.metric.value,
            message=alert_message(finding, self._rules.tz),
            since=utc_text(finding.since_us),
            found=utc_text(finding.found_us),
            ended=None if ended_us is None else utc_text(ended_us),
            minutes=max(0, until_us - finding.found_us) // (60 * SECOND_US),
        )


def steps_in_order(steps: Mapping[int, Rows], lo_s: int, hi_s: int) -> Iterable[tuple[int, Rows]]:
    """Yield each step of a span, also those without calls, because their silence matters too."""
    for step_s in range(lo_s, hi_s, STEP_S):
        yield step_s, steps.get(step_s, {})


class HourlyPoint(NamedTuple):
    """Value of a series from an instant on: its rate, or its calls if there is no metric.

    None means a rate without calls.
    """

    at_s: int
    value: float | None


class HourlyCounts:
    """Counts of every series of a window by the hour; only hours with calls take memory."""

    def __init__(self, from_s: int, to_s: int) -> None:
        self._from_s = from_s
        self._to_s = to_s
        self._cells: dict[SeriesKey, dict[int, list[int]]] = {}

    def add(self, steps: Iterable[tuple[int, Rows]]) -> None:
        """Add steps of five minutes; steps outside the window are ignored."""
        for step_s, rows in steps:
            if self._from_s <= step_s < self._to_s:
                for series, cells in sum_by_series(rows).items():
                    hours = self._cells.setdefault(series, {})
                    hour_s = step_s - step_s % HOUR_S
                    hours[hour_s] = [a + b for a, b in zip(hours.get(hour_s, _NONE), cells, strict=True)]

    def points(self, series: SeriesKey, metric: Metric | None, max_points: int) -> list[HourlyPoint]:
        """Return a series over the whole window, in at most `max_points` spans of equal whole hours."""
        first_s = self._from_s - self._from_s % HOUR_S
        hours = -(-(self._to_s - first_s) // HOUR_S)
        width_s = max(1, -(-hours // max_points)) * HOUR_S
        starts_s = range(first_s, self._to_s, width_s)
        return [HourlyPoint(at_s, self._value(series, metric, at_s, width_s)) for at_s in starts_s]

    def _value(self, series: SeriesKey, metric: Metric | None, at_s: int, width_s: int) -> float | None:
        hours = self._cells.get(series, {})
        cells = [hours[hour_s] for hour_s in range(at_s, at_s + width_s, HOUR_S) if hour_s in hours]

        def total(count: StepColumn) -> int:
            return sum(each[COLUMN_INDEX[count]] for each in cells)

        if metric is None:
            return float(total(StepColumn.STARTED))
        rate = RATES[metric]
        return total(rate.numerator) / total(rate.denominator) if total(rate.denominator) else None
