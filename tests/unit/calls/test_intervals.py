"""Intervals of rates and of their differences, against published figures and against chance itself."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.intervals import Proportion, difference, is_more_than_chance, two_sided, wilson

shares = st.integers(0, 500).flatmap(lambda n: st.builds(Proportion, st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("share", "low", "high"),
    # Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I, method 3.
    [
        (Proportion(81, 263), 0.2553, 0.3662),
        (Proportion(15, 148), 0.0624, 0.1605),
        (Proportion(0, 20), 0.0, 0.1611),
        (Proportion(1, 29), 0.0061, 0.1718),
    ],
)
def test_wilson_matches_published_figures(share: Proportion, low: float, high: float) -> None:
    interval = wilson(share)
    assert interval is not None
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    # Newcombe (1998), "Interval estimation for the difference", table II, method 10.
    [
        (Proportion(56, 70), Proportion(48, 80), 0.0524, 0.3339),
        (Proportion(9, 10), Proportion(3, 10), 0.1705, 0.8090),
        (Proportion(10, 10), Proportion(0, 10), 0.6075, 1.0),
    ],
)
def test_differences_match_published_figures(
    one: Proportion, other: Proportion, low: float, high: float
) -> None:
    interval = difference(one, other)
    assert interval is not None
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


@given(shares, shares)
def test_intervals_contain_observed_rate(one: Proportion, other: Proportion) -> None:
    alone, between = wilson(one), difference(one, other)
    assert (alone is None) == (one.value is None)
    if alone is not None and one.value is not None:
        assert 0 <= alone.low <= one.value <= alone.high <= 1
    if between is not None and one.value is not None and other.value is not None:
        assert between.low <= one.value - other.value <= between.high


def test_no_interval_without_calls() -> None:
    assert is_more_than_chance(Proportion(0, 0), Proportion(1, 2)) is None
    assert wilson(Proportion(0, 0)) is None


def test_many_comparisons_of_equal_rates_rarely_differ() -> None:
    rng = Random(7)
    samples = [Proportion(sum(rng.random() < 0.3 for _ in range(200)), 200) for _ in range(400)]
    pairs = list(zip(samples[::2], samples[1::2], strict=True))
    single = sum(bool(is_more_than_chance(*pair)) for pair in pairs)
    together = sum(bool(is_more_than_chance(*pair, comparisons=len(pairs))) for pair in pairs)
    assert 2 <= single <= 20
    assert together == 0
    assert is_more_than_chance(Proportion(60, 200), Proportion(120, 200), comparisons=len(pairs))


def test_confidence_is_two_sided() -> None:
    assert round(two_sided(0.95), 3) == 1.96
