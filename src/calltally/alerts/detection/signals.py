"""The looks at each series: which rate, which way, how fast; and the arrays of counts that they are made of.

All arrays have the series as their last axis. Many tenants may stand side by side in it, each with a number
(`tenant_of`), which is how `bench.detection` judges many months at once.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from calltally.alerts.model.finding import Direction, Speed
from calltally.alerts.model.series import COLUMN, RATES, Metric

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class Look(NamedTuple):
    """One rate in one direction."""

    metric: Metric
    direction: Direction


METRICS: Final = tuple(Metric)
SPEEDS: Final = tuple(Speed)
LOOKS: Final = tuple(
    Look(metric, direction)
    for metric, rate in RATES.items()
    for direction, is_watched in ((Direction.UP, rate.up), (Direction.DOWN, rate.down))
    if is_watched
)
METRIC_OF_LOOK: Final = np.array([METRICS.index(look.metric) for look in LOOKS])
SIGN_OF_LOOK: Final = np.array([1.0 if look.direction is Direction.UP else -1.0 for look in LOOKS])[:, None]
NUMERATORS: Final = [COLUMN[rate.numerator] for rate in RATES.values()]
DENOMINATORS: Final = [COLUMN[rate.denominator] for rate in RATES.values()]


class Trials(NamedTuple):
    """Events among calls, each of shape (metrics, series)."""

    calls: Floats
    events: Floats


def trials_of(counts: Ints) -> Trials:
    """The numerators and denominators of all rates, from counts of shape (series, columns)."""
    turned = np.asarray(counts, dtype=np.float64).T
    return Trials(turned[DENOMINATORS], turned[NUMERATORS])


def logistic(logit: Floats) -> Floats:
    """The rate of a logit."""
    return np.asarray(1.0 / (1.0 + np.exp(-logit)))


def softplus(logit: Floats) -> Floats:
    """log(1 + e^logit): what a binomial likelihood loses by each call that is no event."""
    return np.asarray(np.logaddexp(0.0, logit))
