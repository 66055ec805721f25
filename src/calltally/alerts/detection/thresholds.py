"""From the one number that a user sets, false alarms a week, to the threshold of each sum.

How often the sums of a usual week cross a threshold was counted on months of made-up traffic without an
incident, with series nested as they are: routes in providers in a tenant. It falls by a fixed factor for each
unit of the threshold and grows with the number of sums. Each speed gets a share of the budget: a collapse
one that is large for its kind, since it is to be found within some sixty calls, a drift a small one, since it
has days. They come to more than one: what crosses at several speeds, or in an open cause, is one alert.
Whether the whole keeps to what the user set is seen in the false alarms of `python -m bench score`.
"""

from typing import Final

import numpy as np

from calltally.alerts.detection.signals import LOOKS, Floats

# Crossings a week at a threshold of 10, of 112 series with 6 looks: collapse, shift, drift.
_COUNTED_AT: Final = 10.0
_COUNTED: Final = np.array([52.0, 10.4, 0.65])
_COUNTED_SUMS: Final = 112 * 6
# How much of them is left for each unit more, and how many of them open an alert of their own.
_FALL: Final = 0.72
_CAUSES: Final = 0.9
_SHARES: Final = np.array([0.5, 0.55, 0.2])


def thresholds(false_alarms_a_week: float, series: int) -> Floats:
    """The threshold of each speed, in natural logarithms of a likelihood ratio."""
    expected = _COUNTED * _CAUSES * max(series, 1) * len(LOOKS) / _COUNTED_SUMS
    return np.asarray(
        np.maximum(_COUNTED_AT + np.log(expected / (_SHARES * false_alarms_a_week)) / _FALL, 5.0)
    )


def chance_a_week(over: float, false_alarms_a_week: float) -> float:
    """How often a sum comes so far over its threshold by chance, over the whole tenant."""
    return float(false_alarms_a_week * np.exp(-_FALL * max(over, 0.0)))
