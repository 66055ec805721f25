"""What is alarmed and gets far worse: an open alert of a little must not hide a collapse.

Of each cell that is alarmed it is known what change was told: that of its first hour. From then on a sum adds
up how much likelier the calls are under a change that is larger by a step than under what was told.
"""

from typing import Final, NamedTuple

import numpy as np

from calltally.alerts.detection.baseline import Usual
from calltally.alerts.detection.cusum import change_of
from calltally.alerts.detection.signals import (
    LOOKS,
    METRIC_OF_LOOK,
    SIGN_OF_LOOK,
    Flags,
    Floats,
    Ints,
    Trials,
    softplus,
)

# What unfolds within an hour of being told is what was told.
_UNFOLDS_STEPS: Final = 12
# By how much more the odds change, on the logit: 4.5 times again.
_STEP: Final = 1.5
_MOST_CHANGE: Final = 12.0


class Counted(NamedTuple):
    """Cells that got worse: which, since which step, and what was counted since."""

    look: Ints
    series: Ints
    since: Ints
    calls: Floats
    events: Floats
    expected: Floats
    sums: Floats


class Worsening:
    """State of all cells, shape (looks, series): what was told of them, the sums, and the counts behind."""

    def __init__(self, series: int) -> None:
        shape = (len(LOOKS), series)
        self.told, self.sums = np.zeros(shape), np.zeros(shape)
        self.at, self.since = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        self.calls, self.events, self.expected = np.zeros(shape), np.zeros(shape), np.zeros(shape)

    def begin(self, look: Ints, series: Ints, at: int, change: Floats) -> None:
        """Cells are alarmed, of a change on the logit."""
        place = look, series
        self.told[place], self.at[place] = np.abs(change), at
        self._restart(place, at + 1)

    def step(self, at: int, trials: Trials, usual: Usual, going: Flags) -> None:
        """Take in a step of the cells that are `going`: alarmed, and to be judged."""
        look, series = np.nonzero(going)
        if not len(look):
            return
        place = look, series
        calls, events = (each[METRIC_OF_LOOK[look], series] for each in trials)
        rate = usual.rate[METRIC_OF_LOOK[look], series]
        for held, added in ((self.calls, calls), (self.events, events), (self.expected, calls * rate)):
            held[place] += added
        # Of what was alarmed by a version that did not remember, nobody knows what was told.
        is_told = (self.at[place] > 0) & (at - self.at[place] > _UNFOLDS_STEPS)
        gained = self._gained(place, usual, (calls, events))
        self.sums[place] = np.where(is_told, np.maximum(self.sums[place] + gained, 0.0), 0.0)
        self._settle(at, place)
        quiet = is_told & (self.sums[place] <= 0)
        self._restart((look[quiet], series[quiet]), at + 1)

    def _gained(self, place: tuple[Ints, Ints], usual: Usual, seen: tuple[Floats, Floats]) -> Floats:
        calls, events = seen
        look, series = place
        metric, sign = METRIC_OF_LOOK[look], SIGN_OF_LOOK[look, 0]
        told = usual.logit[metric, series] + sign * self.told[place]
        lost = softplus(told + sign * _STEP) - softplus(told)
        return np.asarray((events * sign * _STEP - calls * lost) / usual.spread.hour[metric, series])

    def _settle(self, at: int, place: tuple[Ints, Ints]) -> None:
        """At the end of the hour in which it unfolds: what was told, or what it has come to."""
        due = at - self.at[place] == _UNFOLDS_STEPS
        if not due.any():
            return
        look, series = (each[due] for each in place)
        seen = change_of(self.calls[look, series], self.events[look, series], self.expected[look, series])
        change = np.maximum(self.told[look, series], SIGN_OF_LOOK[look, 0] * seen)
        self.told[look, series] = np.clip(change, 0.0, _MOST_CHANGE)
        self._restart((look, series), at + 1)

    def _restart(self, place: tuple[Ints, Ints], at: int) -> None:
        for held in (self.sums, self.calls, self.events, self.expected):
            held[place] = 0.0
        self.since[place] = at

    def over(self, limit: float, going: Flags) -> Counted:
        """The cells whose sum is over a limit."""
        place = look, series = np.nonzero(going & (self.sums > limit))
        counts = (self.calls[place], self.events[place], self.expected[place], self.sums[place])
        return Counted(look, series, self.since[place], *counts)
