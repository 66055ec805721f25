"""Logarithmic histogram: accuracy within 1 %, and removal of added values."""

from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.histogram import (
    BINS,
    RELATIVE_ERROR,
    Bins,
    add,
    bin_of,
    middle_of,
    pack,
    percentile,
    unpack,
)

VALUES = st.integers(0, 2**32 - 1)
_ROUNDING = 1e-9


def binned(values: list[int]) -> Bins:
    bins: Bins = {}
    for value in values:
        add(bins, {bin_of(value): 1})
    return bins


@given(VALUES)
def test_middle_of_bin_is_within_one_percent(value: int) -> None:
    assert abs(middle_of(bin_of(value)) - value) <= value * RELATIVE_ERROR + _ROUNDING


def test_small_values_are_exact_and_large_ones_have_a_bin() -> None:
    assert [middle_of(bin_of(value)) for value in range(50)] == list(range(50))
    assert 0 <= bin_of(2**62) < BINS < 1024


@given(st.lists(VALUES, min_size=1), st.sampled_from([0.0, 0.5, 0.9, 0.99, 1.0]))
def test_percentile_is_within_one_percent_of_exact_value(values: list[int], share: float) -> None:
    exact = sorted(values)[max(1, ceil(share * len(values))) - 1]
    found = percentile(binned(values), share)
    assert found is not None
    assert abs(found - exact) <= exact * RELATIVE_ERROR + _ROUNDING


def test_empty_histogram_has_no_percentile() -> None:
    assert percentile({}, 0.5) is None


@given(st.lists(VALUES), st.lists(VALUES))
def test_added_values_can_be_removed(some: list[int], others: list[int]) -> None:
    bins = binned(some)
    add(bins, binned(others))
    assert bins == binned(some + others)
    add(bins, binned(others), -1)
    assert bins == binned(some)


@given(st.lists(VALUES))
def test_bytes_are_equal_for_the_same_values_in_any_order(values: list[int]) -> None:
    assert pack(binned(values)) == pack(binned(values[::-1]))
    assert unpack(pack(binned(values))) == binned(values)
