"""Signals of each series (a rate in a direction), speeds, and the arrays of counts behind them.

All arrays have the series as their last axis. It may hold the series of many tenants, each with a number
(`tenant_of`), so that many simulated months run at once.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from calltally.alerts.model.finding import ChangeDirection, DetectionSpeed
from calltally.alerts.model.series import COLUMN_INDEX, RATES, Metric

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class Signal(NamedTuple):
    """One rate in one direction."""

    metric: Metric
    direction: ChangeDirection


METRICS: Final = tuple(Metric)
SPEEDS: Final = tuple(DetectionSpeed)
SIGNALS: Final = tuple(
    Signal(metric, direction)
    for metric, rate in RATES.items()
    for direction, is_watched in ((ChangeDirection.UP, rate.up), (ChangeDirection.DOWN, rate.down))
    if is_watched
)
METRIC_OF_SIGNAL: Final = np.array([METRICS.index(signal.metric) for signal in SIGNALS])
SIGN_OF_SIGNAL: Final = np.array(
    [1.0 if signal.direction is ChangeDirection.UP else -1.0 for signal in SIGNALS]
)[:, None]
NUMERATORS: Final = [COLUMN_INDEX[rate.numerator] for rate in RATES.values()]
DENOMINATORS: Final = [COLUMN_INDEX[rate.denominator] for rate in RATES.values()]


class Trials(NamedTuple):
    """Events among calls, each of shape (metrics, series)."""

    calls: Floats
    events: Floats


def trials_of(counts: Ints) -> Trials:
    """Return the numerators and denominators of all rates, from counts of shape (series, columns)."""
    turned = np.asarray(counts, dtype=np.float64).T
    return Trials(turned[DENOMINATORS], turned[NUMERATORS])


def logistic(logit: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-logit)))


def softplus(logit: Floats) -> Floats:
    """Return log(1 + e^logit): the loss of a binomial likelihood for each call without an event."""
    return np.asarray(np.logaddexp(0.0, logit))
