"""Retry schedule of webhook deliveries."""

from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.times import DAY_US, SECOND_US
from calltally.deliveries.retry_schedule import GIVES_UP_AFTER_US, next_try_us

NOW_US = 1_795_000_000_000_000
CHANCES = st.floats(0, 1)


@given(st.lists(CHANCES, min_size=1, max_size=400))
def test_retries_end_after_three_days(chances: list[float]) -> None:
    at_us, started_us = NOW_US, NOW_US
    for tries, chance in enumerate(chances, 1):
        due_us = next_try_us(tries, started_us, at_us, retry_after_s=None, chance=chance)
        if due_us is None:
            assert at_us + 8 * 3600 * SECOND_US > started_us + GIVES_UP_AFTER_US
            return
        assert at_us <= due_us <= started_us + GIVES_UP_AFTER_US
        at_us = due_us


def test_retry_after_is_honoured_up_to_a_day() -> None:
    assert next_try_us(1, NOW_US, NOW_US, retry_after_s=3600, chance=0.0) == NOW_US + 3600 * SECOND_US
    assert next_try_us(1, NOW_US, NOW_US, retry_after_s=1e12, chance=0.0) == NOW_US + DAY_US
    assert next_try_us(9, NOW_US, NOW_US, retry_after_s=1, chance=1.0) == NOW_US + 2560 * SECOND_US
