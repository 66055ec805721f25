"""Replay of past steps through a detector, for the alerts that other rules would have raised.

Pure: it takes steps and returns episodes. It learns from the weeks before the window but does not report
them.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import msgspec

from calltally.alerts.evaluation.evaluator import DetectorFactory
from calltally.alerts.evaluation.messages import alert_message
from calltally.alerts.evaluation.series_rollup import Rows, SeriesRollup
from calltally.alerts.model.finding import AlertFinding, FindingChange
from calltally.alerts.model.rules import Rules
from calltally.calls.alert_counts import STEP_S
from calltally.calls.times import SECOND_US, utc_text

LEARNING_S: Final = 28 * 86_400
_WEEK_S: Final = 7 * 86_400


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


class _Span(NamedTuple):
    from_s: int
    to_s: int


class BacktestReplay:
    """Replay of a window through one detector."""

    def __init__(self, name: str, rules: Rules, detectors: DetectorFactory, from_s: int, to_s: int) -> None:
        self._name = name
        self._rules = rules
        self._detector = detectors.new(rules)
        self._roll = SeriesRollup()
        self._span = _Span(from_s, to_s)
        self._open: dict[str, AlertFinding] = {}
        self._episodes: list[Episode] = []

    def feed(self, steps: Iterable[tuple[int, Rows]]) -> None:
        """Feed the next steps in their order."""
        for step_s, rows in steps:
            for finding in self._detector.feed(self._roll.step(step_s, rows)):
                self._take(finding)

    def result(self) -> Backtest:
        """Return the episodes; those without an end last to the end of the window."""
        lasting = [self._episode(finding, None) for finding in self._open.values()]
        episodes = sorted([*self._episodes, *lasting], key=lambda each: (each.found, each.cause))
        weeks = (self._span.to_s - self._span.from_s) / _WEEK_S
        return Backtest(self._name, episodes, weeks, len(episodes) / weeks if weeks else 0.0)

    def _take(self, finding: AlertFinding) -> None:
        if finding.change is FindingChange.BEGAN and finding.found_us >= self._span.from_s * SECOND_US:
            self._open.setdefault(finding.key, finding)
        elif finding.change is FindingChange.RECOVERED and finding.key in self._open:
            self._episodes.append(self._episode(self._open.pop(finding.key), finding.found_us))

    def _episode(self, finding: AlertFinding, ended_us: int | None) -> Episode:
        until_us = ended_us if ended_us is not None else self._span.to_s * SECOND_US
        return Episode(
            cause=finding.key,
            dimension=finding.series.dimension.value,
            series=finding.series.value,
            metric=None if finding.metric is None else finding.metric.value,
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
