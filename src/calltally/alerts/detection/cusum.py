"""Cumulative sums of log-likelihood ratios, one for each signal and speed, that detect changed rates.

Each sum adds, step by step, the log-likelihood ratio of a change of a given size (on the logit, in spreads of
the series' hour) against the usual rate. It never falls below zero. Counts that are wider than binomial weigh
less by that factor. The step at which a sum last left zero is the change point.
"""

from typing import Final, NamedTuple

import numpy as np

from calltally.alerts.detection.baseline import UsualRates
from calltally.alerts.detection.signals import (
    METRIC_OF_SIGNAL,
    SIGN_OF_SIGNAL,
    SIGNALS,
    SPEEDS,
    Flags,
    Floats,
    Ints,
    Trials,
    softplus,
)
from calltally.alerts.model.finding import DetectionSpeed

# Collapse, shift, drift: the size in spreads of an hour, the least on the logit (a smaller change concerns
# nobody) and the most (the sum finds larger changes as well).
_CHANGES: Final = ((8.0, 0.7, 2.5), (2.4, 0.25, 1.5), (0.8, 0.08, 0.5))
_DRIFT: Final = SPEEDS.index(DetectionSpeed.DRIFT)
_MOST_SKEW: Final = 50.0
# Speeds, signals and series of some cells: arrays of one shape.
SumIndex = tuple[Ints, Ints, Ints]
# Crossings a week at a threshold of 10, of 112 series with 6 signals: collapse, shift, drift.
_CROSSINGS_AT: Final = 10.0
_CROSSINGS: Final = np.array([52.0, 10.4, 0.65])
_CROSSINGS_SUMS: Final = 112 * 6
# Remaining share of crossings for each additional unit, and share of crossings that open an alert.
_DECAY_RATE: Final = 0.72
_ALERT_SHARE: Final = 0.9
_SHARES: Final = np.array([0.5, 0.55, 0.2])


class CusumWeights(NamedTuple):
    """Weights of one hour for all sums: of an event and of a call, shape (speeds, signals, series).

    The other fields are the usual rates and spreads per signal, shape (signals, series), computed once an
    hour. `days` is the additional spread of days, for the speed that adds up days.
    """

    event: Floats
    call: Floats
    rate: Floats
    at_once: Floats
    lasting: Floats
    hour_calls: Floats
    days: Floats

    def log_ratios(self, calls: Floats, events: Floats, skew: Floats | float) -> Floats:
        """Return the log-likelihood ratios of the hour so far."""
        # Lasting noise is measured over whole hours, in which some of it ends. Within less than an hour it is
        # up to twice as large.
        width = np.divide(calls, self.hour_calls)
        np.subtract(2.0, width, out=width)
        np.maximum(width, 1.0, out=width)
        for each in (self.lasting, calls, skew):
            np.multiply(width, each, out=width)
        np.add(width, self.at_once, out=width)
        np.multiply(width, self.days, out=width)
        log_ratios = self.event * events
        np.subtract(log_ratios, self.call * calls, out=log_ratios)
        return np.divide(log_ratios, width, out=log_ratios)

    def skew(self, calls: Floats, events: Floats) -> Floats:
        """Return the factor by which the tail of lasting noise exceeds its variance, at the observed rate.

        A rate from a beta distribution lies far above a small mean more often than its variance suggests. Its
        tail falls with the divergence of the mean from the value; the tail of a binomial falls with the
        divergence of the value from the mean. The factor is the ratio of the two.
        """
        observed = (events + self.rate) / (calls + 1.0)
        ratio = _divergence(observed, self.rate) / np.maximum(_divergence(self.rate, observed), 1e-12)
        return np.asarray(np.clip(ratio, 1.0, _MOST_SKEW))


def cusum_weights(usual: UsualRates) -> CusumWeights:
    """Return the weights of one hour; they are constant within it, as the usual rates are."""
    logit, spread = usual.logit[METRIC_OF_SIGNAL], usual.spread
    spread_logit = 1 / np.sqrt(np.maximum(usual.scale[METRIC_OF_SIGNAL], 1e-6))
    usual_loss = softplus(logit)
    changes = np.stack(
        [SIGN_OF_SIGNAL * np.clip(size * spread_logit, least, most) for size, least, most in _CHANGES]
    )
    days = np.ones_like(changes)
    days[_DRIFT] = spread.days[METRIC_OF_SIGNAL]
    return CusumWeights(
        event=changes,
        call=softplus(logit + changes) - usual_loss,
        rate=usual.rate[METRIC_OF_SIGNAL],
        at_once=spread.at_once[METRIC_OF_SIGNAL],
        lasting=spread.lasting[METRIC_OF_SIGNAL],
        hour_calls=spread.hour_calls[METRIC_OF_SIGNAL],
        days=days,
    )


