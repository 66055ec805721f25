"""Thresholds of the sums, from the number of false alarms a week that a user allows.

Simulated months without an incident gave the number of crossings of the sums of a usual week, with series
nested as they are: routes in providers in a tenant. This number falls by a fixed factor for each unit of the
threshold and grows with the number of sums.

Each speed gets a share of the budget: a collapse a large one, since it must be found within some sixty calls,
a drift a small one, since it has days. The shares add up to more than one, because crossings at several
speeds, or in an open incident, are one alert. The false alarms of `python -m bench score` show whether the
whole keeps to the budget.
"""

from typing import Final

import numpy as np

from calltally.alerts.detection.signals import SIGNALS, Floats

# Crossings a week at a threshold of 10, of 112 series with 6 signals: collapse, shift, drift.
_CROSSINGS_AT: Final = 10.0
_CROSSINGS: Final = np.array([52.0, 10.4, 0.65])
_CROSSINGS_SUMS: Final = 112 * 6
# Remaining share of crossings for each additional unit, and share of crossings that open an alert.
_DECAY_RATE: Final = 0.72
_ALERT_SHARE: Final = 0.9
_SHARES: Final = np.array([0.5, 0.55, 0.2])


def thresholds(false_alarms_a_week: float, series: int) -> Floats:
    """Return the threshold of each speed, in natural logarithms of a likelihood ratio."""
    expected = _CROSSINGS * _ALERT_SHARE * max(series, 1) * len(SIGNALS) / _CROSSINGS_SUMS
    return np.asarray(
        np.maximum(_CROSSINGS_AT + np.log(expected / (_SHARES * false_alarms_a_week)) / _DECAY_RATE, 5.0)
    )


def chance_a_week(over: float, false_alarms_a_week: float) -> float:
    """Return the expected number a week of sums so far above their threshold by chance, for the tenant."""
    return float(false_alarms_a_week * np.exp(-_DECAY_RATE * max(over, 0.0)))
