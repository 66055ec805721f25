"""Watermark computed from the past lags of providers."""

from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.times import DAY_US, SECOND_US
from calltally.calls.watermark import QUANTILE, watermark_us

NOW_US = 1_795_000_000_000_000
providers = st.sampled_from(["twilio", "switch", None])
lags = st.lists(st.tuples(providers, st.integers(0, 7 * DAY_US)), min_size=1, max_size=400)


def test_no_lags_give_no_watermark() -> None:
    assert watermark_us(NOW_US, []) is None


def test_imports_and_fast_clocks_are_ignored() -> None:
    old = [("twilio", 7 * DAY_US + 1), ("twilio", -1)]
    assert watermark_us(NOW_US, old) is None
    assert watermark_us(NOW_US, [*old, ("twilio", 8 * SECOND_US)]) == NOW_US - 10 * SECOND_US


def test_slowest_provider_decides_with_few_calls() -> None:
    pairs: list[tuple[str | None, int]] = [("twilio", SECOND_US)] * 1_990
    assert watermark_us(NOW_US, [*pairs, *[("switch", 3_600 * SECOND_US)] * 10]) == NOW_US - 4_500 * SECOND_US


def test_one_in_two_hundred_may_be_later() -> None:
    pairs = [("twilio", 4 * SECOND_US)] * 1_991
    assert watermark_us(NOW_US, [*pairs, *[("twilio", DAY_US)] * 9]) == NOW_US - 5 * SECOND_US
    assert watermark_us(NOW_US, [*pairs, *[("twilio", DAY_US)] * 11]) == NOW_US - DAY_US * 5 // 4


def test_lag_is_at_least_a_second() -> None:
    assert watermark_us(NOW_US, [("twilio", 0)]) == NOW_US - SECOND_US


@given(lags)
def test_nearly_all_changes_of_each_provider_are_before_the_watermark(
    pairs: list[tuple[str | None, int]],
) -> None:
    until_us = watermark_us(NOW_US, pairs)
    assert until_us is not None
    for provider in {provider for provider, _ in pairs}:
        its_lags = [lag_us for named, lag_us in pairs if named == provider]
        late = sum(lag_us > NOW_US - until_us for lag_us in its_lags)
        assert late <= len(its_lags) * (1 - QUANTILE)


@given(lags, lags)
def test_order_of_lags_makes_no_difference(
    pairs: list[tuple[str | None, int]], more: list[tuple[str | None, int]]
) -> None:
    assert watermark_us(NOW_US, pairs + more) == watermark_us(NOW_US, more[::-1] + pairs)
