"""Silence: a series that should have calls, and has had none for longer than chance explains.

Calls come as an over-dispersed Poisson stream with a profile over 48 hours (a working day and a day off). How
many should have come since the last one is added up, and the chance of none is that of a negative binomial.
"""

from typing import Final

import numpy as np

from calltally.alerts.detection.signals import Flags, Floats, Ints

_BINS: Final = 48
_HOURS_A_WEEK: Final = 168
_STEPS_AN_HOUR: Final = 12
# What is left of a bin's weight after it was seen again; and of the dispersion's after an hour.
_KEPT: Final = 0.9
_DISPERSION_KEPT: Final = 0.5 ** (1 / (14 * 24))
_LEAST_DISPERSION, _MOST_DISPERSION = 0.02, 2.0
_PRIOR_DISPERSION: Final = 0.2
_PRIOR_HOURS: Final = 24.0
# Of the false alarms that are allowed, so many may be silences.
_SHARE: Final = 0.1
# After so long a silence is how it is: the series is learned anew, as one without calls.
_ACCEPTED_HOURS: Final = 10 * 24


class Silence:
    """State of all series: feed it `step` by step, `end_hour` where an hour is over."""

    def __init__(self, series: int) -> None:
        self.volume, self.weight = np.zeros((_BINS, series)), np.zeros((_BINS, series))
        self.squares, self.means = np.zeros(series), np.zeros(series)
        self.started, self.missed = np.zeros(series), np.zeros(series)
        self.since = np.zeros(series, dtype=np.int64)
        self.alarmed = np.zeros(series, dtype=np.bool_)
        self.told = np.zeros(series, dtype=np.bool_)
        self.quiet_hours = np.zeros(series, dtype=np.int64)

    def step(self, at: int, started: Floats, hour_bin: int, live: Flags) -> Flags:
        """Take in a step's beginnings of calls. Returns which series have calls again."""
        self.started += started
        has_calls = started > 0
        back = self.alarmed & has_calls
        self.since[has_calls] = at + 1
        self.missed = np.where(has_calls, 0.0, self.missed + self.volume[hour_bin] / _STEPS_AN_HOUR * live)
        self.alarmed &= ~has_calls
        return np.asarray(back)

    def evidence(self) -> Floats:
        """For each series, by how many natural logarithms chance speaks against its silence."""
        dispersion = self._dispersion()
        return np.asarray(np.log1p(dispersion * self.missed) / dispersion)

    def threshold(self, false_alarms_a_week: float, watched: Flags) -> float:
        """Each call is followed by a gap that might be the one: so many chances a week."""
        calls_a_week = float(self.volume.mean(axis=0)[watched].sum()) * _HOURS_A_WEEK
        return float(np.log1p(calls_a_week / (_SHARE * false_alarms_a_week)))

    def end_hour(self, hour_bin: int, learnable: Flags) -> Flags:
        """Learn from an hour that is over. Returns which silences are taken for how it is now."""
        learned = learnable & ~self.alarmed
        usual, first = self.volume[hour_bin], self.weight[hour_bin] == 0
        known = learned & ~first
        kept = np.where(known, _DISPERSION_KEPT, 1.0)
        self.squares = self.squares * kept + np.where(known, (self.started - usual) ** 2 - usual, 0.0)
        self.means = self.means * kept + np.where(known, usual**2, 0.0)
        self.weight[hour_bin] = np.where(learned, self.weight[hour_bin] * _KEPT + 1, self.weight[hour_bin])
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
        """How much wider than Poisson the hours are, shrunk to a guess as if it had been seen for a day."""
        mean_square = (self.volume**2).mean(axis=0)
        prior = _PRIOR_HOURS * mean_square
        spread = (self.squares + prior * _PRIOR_DISPERSION + 1e-9) / (self.means + prior + 1e-9)
        return np.asarray(np.clip(spread, _LEAST_DISPERSION, _MOST_DISPERSION))

    def fall(self, threshold: float, live: Flags, parents: Ints) -> Ints:
        """Places of series that fell silent, but for those inside one that is: they are its evidence."""
        self.alarmed |= live & (self.evidence() > threshold)
        began = self.alarmed & ~self.told & ~_inside(self.alarmed, parents)
        self.told |= began
        return np.flatnonzero(began)

    def recover(self, back: Flags) -> Ints:
        """Of those that have calls again, the places of the ones that were told."""
        over = self.told & back
        self.told &= ~back
        return np.flatnonzero(over)


def _inside(alarmed: Flags, parents: Ints) -> Flags:
    """Whether each series lies in one that is alarmed."""
    inside = np.zeros_like(alarmed)
    above = parents
    for _depth in range(len(np.unique(parents)) + 1):
        if (above < 0).all():
            break
        inside |= (above >= 0) & alarmed[np.maximum(above, 0)]
        above = np.where(above >= 0, parents[np.maximum(above, 0)], -1)
    return inside
