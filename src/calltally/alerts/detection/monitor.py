"""Monitor of all series at once: expected rates, sums, alarms and recoveries.

It works on array indexes and knows no names, findings or incidents. So it serves one tenant as well as a
hundred simulated months in one array.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from calltally.alerts.detection.aggravation import Aggravation, CountedCells
from calltally.alerts.detection.baseline import Baseline, HourCounts, UsualRates
from calltally.alerts.detection.cusum import CusumSums, CusumWeights, cusum_weights, logit_change
from calltally.alerts.detection.incident import SeriesMove, SignalCell
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

# A recovery must be e^5, 150 times, likelier than a continuation.
_RECOVERED: Final = 5.0
# The size of a change is estimated at its apparent maximum: measure the recovery from a smaller one.
_DISCOUNT: Final = 0.7
_LEAST_BACK: Final = 0.3
# No alarm on fewer events than this beyond the usual, nor on a fall of a rate that is nearly zero.
_LEAST_EVENTS: Final = 5.0
_LEAST_FALL: Final = 0.02
# Each hour of the week must occur twice before the first alarm: the first time shows its own noise.
_MATURE_HOURS: Final = 14 * 24
_ACCEPTED_HOURS: Final = 10 * 24


class RateMonitor:
    """Monitor of all series: call `begin_hour`, twelve times `step`, `end_hour`, and `end_day` per day."""

    def __init__(self, baseline: Baseline, threshold: Floats, least_calls: int) -> None:
        tenant_of = baseline.tenant_of
        series = len(tenant_of)
        self.baseline = baseline
        self.threshold, self.least_calls = threshold[:, None, None], least_calls
        self.cusum, self.aggravation = CusumSums(series), Aggravation(series)
        shape = (len(SIGNALS), series)
        self.alarmed = np.zeros(shape, dtype=np.bool_)
        self.back, self.back_change = np.zeros(shape), np.zeros(shape)
        self.alarmed_hours = np.zeros(shape, dtype=np.int64)
        self.hour_alarmed = np.zeros(series, dtype=np.bool_)
        self.mature = np.zeros(series, dtype=np.bool_)
        self.can_move = np.ones(shape, dtype=np.bool_)
        self.hour_counts: HourCounts
        self.usual: UsualRates
        self.weights: CusumWeights

    def begin_hour(self, hour_of_week: Ints) -> None:
        """Compute the expected rates of the hour and the weights of its calls."""
        self.resume(hour_of_week)
        self.hour_alarmed[:] = False

    def resume(self, hour_of_week: Ints) -> None:
        """Compute the same in the middle of an hour, from the state before it."""
        self.usual = self.baseline.usual(hour_of_week)
        self.weights = cusum_weights(self.usual)
        self.mature = self.baseline.hours[0] >= _MATURE_HOURS
        self.can_move = (SIGN_OF_SIGNAL > 0) | (self.usual.rate[METRIC_OF_SIGNAL] >= _LEAST_FALL)
        self.hour_counts = HourCounts(*(np.zeros(self.baseline.level.shape) for _ in HourCounts._fields))

    def step(self, at: int, trials: Trials, live: Flags) -> tuple[list[SeriesMove], list[SignalCell]]:
        """Evaluate five minutes. `live`, shape (speeds, 1 or signals, series), marks the cells to judge."""
        self.count(trials)
        back = self._recoveries(trials)
        judged = live & self.mature & self.can_move
        alarmed = self.alarmed & judged[0]
        self.aggravation.step(at, trials, self.usual, alarmed)
        worse = self._worsened_moves(at, alarmed)
        self.cusum.add(at, trials, self.weights, (judged, judged & ~self.alarmed))
        exceeding = (self.cusum.sums > self.threshold) & ~self.alarmed
        moves = self._new_moves(at, exceeding) if exceeding.any() else []
        self.hour_alarmed |= self.alarmed.any(axis=0)
        return [*worse, *moves], back

    def count(self, trials: Trials) -> None:
        """Count five minutes for learning only."""
        hour_counts, rate = self.hour_counts, self.usual.rate
        expected = trials.calls * rate
        for total, added in zip(
            hour_counts, (*trials, (trials.events - expected) ** 2, expected * (1 - rate)), strict=True
        ):
            np.add(total, added, out=total)

    def end_hour(self, hour_of_week: Ints, learnable: Flags) -> list[SignalCell]:
        """Learn from the hour, except alarmed series and those not `learnable`, shape (series,).

        Returns the cells whose change has lasted so long that it is accepted as usual.
        """
        self.cusum.close_hour(self.weights)
        allowed = np.broadcast_to(learnable & ~self.hour_alarmed, self.baseline.level.shape)
        self.baseline.learn(hour_of_week, self.usual, self.hour_counts, allowed)
        return self._accept()

    def release(self, cells: Sequence[SignalCell]) -> None:
        """Treat cells as recovered: restart their sums at zero."""
        signal, series = np.array([cell.signal for cell in cells]), np.array([cell.series for cell in cells])
        self.alarmed[signal, series] = False
        self.cusum.reset(signal, series)

    def _accept(self) -> list[SignalCell]:
        """Accept changes that have lasted for ten days, and relearn their series."""
        self.alarmed_hours = np.where(self.alarmed, self.alarmed_hours + 1, 0)
        old = np.asarray((self.alarmed_hours >= _ACCEPTED_HOURS).any(axis=0))
        if not old.any():
            return []
        signal, series = np.nonzero(self.alarmed & old)
        self.alarmed[:, old] = False
        self.cusum.reset(signal, series)
        self.baseline.relearn_level(old)
        return [SignalCell(int(a), int(b)) for a, b in zip(signal, series, strict=True)]

    def _new_moves(self, at: int, exceeding: Flags) -> list[SeriesMove]:
        # Clustered calls with the same ending are fewer independent calls.
        clusters = self.cusum.calls / self.usual.spread.at_once[METRIC_OF_SIGNAL]
        exceeding &= (self.cusum.calls >= self.least_calls) & (clusters >= self.least_calls / 2)
        exceeding &= np.abs(self.cusum.events - self.cusum.expected) >= _LEAST_EVENTS
        speed, signal, series = np.nonzero(exceeding)
        index = speed, signal, series
        exceeding[index] = self.cusum.exact_sums(index, self.weights) > self.threshold[speed, 0, 0]
        signal, series = np.nonzero(exceeding.any(axis=0))
        speed = exceeding[:, signal, series].argmax(axis=0)
        cusum = self.cusum
        index = speed, signal, series
        counted = CountedCells(
            signal,
            series,
            *(each[index] for each in (cusum.since, cusum.calls, cusum.events, cusum.expected, cusum.sums)),
        )
        self._alarm(at, counted)
        self.alarmed[signal, series] = True
        return self._moved(at, counted, speed)

    def _worsened_moves(self, at: int, alarmed: Flags) -> list[SeriesMove]:
        limit = float(self.threshold[0, 0, 0])
        counted = self.aggravation.exceeding(limit, alarmed)
        if not len(counted.signal):
            return []
        self._alarm(at, counted)
        moved = self._moved(at, counted, np.zeros_like(counted.signal))
        return [msgspec.structs.replace(each, is_worse=True) for each in moved]

    def _alarm(self, at: int, counted: CountedCells) -> None:
        """Record the reported change of some cells: recovery and aggravation are measured from it."""
        signal, series = counted.signal, counted.series
        change = logit_change(counted.calls, counted.events, counted.expected)
        sign = SIGN_OF_SIGNAL[signal, 0]
        self.back_change[signal, series] = sign * np.clip(_DISCOUNT * sign * change, _LEAST_BACK, 4.0)
        self.back[signal, series] = 0.0
        self.aggravation.begin(signal, series, at, change)

    def _moved(self, at: int, counted: CountedCells, speed: Ints) -> list[SeriesMove]:
        spread = self.usual.spread.hour[METRIC_OF_SIGNAL[counted.signal], counted.series]
        return [
            SeriesMove(
                cell=SignalCell(int(row.signal), int(row.series)),
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
                map(CountedCells._make, zip(*counted, strict=True)), speed, spread, strict=True
            )
        ]

    def _recoveries(self, trials: Trials) -> list[SignalCell]:
        signal, series = np.nonzero(self.alarmed)
        if not len(signal):
            return []
        index = METRIC_OF_SIGNAL[signal], series
        change, logit = self.back_change[signal, series], self.usual.logit[index]
        lost = softplus(logit + change) - softplus(logit)
        log_ratios = (trials.calls[index] * lost - trials.events[index] * change) / self.usual.spread.hour[
            index
        ]
        self.back[signal, series] = np.maximum(self.back[signal, series] + log_ratios, 0)
        is_back = self.back[signal, series] > _RECOVERED
        signal, series = signal[is_back], series[is_back]
        self.alarmed[signal, series] = False
        self.cusum.reset(signal, series)
        return [SignalCell(int(a), int(b)) for a, b in zip(signal, series, strict=True)]


def judgeable(live: Flags, holiday: Flags, is_leaf: Flags) -> Flags:
    """Return the speeds that may judge each of the `live` series, shape (speeds, 1, series).

    A holiday only resembles a Sunday. That suffices for a collapse, and for a shift of a route, whose spread
    is wide. It does not suffice for drifts, which add up for days.
    """
    return np.stack([live, live & (is_leaf | ~holiday), live & ~holiday])[:, None]
