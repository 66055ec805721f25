"""Time to a final state, with open calls as censored observations."""

import pytest

from calltally.alerts.conditions.stuck_calls import MARGIN, PastCall, limit_us, time_to_final
from calltally.calls.model import Status


@pytest.mark.parametrize(
    ("ended", "still_open", "quantile", "expected"),
    [
        ([], [], 0.5, None),
        ([], [5, 9], 0.5, None),
        ([1, 2, 3, 4], [], 0.5, 2),
        ([1, 2, 3, 4], [], 1.0, 4),
        # Half of those that lasted beyond 2 are open: their duration is unknown.
        ([1, 2], [3, 3], 0.9, None),
        # Freireich's 6-MP arm, the textbook case: the median is 23 weeks.
        (
            [6, 6, 6, 7, 10, 13, 16, 22, 23],
            [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35],
            0.5,
            23,
        ),
    ],
)
def test_time_to_final_matches_kaplan_and_meier(
    ended: list[int], still_open: list[int], quantile: float, expected: int | None
) -> None:
    assert time_to_final(ended, still_open, quantile) == expected


def test_each_state_has_its_own_limit() -> None:
    past = [PastCall(0, 10, 4_000), PastCall(0, 20, 9_000), PastCall(0, None, 60)]
    assert limit_us(Status.RINGING, past, []) == 60 * MARGIN
    assert limit_us(Status.IN_PROGRESS, past, []) == 8_980 * MARGIN
    assert limit_us(Status.IN_PROGRESS, [PastCall(0, None, 60)], [7_000]) == 0
