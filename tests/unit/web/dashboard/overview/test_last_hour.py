"""The drawing of the last hour."""

import pytest

from calltally.web.dashboard.overview.last_hour import axis_end


@pytest.mark.parametrize(
    ("most", "end"), [(0, 5), (5, 5), (6, 10), (10, 10), (11, 20), (21, 50), (51, 100), (1_001, 2_000)]
)
def test_axis_ends_at_a_round_number(most: int, end: int) -> None:
    assert axis_end(most) == end
