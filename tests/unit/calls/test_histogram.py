"""The logarithmic histogram: within 1 %, and what was put in can be taken out."""

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
def test_the_middle_of_a_values_bin_is_within_one_percent(value: int) -> None:
    assert abs(middle_of(bin_of(value)) - value) <= value * RELATIVE_ERROR + _ROUNDING


def test_small_values_are_exact_and_great_ones_have_a_bin() -> None:
    assert [middle_of(bin_of(value)) for value in range(50)] == list(range(50))
    assert 0 <= bin_of(2**62) < BINS < 1024


@given(st.lists(VALUES, min_size=1), st.sampled_from([0.0, 0.5, 0.9, 0.99, 1.0]))
def test_a_percentile_is_within_one_percent_of_the_value_of_that_rank(
    values: list[int], share: float
) -> None:
    exact = sorted(values)[max(1, ceil(share * len(values))) - 1]
    found = percentile(binned(values), share)
    assert found is not None
    assert abs(found - exact) <= exact * RELATIVE_ERROR + _ROUNDING


def test_of_no_values_there_is_no_percentile() -> None:
    assert percentile({}, 0.5) is None


@given(st.lists(VALUES), st.lists(VALUES))
def test_what_is_added_can_be_taken_out(some: list[int], others: list[int]) -> None:
    bins = binned(some)
    add(bins, binned(others))
    assert bins == binned(some + others)
    add(bins, binned(others), -1)
    assert bins == binned(some)


@given(st.lists(VALUES))
def test_bytes_are_alike_for_the_same_values_in_any_order(values: list[int]) -> None:
    assert pack(binned(values)) == pack(binned(values[::-1]))
    assert unpack(pack(binned(values))) == binned(values)
