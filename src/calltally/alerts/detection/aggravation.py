"""Detection of an alarmed cell that gets far worse, so that a small open alert does not hide a collapse.

Each alarmed cell has a reported change: the change of its first hour. From then on, a sum adds up the
log-likelihood ratio of a change that is larger by `_STEP` against the reported change.
"""

from typing import Final, NamedTuple

import numpy as np

from calltally.alerts.detection.baseline import UsualRates
from calltally.alerts.detection.cusum import logit_change
from calltally.alerts.detection.signals import (
    METRIC_OF_SIGNAL,
    SIGN_OF_SIGNAL,
    SIGNALS,
    Flags,
    Floats,
    Ints,
    Trials,
    softplus,
)

# A change that unfolds within an hour of the report counts as the reported change.
_UNFOLDS_STEPS: Final = 12
# Additional change of the odds, on the logit: a factor of 4.5.
_STEP: Final = 1.5
_MOST_CHANGE: Final = 12.0


class CountedCells(NamedTuple):
    """Cells that got worse, the step since when, and their counts since then."""

    signal: Ints
    series: Ints
    since: Ints
    calls: Floats
    events: Floats
    expected: Floats
    sums: Floats


class Aggravation:
    """State of all cells, shape (signals, series): the reported changes, the sums and their counts."""

    def __init__(self, series: int) -> None:
        shape = (len(SIGNALS), series)
        self.reported, self.sums = np.zeros(shape), np.zeros(shape)
        self.at, self.since = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        self.calls, self.events, self.expected = np.zeros(shape), np.zeros(shape), np.zeros(shape)

    def begin(self, signal: Ints, series: Ints, at: int, change: Floats) -> None:
        """Record newly alarmed cells with their change on the logit."""
        index = signal, series
        self.reported[index], self.at[index] = np.abs(change), at
        self._restart(index, at + 1)

    def step(self, at: int, trials: Trials, usual: UsualRates, active: Flags) -> None:
        """Add a step for the `active` cells, which are alarmed and may be judged."""
        signal, series = np.nonzero(active)
        if not len(signal):
            return
        index, metric_index = (signal, series), (METRIC_OF_SIGNAL[signal], series)
        calls, events = (each[metric_index] for each in trials)
        rate, sign = usual.rate[metric_index], SIGN_OF_SIGNAL[signal, 0]
        for total, added in ((self.calls, calls), (self.events, events), (self.expected, calls * rate)):
            total[index] += added
        # The reported change is unknown for cells that an older version of the state alarmed.
        is_reported = (self.at[index] > 0) & (at - self.at[index] > _UNFOLDS_STEPS)
        reported = usual.logit[metric_index] + sign * self.reported[index]
        lost = softplus(reported + sign * _STEP) - softplus(reported)
        ratios = (events * sign * _STEP - calls * lost) / usual.spread.hour[metric_index]
        self.sums[index] = np.where(is_reported, np.maximum(self.sums[index] + ratios, 0.0), 0.0)
        self._settle(at, index)
        calm = is_reported & (self.sums[index] <= 0)
        self._restart((signal[calm], series[calm]), at + 1)

    def _settle(self, at: int, index: tuple[Ints, Ints]) -> None:
        """Take the larger of the reported and the observed change, at the end of the first hour."""
        due = at - self.at[index] == _UNFOLDS_STEPS
        if not due.any():
            return
        signal, series = (each[due] for each in index)
        observed = logit_change(
            self.calls[signal, series], self.events[signal, series], self.expected[signal, series]
        )
        change = np.maximum(self.reported[signal, series], SIGN_OF_SIGNAL[signal, 0] * observed)
        self.reported[signal, series] = np.clip(change, 0.0, _MOST_CHANGE)
        self._restart((signal, series), at + 1)

    def _restart(self, index: tuple[Ints, Ints], at: int) -> None:
        for total in (self.sums, self.calls, self.events, self.expected):
            total[index] = 0.0
        self.since[index] = at

    def exceeding(self, limit: float, active: Flags) -> CountedCells:
        index = signal, series = np.nonzero(active & (self.sums > limit))
        counts = (self.calls[index], self.events[index], self.expected[index], self.sums[index])
        return CountedCells(signal, series, self.since[index], *counts)
