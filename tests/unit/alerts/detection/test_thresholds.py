"""Thresholds from the false alarms that a user allows: what each speed gets of them, and how they grow."""

import numpy as np
import pytest

from calltally.alerts.detection.signals import SPEEDS
from calltally.alerts.detection.thresholds import chance_a_week, thresholds

SERIES = 112


def test_of_a_hundred_routes_each_speed_has_the_threshold_that_was_scored() -> None:
    """Collapse, shift, drift: with these the table of docs/explanation/alerts.md was made."""
    assert len(SPEEDS) == 3
    assert thresholds(1.0, SERIES) == pytest.approx([16.30, 13.94, 11.49], abs=0.01)


def test_the_speeds_together_may_cross_a_quarter_more_often_than_is_allowed() -> None:
    """Not each crossing is an alert of its own: so much more was found to keep to the budget."""
    crossing = [0.9 * counted * np.exp(-0.72 * (limit - 10.0)) for counted, limit in _counted()]
    assert sum(crossing) == pytest.approx(1.25)
    assert crossing == pytest.approx([0.5, 0.55, 0.2])


def _counted() -> list[tuple[float, float]]:
    """How often the sums of a usual week crossed a threshold of 10, and the thresholds now."""
    return list(zip((52.0, 10.4, 0.65), thresholds(1.0, SERIES).tolist(), strict=True))


@pytest.mark.parametrize("times", [2.0, 10.0])
def test_twice_as_many_series_or_half_as_many_false_alarms_raise_it_alike(times: float) -> None:
    more_series = thresholds(1.0, int(SERIES * times))
    assert more_series == pytest.approx(thresholds(1.0 / times, SERIES))
    assert (more_series > thresholds(1.0, SERIES)).all()
    assert more_series - thresholds(1.0, SERIES) == pytest.approx(np.log(times) / 0.72)


def test_no_threshold_is_so_low_that_a_handful_of_calls_would_cross_it() -> None:
    assert thresholds(1e6, 1).tolist() == [5.0, 5.0, 5.0]


def test_what_lies_far_over_its_threshold_comes_seldom_by_chance() -> None:
    assert chance_a_week(0.0, 2.0) == chance_a_week(-3.0, 2.0) == 2.0
    assert chance_a_week(10.0, 2.0) < 0.002