def _exact_ratios(calls: Floats, events: Floats, weights: CusumWeights) -> Floats:
    return weights.log_ratios(calls, events, weights.skew(calls, events))


class CusumSums:
    """The sums, and the counts since each left zero: calls, events, and expected events.

    The counts of one hour weigh as one block (`block_calls`, `block_events`): with lasting noise, the tenth
    unusual call of an hour proves less than the first. `settled` holds the sums of the hours before.
    """

    def __init__(self, series: int) -> None:
        shape = (len(SPEEDS), len(SIGNALS), series)
        self.sums, self.settled = np.zeros(shape), np.zeros(shape)
        self.block_calls, self.block_events = np.zeros(shape), np.zeros(shape)
        self.since = np.zeros(shape, dtype=np.int64)
        self.calls, self.events, self.expected = np.zeros(shape), np.zeros(shape), np.zeros(shape)

    def close_hour(self, weights: CusumWeights) -> None:
        """Settle the finished hour, with the extra width that lasting noise requires."""
        ratios = _exact_ratios(self.block_calls, self.block_events, weights)
        self.settled = np.maximum(self.settled + ratios, 0.0)
        self.sums[:] = self.settled
        self.block_calls[:], self.block_events[:] = 0.0, 0.0

    def exact_sums(self, index: SumIndex, weights: CusumWeights) -> Floats:
        """Return some sums with the skew of lasting noise; its logarithms are too slow for all steps."""
        # Weights that are equal for all speeds have one axis less.
        taken = (each[index] if each.ndim == len(index) else each[index[1:]] for each in weights)
        calls, events = self.block_calls[index], self.block_events[index]
        return self.settled[index] + _exact_ratios(calls, events, CusumWeights._make(taken))

    def add(
        self, at: int, trials: Trials, weights: CusumWeights, counted_and_judged: tuple[Flags, Flags]
    ) -> None:
        """Add the step `at`.

        `counted_and_judged` holds two flags of the sums' shape (or broadcastable to it): cells that are
        counted, and cells that are judged.
        """
        counted, judged = counted_and_judged
        calls, events = trials.calls[METRIC_OF_SIGNAL], trials.events[METRIC_OF_SIGNAL]
        positive = self.sums > 0
        np.copyto(self.since, at, where=~positive)
        for total, added in (
            (self.calls, calls),
            (self.events, events),
            (self.expected, calls * weights.rate),
        ):
            np.multiply(total, positive, out=total)
            np.add(total, added, out=total, where=counted)
        np.add(self.block_calls, calls, out=self.block_calls, where=judged)
        np.add(self.block_events, events, out=self.block_events, where=judged)
        ratios = weights.log_ratios(self.block_calls, self.block_events, 1.0)
        np.add(self.settled, ratios, out=self.sums)
        rising = self.sums > 0
        for total in (self.sums, self.settled, self.block_calls, self.block_events):
            np.multiply(total, rising, out=total)

    def reset(self, signal: Ints, series: Ints) -> None:
        for total in (self.sums, self.settled, self.block_calls, self.block_events):
            total[:, signal, series] = 0.0


def logit_change(calls: Floats, events: Floats, expected: Floats) -> Floats:
    """Return a rate's difference from the usual rate, on the logit; half an event keeps it finite."""
    observed = np.log((events + 0.5) / (calls - events + 0.5))
    usual = np.log((expected + 0.5) / (calls - expected + 0.5))
    return np.asarray(observed - usual)


def _divergence(of: Floats, by: Floats) -> Floats:
    """Return the Kullback-Leibler divergence of two rates."""
    return np.asarray(of * np.log(of / by) + (1 - of) * np.log((1 - of) / (1 - by)))


def thresholds(false_alarms_a_week: float, series: int) -> Floats:
    """Return the threshold of each speed, in natural logarithms of a likelihood ratio."""
    expected = _CROSSINGS * _ALERT_SHARE * max(series, 1) * len(SIGNALS) / _CROSSINGS_SUMS
    return np.asarray(
        np.maximum(_CROSSINGS_AT + np.log(expected / (_SHARES * false_alarms_a_week)) / _DECAY_RATE, 5.0)
    )


def chance_a_week(over: float, false_alarms_a_week: float) -> float:
    """Return the expected number a week of sums so far above their threshold by chance, for the tenant."""
    return float(false_alarms_a_week * np.exp(-_DECAY_RATE * max(over, 0.0)))
