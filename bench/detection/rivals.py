"""Common detectors: a static threshold, and a percentage against the same hour a week before.

Both look at each route's last hour every quarter of an hour, at all rates, where it has 30 calls or more.
Each has one strictness for all of its limits, and is scored at several, so that it can be compared at equal
false alarms. An alert opens for a route where none of its rates was over its limit in the hour before.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from bench.detection.labelled import LabelledMonth
from bench.detection.replaying import Alert
from bench.detection.scoring import Score, Tally
from calltally.alerts.detection.signals import (
    DENOMINATORS,
    METRIC_OF_SIGNAL,
    NUMERATORS,
    SIGN_OF_SIGNAL,
    Flags,
    Floats,
)
from calltally.alerts.model.series import STEPS_AN_HOUR

_LEAST_CALLS: Final = 30
_EVERY: Final = 3
_A_WEEK: Final = 2016 // _EVERY
_AN_HOUR: Final = STEPS_AN_HOUR // _EVERY
# Limits in standard deviations over all routes and hours of the tenant's history.
_STRICTNESS: Final = tuple(float(each) for each in np.geomspace(1.5, 120.0, 29))
STATIC: Final = "static limit"
WEEKDAY: Final = "same weekday %"


class _Observation(NamedTuple):
    """The rates of the hour before each quarter, and whether they count, (times, looks, routes)."""

    rate: Floats
    counts: Flags


class Rivals:
    """Both rules at every strictness, over as many months as are added."""

    def __init__(self) -> None:
        self._tallies = {(name, limit): Tally(name) for name in (STATIC, WEEKDAY) for limit in _STRICTNESS}

    def add(self, months: Sequence[LabelledMonth]) -> None:
        """Return the alerts of these detectors in some months."""
        for month in months:
            observed = _observe(month)
            history = month.first_step // _EVERY
            scores = {STATIC: _static(observed, history), WEEKDAY: _weekday(observed, history)}
            for (name, limit), tally in self._tallies.items():
                tally.add([month], _alerts(month, scores[name] > limit))

    def join(self, other: "Rivals") -> None:
        """Add what others have counted, of other months."""
        for key, tally in self._tallies.items():
            tally.join(other._tallies[key])  # noqa: SLF001 - of its own class

    def at(self, false_alarms_a_week: float) -> list[Score]:
        """Each at the strictness that comes nearest to so many from below; else at its strictest."""
        found = []
        for name in (STATIC, WEEKDAY):
            scores = [tally.score() for (own, _limit), tally in self._tallies.items() if own == name]
            below = [score for score in scores if score.false_alarms_a_week <= false_alarms_a_week]
            found.append(max(below, key=lambda score: score.false_alarms_a_week) if below else scores[-1])
        return found


def _observe(month: LabelledMonth) -> _Observation:
    """Rates of the last hour, every quarter of one; the first is of the first hour."""
    quarters = month.steps.reshape(-1, _EVERY, *month.steps.shape[1:]).sum(axis=1, dtype=np.int32)
    times = len(quarters) - _AN_HOUR + 1
    hour = quarters[:times].copy()
    for later in range(1, _AN_HOUR):
        hour += quarters[later : later + times]
    calls, events = hour[:, DENOMINATORS][:, METRIC_OF_SIGNAL], hour[:, NUMERATORS][:, METRIC_OF_SIGNAL]
    rate = np.clip((events + 0.25) / (calls + 0.5), 1e-3, 1 - 1e-3)
    return _Observation(np.asarray(rate), np.asarray(calls >= _LEAST_CALLS))


def _static(observed: _Observation, history: int) -> Floats:
    """How far each rate is beyond the middle of all routes, (times, routes): the worst of them."""
    logit = np.log(observed.rate / (1 - observed.rate))
    middle, width = _middle_and_width(logit[:history], observed.counts[:history])
    return _worst(SIGN_OF_SIGNAL * (logit - middle) / width, observed.counts)


def _weekday(observed: _Observation, history: int) -> Floats:
    """By how many per cent each rate differs from a week before; an answer rate by what it lacks."""
    rate = np.where(SIGN_OF_SIGNAL > 0, observed.rate, 1 - observed.rate)
    change = np.zeros_like(rate)
    change[_A_WEEK:] = rate[_A_WEEK:] / rate[:-_A_WEEK] - 1
    counts = observed.counts.copy()
    counts[_A_WEEK:] &= observed.counts[:-_A_WEEK]
    counts[:_A_WEEK] = False
    middle, width = _middle_and_width(change[:history], counts[:history])
    return _worst((change - middle) / width, counts)


def _middle_and_width(values: Floats, counts: Flags) -> tuple[Floats, Floats]:
    """Of each look, over routes and times."""
    number = np.maximum(counts.sum(axis=(0, 2)), 1)[:, None]
    middle = (values * counts).sum(axis=(0, 2))[:, None] / number
    variance = ((values - middle) ** 2 * counts).sum(axis=(0, 2))[:, None] / number
    return middle, np.sqrt(np.maximum(variance, 1e-9))


def _worst(beyond: Floats, counts: Flags) -> Floats:
    return np.asarray(np.where(counts, beyond, -np.inf).max(axis=1))


def _alerts(month: LabelledMonth, over: Flags) -> list[Alert]:
    """One for each route and time at which it is over its limit and was not in the hour before."""
    before = np.zeros_like(over)
    for lag in range(1, _AN_HOUR + 1):
        before[lag:] |= over[:-lag]
    size = month.tenant.size
    first_route = 1 + size.providers + size.agents
    times, routes = np.nonzero(over & ~before)
    return [
        Alert(0, int(time) * _EVERY + STEPS_AN_HOUR, first_route + int(route), 0, 0, int(time) * _EVERY)
        for time, route in zip(times, routes, strict=True)
    ]
