"""Until when nothing more is expected: what lags have been, and no more than they tell."""

from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.times import DAY_US, SECOND_US
from calltally.calls.watermark import QUANTILE, watermark_us

NOW_US = 1_795_000_000_000_000
providers = st.sampled_from(["twilio", "switch", None])
lags = st.lists(st.tuples(providers, st.integers(0, 7 * DAY_US)), min_size=1, max_size=400)


def test_nothing_told_is_nothing_known() -> None:
    assert watermark_us(NOW_US, []) is None


def test_imports_of_old_calls_and_clocks_that_are_ahead_tell_nothing() -> None:
    old = [("twilio", 7 * DAY_US + 1), ("twilio", -1)]
    assert watermark_us(NOW_US, old) is None
    assert watermark_us(NOW_US, [*old, ("twilio", 8 * SECOND_US)]) == NOW_US - 10 * SECOND_US


def test_the_slowest_provider_decides_however_few_its_calls() -> None:
    told: list[tuple[str | None, int]] = [("twilio", SECOND_US)] * 1_990
    assert watermark_us(NOW_US, [*told, *[("switch", 3_600 * SECOND_US)] * 10]) == NOW_US - 4_500 * SECOND_US


def test_one_in_two_hundred_may_be_later() -> None:
    told = [("twilio", 4 * SECOND_US)] * 1_991
    assert watermark_us(NOW_US, [*told, *[("twilio", DAY_US)] * 9]) == NOW_US - 5 * SECOND_US
    assert watermark_us(NOW_US, [*told, *[("twilio", DAY_US)] * 11]) == NOW_US - DAY_US * 5 // 4


def test_however_fast_a_second_is_left() -> None:
    assert watermark_us(NOW_US, [("twilio", 0)]) == NOW_US - SECOND_US


@given(lags)
def test_of_each_provider_nearly_all_came_within_it(told: list[tuple[str | None, int]]) -> None:
    until_us = watermark_us(NOW_US, told)
    assert until_us is not None
    for provider in {provider for provider, _ in told}:
        of_it = [lag_us for named, lag_us in told if named == provider]
        late = sum(lag_us > NOW_US - until_us for lag_us in of_it)
        assert late <= len(of_it) * (1 - QUANTILE)


@given(lags, lags)
def test_the_order_in_which_they_are_told_makes_no_difference(
    told: list[tuple[str | None, int]], more: list[tuple[str | None, int]]
) -> None:
    assert watermark_us(NOW_US, told + more) == watermark_us(NOW_US, more[::-1] + told)
