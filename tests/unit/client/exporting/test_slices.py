"""Slices cover the window, do not cross the boundary of a file, and are limited in number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.times import DAY_US, SECOND_US, parse_instant
from calltally.client.exporting.errors import NotExportable
from calltally.client.exporting.request import ExportWindow, partition_label
from calltally.client.exporting.slices import cut_window
from tests.unit.client.exporting.exporting import plan

_WIDTHS = st.sampled_from([3_600 * SECOND_US, DAY_US, 7 * DAY_US, 40 * DAY_US])
_STARTS = st.integers(parse_instant("2026-01-01"), parse_instant("2026-12-31"))


@given(_STARTS, st.integers(1, 90 * DAY_US), _WIDTHS, st.sampled_from(["none", "day", "month"]))
def test_slices_cover_the_window_and_do_not_cross_partitions(
    from_us: int, width_us: int, slice_us: int, partition: str
) -> None:
    window = ExportWindow("some", from_us, from_us + width_us)
    slices = cut_window(plan(window, slice_us=slice_us, partition=partition))
    assert (slices[0].from_us, slices[-1].to_us) == (window.from_us, window.to_us)
    assert [each.to_us for each in slices[:-1]] == [each.from_us for each in slices[1:]]
    for each in slices:
        assert each.from_us is not None
        assert each.to_us is not None
        assert 0 < each.to_us - each.from_us <= slice_us
        assert partition_label(each.from_us, partition) == partition_label(each.to_us - 1, partition)


def test_too_many_slices_are_refused() -> None:
    with pytest.raises(NotExportable, match="more than 10,000 slices: choose a longer --slice"):
        cut_window(plan(ExportWindow("some", 0, 11_000 * SECOND_US), slice_us=SECOND_US))
