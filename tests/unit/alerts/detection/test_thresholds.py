"""Thresholds by the allowed false alarms: the shares of the speeds, and the growth with the series."""

import numpy as np
import pytest

from calltally.alerts.detection.cusum import chance_a_week, thresholds
from calltally.alerts.detection.signals import SPEEDS

SERIES = 112


def test_thresholds_of_a_hundred_routes_are_the_scored_ones() -> None:
    """Collapse, shift, drift: the table of docs/explanation/alerts.md was made with these."""
    assert len(SPEEDS) == 3
    assert thresholds(1.0, SERIES) == pytest.approx([16.30, 13.94, 11.49], abs=0.01)


def test_speeds_share_one_and_a_quarter_of_the_budget() -> None:
    """Some crossings open no alert of their own, so more of them still keep to the budget."""
    crossing = [0.9 * counted * np.exp(-0.72 * (limit - 10.0)) for counted, limit in _counted()]
    assert sum(crossing) == pytest.approx(1.25)
    assert crossing == pytest.approx([0.5, 0.55, 0.2])


def _counted() -> list[tuple[float, float]]:
    """Return the weekly crossings of a threshold of 10, and the current thresholds."""
    return list(zip((52.0, 10.4, 0.65), thresholds(1.0, SERIES).tolist(), strict=True))


@pytest.mark.parametrize("times", [2.0, 10.0])
def test_thresholds_depend_on_series_per_false_alarm(times: float) -> None:
    more_series = thresholds(1.0, int(SERIES * times))
    assert more_series == pytest.approx(thresholds(1.0 / times, SERIES))
    assert (more_series > thresholds(1.0, SERIES)).all()
    assert more_series - thresholds(1.0, SERIES) == pytest.approx(np.log(times) / 0.72)


def test_thresholds_have_a_minimum() -> None:
    assert thresholds(1e6, 1).tolist() == [5.0, 5.0, 5.0]


def test_sum_far_above_its_threshold_is_rare_by_chance() -> None:
    assert chance_a_week(0.0, 2.0) == chance_a_week(-3.0, 2.0) == 2.0
    assert chance_a_week(10.0, 2.0) < 0.002
