"""The judge of all series at once: what is usual, the sums, what is alarmed, and the way back.

It knows nothing of names, findings or causes: places in arrays in, places in arrays out. So one tenant is
judged by it as well as a hundred months of `bench.detection` side by side.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from calltally.alerts.detection.aggravation import Counted, Worsening
from calltally.alerts.detection.baseline import Baseline, Seen, Usual
from calltally.alerts.detection.cusum import Sums, Weights, change_of, weights
from calltally.alerts.detection.incident import Cell, Moved
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

# A return to the usual has to be e^5, 150 times, likelier than that it goes on.
_RECOVERED: Final = 5.0
# The size of a change is estimated when it looks its largest: the way back is measured from less.
_DISCOUNT: Final = 0.7
_LEAST_BACK: Final = 0.3
# No verdict on fewer events than this beyond the usual, nor on a fall of what hardly ever happens.
_LEAST_EVENTS: Final = 5.0
_LEAST_FALL: Final = 0.02
# Each hour of the week has to be seen twice before there is a verdict: the first time shows its own noise.
_MATURE_HOURS: Final = 14 * 24
_ACCEPTED_HOURS: Final = 10 * 24


class Watch:
    """Feed it `begin_hour`, twelve `step`s and `end_hour`, and `end_day` where a day ends."""

    def __init__(self, baseline: Baseline, threshold: Floats, least_calls: int) -> None:
        tenant_of = baseline.tenant_of
        series = len(tenant_of)
        self.baseline = baseline
        self.threshold, self.least_calls = threshold[:, None, None], least_calls
        self.sums, self.worsening = Sums(series), Worsening(series)
        shape = (len(LOOKS), series)
        self.alarmed = np.zeros(shape, dtype=np.bool_)
        self.back, self.back_change = np.zeros(shape), np.zeros(shape)
        self.alarmed_hours = np.zeros(shape, dtype=np.int64)
        self.hour_alarmed = np.zeros(series, dtype=np.bool_)
        self.mature = np.zeros(series, dtype=np.bool_)
        self.can_move = np.ones(shape, dtype=np.bool_)
        self.seen: Seen
        self.usual: Usual
        self.weights: Weights

    def begin_hour(self, hour_of_week: Ints) -> None:
        """What is usual in it, and what its calls weigh."""
        self.resume(hour_of_week)
        self.hour_alarmed[:] = False

    def resume(self, hour_of_week: Ints) -> None:
        """The same in the middle of an hour, with what was learned before it."""
        self.usual = self.baseline.usual(hour_of_week)
        self.weights = weights(self.usual)
        self.mature = self.baseline.hours[0] >= _MATURE_HOURS
        self.can_move = (SIGN_OF_LOOK > 0) | (self.usual.rate[METRIC_OF_LOOK] >= _LEAST_FALL)
        self.seen = Seen(*(np.zeros(self.baseline.level.shape) for _ in Seen._fields))

    def step(self, at: int, trials: Trials, live: Flags) -> tuple[list[Moved], list[Cell]]:
        """Judge five minutes. `live` of shape (speeds, 1 or looks, series) says what may be judged."""
        self.count(trials)
        back = self._go_back(trials)
        judged = live & self.mature & self.can_move
        alarmed = self.alarmed & judged[0]
        self.worsening.step(at, trials, self.usual, alarmed)
        worse = self._worse(at, alarmed)
        self.sums.add(at, trials, self.weights, (judged, judged & ~self.alarmed))
        over = (self.sums.sums > self.threshold) & ~self.alarmed
        crossing = self._cross(at, over) if over.any() else []
        self.hour_alarmed |= self.alarmed.any(axis=0)
        return [*worse, *crossing], back

    def count(self, trials: Trials) -> None:
        """Take in five minutes to learn from, without a judgement."""
        seen, rate = self.seen, self.usual.rate
        expected = trials.calls * rate
        for held, added in zip(
            seen, (*trials, (trials.events - expected) ** 2, expected * (1 - rate)), strict=True
        ):
            np.add(held, added, out=held)

    def end_hour(self, hour_of_week: Ints, learnable: Flags) -> list[Cell]:
        """Learn from the hour, but for what is alarmed or is not `learnable`, shape (series,).

        Returns what is usual again because it has lasted for so long.
        """
        self.sums.settle(self.weights)
        allowed = np.broadcast_to(learnable & ~self.hour_alarmed, self.baseline.level.shape)
        self.baseline.learn(hour_of_week, self.usual, self.seen, allowed)
        return self._accept()

    def release(self, cells: Sequence[Cell]) -> None:
        """Take cells for usual again: judge them anew, from nothing."""
        look, series = np.array([cell.look for cell in cells]), np.array([cell.series for cell in cells])
        self.alarmed[look, series] = False
        self.sums.forget(look, series)

    def _accept(self) -> list[Cell]:
        """What has been alarmed for ten days is how it is now: its series is learned anew."""
        self.alarmed_hours = np.where(self.alarmed, self.alarmed_hours + 1, 0)
        old = np.asarray((self.alarmed_hours >= _ACCEPTED_HOURS).any(axis=0))
        if not old.any():
            return []
        look, series = np.nonzero(self.alarmed & old)
        self.alarmed[:, old] = False
        self.sums.forget(look, series)
        self.baseline.begin_again(old)
        return [Cell(int(a), int(b)) for a, b in zip(look, series, strict=True)]

    def _cross(self, at: int, over: Flags) -> list[Moved]:
        # Calls that end alike in clusters are fewer than they look.
        clusters = self.sums.calls / self.usual.spread.at_once[METRIC_OF_LOOK]
        over &= (self.sums.calls >= self.least_calls) & (clusters >= self.least_calls / 2)
        over &= np.abs(self.sums.events - self.sums.expected) >= _LEAST_EVENTS
        speed, look, series = np.nonzero(over)
        place = speed, look, series
        over[place] = self.sums.checked(place, self.weights) > self.threshold[speed, 0, 0]
        look, series = np.nonzero(over.any(axis=0))
        speed = over[:, look, series].argmax(axis=0)
        sums = self.sums
        place = speed, look, series
        counted = Counted(
            look,
            series,
            *(each[place] for each in (sums.since, sums.calls, sums.events, sums.expected, sums.sums)),
        )
        self._alarm(at, counted)
        self.alarmed[look, series] = True
        return self._moved(at, counted, speed)

    def _worse(self, at: int, alarmed: Flags) -> list[Moved]:
        """What is alarmed and got far worse than was told."""
        limit = float(self.threshold[0, 0, 0])
        counted = self.worsening.over(limit, alarmed)
        if not len(counted.look):
            return []
        self._alarm(at, counted)
        moved = self._moved(at, counted, np.zeros_like(counted.look))
        return [msgspec.structs.replace(each, is_worse=True) for each in moved]

    def _alarm(self, at: int, counted: Counted) -> None:
        """Remember what is told of some cells: the way back and the way on are measured from it."""
        look, series = counted.look, counted.series
        change = change_of(counted.calls, counted.events, counted.expected)
        sign = SIGN_OF_LOOK[look, 0]
        self.back_change[look, series] = sign * np.clip(_DISCOUNT * sign * change, _LEAST_BACK, 4.0)
        self.back[look, series] = 0.0
        self.worsening.begin(look, series, at, change)

    def _moved(self, at: int, counted: Counted, speed: Ints) -> list[Moved]:
        spread = self.usual.spread.hour[METRIC_OF_LOOK[counted.look], counted.series]
        return [
            Moved(
                cell=Cell(int(row.look), int(row.series)),
                speed=int(fast),
                since=int(row.since),
                at=at,
                calls=float(row.calls),
                events=float(row.events),
                expected=float(row.expected),
                spread=float(wide),
                sum=float(row.sums),
                threshold=float(self.threshold[fast, 0, 0]),
            )
            for row, fast, wide in zip(
                map(Counted._make, zip(*counted, strict=True)), speed, spread, strict=True
            )
        ]

    def _go_back(self, trials: Trials) -> list[Cell]:
        look, series = np.nonzero(self.alarmed)
        if not len(look):
            return []
        place = METRIC_OF_LOOK[look], series
        change, logit = self.back_change[look, series], self.usual.logit[place]
        lost = softplus(logit + change) - softplus(logit)
        gained = (trials.calls[place] * lost - trials.events[place] * change) / self.usual.spread.hour[place]
        self.back[look, series] = np.maximum(self.back[look, series] + gained, 0)
        is_back = self.back[look, series] > _RECOVERED
        look, series = look[is_back], series[is_back]
        self.alarmed[look, series] = False
        self.sums.forget(look, series)
        return [Cell(int(a), int(b)) for a, b in zip(look, series, strict=True)]


def may_judge(live: Flags, holiday: Flags, is_leaf: Flags) -> Flags:
    """Which speeds may judge which series, (speeds, 1, series), of those that are `live`.

    A holiday only resembles a Sunday: near enough for a collapse, and for a shift of a route, whose spread
    is wide; not for drifts, which add up for days.
    """
    return np.stack([live, live & (is_leaf | ~holiday), live & ~holiday])[:, None]
