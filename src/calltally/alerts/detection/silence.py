"""Detection of silence: a series without calls for longer than chance explains.

Calls arrive as an over-dispersed Poisson stream with a profile over 48 hours (a working day and a day off).
The expected calls since the last one are added up; the chance of none is that of a negative binomial.
"""

from typing import Final

import numpy as np

from calltally.alerts.detection.signals import Flags, Floats, Ints

_BINS: Final = 48
_HOURS_A_WEEK: Final = 168
_STEPS_AN_HOUR: Final = 12
# Remaining weight of a bin after its next hour, and of the dispersion after an hour.
_BIN_DECAY: Final = 0.9
_DISPERSION_DECAY: Final = 0.5 ** (1 / (14 * 24))
_LEAST_DISPERSION, _MOST_DISPERSION = 0.02, 2.0
_PRIOR_DISPERSION: Final = 0.2
_PRIOR_HOURS: Final = 24.0
# Share of the allowed false alarms that may be silences.
_SHARE: Final = 0.1
# A silence of this length is accepted as usual, and its series is learned again as one without calls.
_ACCEPTED_HOURS: Final = 10 * 24


class SilenceMonitor:
    """State of all series: call `step` for each step, and `end_hour` at the end of an hour."""

    def __init__(self, series: int) -> None:
        self.volume, self.weight = np.zeros((_BINS, series)), np.zeros((_BINS, series))
        self.squares, self.usual_squares = np.zeros(series), np.zeros(series)
        self.started, self.missed = np.zeros(series), np.zeros(series)
        self.since = np.zeros(series, dtype=np.int64)
        self.alarmed = np.zeros(series, dtype=np.bool_)
        self.reported = np.zeros(series, dtype=np.bool_)
        self.quiet_hours = np.zeros(series, dtype=np.int64)

    def step(self, at: int, started: Floats, hour_bin: int, live: Flags) -> Flags:
        """Count the calls that started in a step. Returns the silent series that have calls again."""
        self.started += started
        has_calls = started > 0
        resumed = self.alarmed & has_calls
        self.since[has_calls] = at + 1
        self.missed = np.where(has_calls, 0.0, self.missed + self.volume[hour_bin] / _STEPS_AN_HOUR * live)
        self.alarmed &= ~has_calls
        return np.asarray(resumed)

    def evidence(self) -> Floats:
        """Return the evidence against chance for each series' silence, in natural logarithms."""
        dispersion = self._dispersion()
        return np.asarray(np.log1p(dispersion * self.missed) / dispersion)

    def threshold(self, false_alarms_a_week: float, enabled: Flags) -> float:
        """Return the limit of the evidence: each call starts a gap, so calls a week are chances a week."""
        calls_a_week = float(self.volume.mean(axis=0)[enabled].sum()) * _HOURS_A_WEEK
        return float(np.log1p(calls_a_week / (_SHARE * false_alarms_a_week)))

    def end_hour(self, hour_bin: int, learnable: Flags) -> Flags:
        """Learn from a finished hour. Returns the silences that are accepted as usual."""
        learned = learnable & ~self.alarmed
        usual, first = self.volume[hour_bin], self.weight[hour_bin] == 0
        has_prior = learned & ~first
        decay = np.where(has_prior, _DISPERSION_DECAY, 1.0)
        self.squares = self.squares * decay + np.where(has_prior, (self.started - usual) ** 2 - usual, 0.0)
        self.usual_squares = self.usual_squares * decay + np.where(has_prior, usual**2, 0.0)
        self.weight[hour_bin] = np.where(
            learned, self.weight[hour_bin] * _BIN_DECAY + 1, self.weight[hour_bin]
        )
        moved = (self.started - usual) / np.maximum(self.weight[hour_bin], 1.0)
        self.volume[hour_bin] = np.where(learned, usual + moved, usual)
        self.started[:] = 0.0
        self.quiet_hours = np.where(self.alarmed, self.quiet_hours + 1, 0)
        return self._accept()

    def _accept(self) -> Flags:
        accepted = np.asarray(self.quiet_hours >= _ACCEPTED_HOURS)
        self.volume[:, accepted], self.weight[:, accepted] = 0.0, 0.0
        self.missed[accepted] = 0.0
        self.alarmed &= ~accepted
        return accepted

    def _dispersion(self) -> Floats:
        """Return the factor by which hours are wider than Poisson, shrunk to a prior of one day."""
        mean_square = (self.volume**2).mean(axis=0)
        prior = _PRIOR_HOURS * mean_square
        spread = (self.squares + prior * _PRIOR_DISPERSION + 1e-9) / (self.usual_squares + prior + 1e-9)
        return np.asarray(np.clip(spread, _LEAST_DISPERSION, _MOST_DISPERSION))

    def fall(self, threshold: float, live: Flags, parents: Ints) -> Ints:
        """Return indexes of newly silent series, except those inside a silent one: they are its evidence."""
        self.alarmed |= live & (self.evidence() > threshold)
        began = self.alarmed & ~self.reported & ~_inside(self.alarmed, parents)
        self.reported |= began
        return np.flatnonzero(began)

    def recover(self, resumed: Flags) -> Ints:
        over = self.reported & resumed
        self.reported &= ~resumed
        return np.flatnonzero(over)


def _inside(alarmed: Flags, parents: Ints) -> Flags:
    """Return for each series whether one of its ancestors is alarmed."""
    inside = np.zeros_like(alarmed)
    ancestors = parents
    for _depth in range(len(np.unique(parents)) + 1):
        if (ancestors < 0).all():
            break
        inside |= (ancestors >= 0) & alarmed[np.maximum(ancestors, 0)]
        ancestors = np.where(ancestors >= 0, parents[np.maximum(ancestors, 0)], -1)
    return inside
