"""Whether a rate has changed: cumulative sums of log-likelihood ratios, one for each look and speed.

Each sum adds, step by step, how much likelier the calls are under a change of a given size (on the logit, in
spreads of the series' hour) than under what is usual, and begins again at zero. Counts that are wider than
binomial count for less by that factor. Where a sum last left zero is the change point.
"""

from typing import Final, NamedTuple

import numpy as np

from calltally.alerts.detection.baseline import Usual
from calltally.alerts.detection.signals import (
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
from calltally.alerts.model.finding import Speed

# Collapse, shift, drift: the size in spreads of an hour, and on the logit the least (a smaller change is
# nobody's concern) and the most (a larger one is found by this as well).
_CHANGES: Final = ((8.0, 0.7, 2.5), (2.4, 0.25, 1.5), (0.8, 0.08, 0.5))
_DRIFT: Final = SPEEDS.index(Speed.DRIFT)


_MOST_SKEW: Final = 50.0
# Speeds, looks and series of some cells: arrays of one shape.
Place = tuple[Ints, Ints, Ints]


class Weights(NamedTuple):
    """What an hour is to all sums: what an event adds to each and what a call takes, (speeds, looks, series).

    The rest are the usual rates and spreads as each look has them, (looks, series), looked up once an hour;
    `days` is how many times wider days are, for the speed that adds up days.
    """

    event: Floats
    call: Floats
    rate: Floats
    at_once: Floats
    lasting: Floats
    hour_calls: Floats
    days: Floats


def weights(usual: Usual) -> Weights:
    """For one hour: constant in it, as what is usual is."""
    logit, spread = usual.logit[METRIC_OF_LOOK], usual.spread
    spread_logit = 1 / np.sqrt(np.maximum(usual.scale[METRIC_OF_LOOK], 1e-6))
    usual_loss = softplus(logit)
    changes = np.stack(
        [SIGN_OF_LOOK * np.clip(size * spread_logit, least, most) for size, least, most in _CHANGES]
    )
    days = np.ones_like(changes)
    days[_DRIFT] = spread.days[METRIC_OF_LOOK]
    return Weights(
        event=changes,
        call=softplus(logit + changes) - usual_loss,
        rate=usual.rate[METRIC_OF_LOOK],
        at_once=spread.at_once[METRIC_OF_LOOK],
        lasting=spread.lasting[METRIC_OF_LOOK],
        hour_calls=spread.hour_calls[METRIC_OF_LOOK],
        days=days,
    )


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
        wide = np.divide(self.calls, self.hour_calls)
        np.subtract(2.0, wide, out=wide)
        np.maximum(wide, 1.0, out=wide)
        for each in (self.lasting, self.calls, skew):
            np.multiply(wide, each, out=wide)
        np.add(wide, self.at_once, out=wide)
        np.multiply(wide, self.days, out=wide)
        gained = self.event * self.events
        np.subtract(gained, self.call * self.calls, out=gained)
        return np.divide(gained, wide, out=gained)

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

    def settle(self, weigh: Weights) -> None:
        """An hour is over: what it said counts from now on, with the doubt that lasting noise deserves."""
        cells = self._cells(weigh)
        self.settled = np.maximum(cells.settled + cells.gained(cells.skew()), 0.0)
        self.sums[:] = self.settled
        self.block_calls[:], self.block_events[:] = 0.0, 0.0

    def checked(self, place: Place, weigh: Weights) -> Floats:
        """The sums at some places, with that doubt: it takes logarithms, too slow for every step of all."""
        cells = self._cells(weigh)
        # What a look has at all speeds alike is of one axis less.
        taken = (each[place] if each.ndim == len(place) else each[place[1:]] for each in cells)
        cells = _Cells._make(taken)
        return cells.settled + cells.gained(cells.skew())

    def _cells(self, weigh: Weights) -> _Cells:
        return _Cells(self.settled, self.block_calls, self.block_events, *weigh)

    def add(self, at: int, trials: Trials, weigh: Weights, live: tuple[Flags, Flags]) -> None:
        """Take in the step `at`.

        `live` are two of the sums' shape (or ones that fit it): what is counted, and what of it is judged.
        """
        counted, judged = live
        calls, events = trials.calls[METRIC_OF_LOOK], trials.events[METRIC_OF_LOOK]
        going = self.sums > 0
        np.copyto(self.since, at, where=~going)
        for held, added in ((self.calls, calls), (self.events, events), (self.expected, calls * weigh.rate)):
            np.multiply(held, going, out=held)
            np.add(held, added, out=held, where=counted)
        np.add(self.block_calls, calls, out=self.block_calls, where=judged)
        np.add(self.block_events, events, out=self.block_events, where=judged)
        np.add(self.settled, self._cells(weigh).gained(1.0), out=self.sums)
        rising = self.sums > 0
        for held in (self.sums, self.settled, self.block_calls, self.block_events):
            np.multiply(held, rising, out=held)

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
