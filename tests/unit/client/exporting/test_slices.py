"""A window in slices: they meet, none crosses the end of a day or month that has a file, few enough."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.times import DAY_US, SECOND_US, parse_instant
from calltally.client.exporting.errors import NotExportable
from calltally.client.exporting.request import Window, partition_of
from calltally.client.exporting.slices import cut
from tests.unit.client.exporting.exporting import plan

_WIDTHS = st.sampled_from([3_600 * SECOND_US, DAY_US, 7 * DAY_US, 40 * DAY_US])
_STARTS = st.integers(parse_instant("2026-01-01"), parse_instant("2026-12-31"))


@given(_STARTS, st.integers(1, 90 * DAY_US), _WIDTHS, st.sampled_from(["none", "day", "month"]))
def test_slices_are_the_window_and_each_is_of_one_part(
    from_us: int, width_us: int, slice_us: int, part: str
) -> None:
    window = Window("some", from_us, from_us + width_us)
    slices = cut(plan(window, slice_us=slice_us, partition=part))
    assert (slices[0].from_us, slices[-1].to_us) == (window.from_us, window.to_us)
    assert [each.to_us for each in slices[:-1]] == [each.from_us for each in slices[1:]]
    for each in slices:
        assert each.from_us is not None
        assert each.to_us is not None
        assert 0 < each.to_us - each.from_us <= slice_us
        assert partition_of(each.from_us, part) == partition_of(each.to_us - 1, part)


def test_too_many_are_refused() -> None:
    with pytest.raises(NotExportable, match="more than 10,000 slices: choose a longer --slice"):
        cut(plan(Window("some", 0, 11_000 * SECOND_US), slice_us=SECOND_US))
