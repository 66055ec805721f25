"""Whether a rate has changed: cumulative sums of log-likelihood ratios, one for each look and speed.

Each sum adds, step by step, how much likelier the calls are under a change of a given size (on the logit, in
spreads of the series' hour) than under what is usual, and begins again at zero. Counts that are wider than
binomial count for less by that factor. Where a sum last left zero is the change point.
"""

from typing import Final, NamedTuple

import numpy as np

from calltally.alerts.baseline import Usual
from calltally.alerts.findings import Speed
from calltally.alerts.looks import (
    LOOKS,
    METRIC_OF_LOOK,
    SIGN_OF_LOOK,
    SPEEDS,
    Flags,
    Floats,
    Ints,
    Trials,
    softplus,
)

# Collapse, shift, drift: the size in spreads of an hour, and on the logit the least (a smaller change is
# nobody's concern) and the most (a larger one is found by this as well).
_CHANGES: Final = ((8.0, 0.7, 2.5), (2.4, 0.25, 1.5), (0.8, 0.08, 0.5))
_DRIFT: Final = SPEEDS.index(Speed.DRIFT)


_MOST_SKEW: Final = 50.0
# Speeds, looks and series of some cells: arrays of one shape.
Place = tuple[Ints, Ints, Ints]


class Weights(NamedTuple):
    """What an event adds to each sum and what a call takes, shape (speeds, looks, series)."""

    event: Floats
    call: Floats


def weights(usual: Usual) -> Weights:
    """For one hour: constant in it, as what is usual is."""
    logit = usual.logit[METRIC_OF_LOOK]
    spread_logit = 1 / np.sqrt(np.maximum(usual.scale[METRIC_OF_LOOK], 1e-6))
    usual_loss = softplus(logit)
    changes = np.stack(
        [SIGN_OF_LOOK * np.clip(size * spread_logit, least, most) for size, least, most in _CHANGES]
    )
    return Weights(changes, softplus(logit + changes) - usual_loss)


class _Cells(NamedTuple):
    """What the sums of some cells are worked out from, arrays of one shape or that fit it."""

    settled: Floats
    calls: Floats
    events: Floats
    event: Floats
    call: Floats
    rate: Floats
    at_once: Floats
    lasting: Floats
    hour_calls: Floats
    days: Floats

    def gained(self, skew: Floats | float) -> Floats:
        """What the hour so far says, its calls as wide as so many calls of one hour are."""
        # What lasts is measured over whole hours, in which some of it is over: within less it is up to twice
        # that.
        share = np.maximum(2.0 - self.calls / self.hour_calls, 1.0)
        wide = (self.at_once + self.lasting * self.calls * share * skew) * self.days
        return np.asarray((self.event * self.events - self.call * self.calls) / wide)

    def skew(self) -> Floats:
        """How much wider lasting noise is where the rate has gone than its variance says.

        A rate that is drawn anew from a beta distribution lies far above a small mean more often than its
        variance says: its tail falls with the divergence of the mean from the value, a binomial's with that
        of the value from the mean. Their ratio is what is wanted.
        """
        seen = (self.events + self.rate) / (self.calls + 1.0)
        ratio = _divergence(seen, self.rate) / np.maximum(_divergence(self.rate, seen), 1e-12)
        return np.asarray(np.clip(ratio, 1.0, _MOST_SKEW))


class Sums:
    """The sums, and what was counted since each left zero: calls, events, and the events that are usual.

    What is counted within one hour is weighed as one (`block_calls`, `block_events`): noise that lasts makes
    the tenth unusual call of an hour prove less than the first. `settled` is what the hours before have come
    to.
    """

    def __init__(self, series: int) -> None:
        shape = (len(SPEEDS), len(LOOKS), series)
        self.sums, self.settled = np.zeros(shape), np.zeros(shape)
        self.block_calls, self.block_events = np.zeros(shape), np.zeros(shape)
        self.since = np.zeros(shape, dtype=np.int64)
        self.calls, self.events, self.expected = np.zeros(shape), np.zeros(shape), np.zeros(shape)

    def settle(self, usual: Usual, weigh: Weights) -> None:
        """An hour is over: what it said counts from now on, with the doubt that lasting noise deserves."""
        cells = self._all(usual, weigh)
        self.settled = np.maximum(cells.settled + cells.gained(cells.skew()), 0.0)
        self.sums[:] = self.settled
        self.block_calls[:], self.block_events[:] = 0.0, 0.0

    def checked(self, place: Place, usual: Usual, weigh: Weights) -> Floats:
        """The sums at some places, with that doubt: it takes logarithms, too slow for every step of all."""
        speed, look, series = place
        metric, spread = METRIC_OF_LOOK[look], usual.spread
        cells = _Cells(
            self.settled[place],
            self.block_calls[place],
            self.block_events[place],
            weigh.event[place],
            weigh.call[place],
            usual.rate[metric, series],
            spread.at_once[metric, series],
            spread.lasting[metric, series],
            spread.hour_calls[metric, series],
            np.where(speed == _DRIFT, spread.days[metric, series], 1.0),
        )
        return cells.settled + cells.gained(cells.skew())

    def add(self, at: int, trials: Trials, by: tuple[Usual, Weights], live: tuple[Flags, Flags]) -> None:
        """Take in the step `at`.

        `live` are two of the sums' shape (or ones that fit it): what is counted, and what of it is judged.
        """
        usual, weigh = by
        counted, judged = live
        calls, events = trials.calls[METRIC_OF_LOOK], trials.events[METRIC_OF_LOOK]
        going = self.sums > 0
        self.since[~going] = at
        expected = calls * usual.rate[METRIC_OF_LOOK]
        for held, added in ((self.calls, calls), (self.events, events), (self.expected, expected)):
            np.multiply(held, going, out=held)
            np.add(held, added * counted, out=held)
        self.block_calls += calls * judged
        self.block_events += events * judged
        self.sums = self.settled + self._all(usual, weigh).gained(1.0)
        fallen = self.sums <= 0
        for held in (self.sums, self.settled, self.block_calls, self.block_events):
            held[fallen] = 0.0

    def _all(self, usual: Usual, weigh: Weights) -> "_Cells":
        spread = usual.spread
        days = np.ones((len(SPEEDS), *spread.days.shape))
        days[_DRIFT] = spread.days
        return _Cells(
            self.settled,
            self.block_calls,
            self.block_events,
            weigh.event,
            weigh.call,
            usual.rate[METRIC_OF_LOOK],
            spread.at_once[METRIC_OF_LOOK],
            spread.lasting[METRIC_OF_LOOK],
            spread.hour_calls[METRIC_OF_LOOK],
            days[:, METRIC_OF_LOOK],
        )

    def forget(self, look: Ints, series: Ints) -> None:
        """Begin again at zero."""
        for held in (self.sums, self.settled, self.block_calls, self.block_events):
            held[:, look, series] = 0.0


def change_of(calls: Floats, events: Floats, expected: Floats) -> Floats:
    """By how much a rate differs from what is usual, on the logit; half an event keeps it finite."""
    seen = np.log((events + 0.5) / (calls - events + 0.5))
    usual = np.log((expected + 0.5) / (calls - expected + 0.5))
    return np.asarray(seen - usual)


def _divergence(of: Floats, by: Floats) -> Floats:
    """Kullback-Leibler, of a rate by a rate."""
    return np.asarray(of * np.log(of / by) + (1 - of) * np.log((1 - of) / (1 - by)))
