"""The budget of requests that each key has."""

import pytest

from calltally.calls.errors import TooManyRequests
from calltally.calls.times import SECOND_US
from calltally.multiprocess import SharedNumbers
from calltally.web.auth.token_bucket import RateLimits


class Watch:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.now_us = 7

    def __call__(self) -> int:
        return self.now_us


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_a_burst_of_the_limit_passes_and_counts_down(watch: Watch) -> None:
    limits = RateLimits(7, watch)
    assert [limits.take("a") for _ in range(7)] == [6, 5, 4, 3, 2, 1, 0]


def test_the_next_one_is_refused_with_the_time_to_retry(watch: Watch) -> None:
    limits = RateLimits(7, watch)
    for _ in range(7):
        limits.take("a")
    with pytest.raises(TooManyRequests, match="7 requests a minute; try again in 9 s") as refused:
        limits.take("a")
    assert refused.value.retry_after_s == 9
    watch.now_us += 9 * SECOND_US
    assert limits.take("a") == 0


def test_a_refusal_costs_nothing(watch: Watch) -> None:
    limits = RateLimits(60, watch)
    for _ in range(60):
        limits.take("a")
    for _ in range(5):
        with pytest.raises(TooManyRequests):
            limits.take("a")
    watch.now_us += SECOND_US
    assert limits.take("a") == 0


def test_each_key_has_its_own(watch: Watch) -> None:
    limits = RateLimits(1, watch)
    assert limits.take("a") == 0
    assert limits.take("b") == 0


def test_a_rest_of_a_minute_gives_all_back_and_no_more(watch: Watch) -> None:
    limits = RateLimits(3, watch)
    for _ in range(3):
        limits.take("a")
    watch.now_us += 3600 * SECOND_US
    assert limits.take("a") == 2


def test_the_rate_in_the_long_run_is_the_limit(watch: Watch) -> None:
    limits, passed = RateLimits(7, watch), 0
    for _ in range(601):
        watch.now_us += SECOND_US
        try:
            limits.take("a")
        except TooManyRequests:
            continue
        passed += 1
    assert passed == 7 + 70


def test_zero_is_no_limit(watch: Watch) -> None:
    limits = RateLimits(0, watch)
    assert {limits.take("a") for _ in range(5000)} == {0}


def test_processes_that_share_numbers_share_the_budget(watch: Watch) -> None:
    shared = SharedNumbers()
    one, other = (RateLimits(7, watch, shared) for _ in range(2))
    assert [(one, other)[at % 2].take("a") for at in range(7)] == [6, 5, 4, 3, 2, 1, 0]
    for limits in (one, other):
        with pytest.raises(TooManyRequests, match="try again in 9 s"):
            limits.take("a")
        assert limits.take(f"of {id(limits)}") == 6
    watch.now_us += 9 * SECOND_US
    assert other.take("a") == 0
    with pytest.raises(TooManyRequests):
        one.take("a")


def test_a_shared_budget_stays_near_enough_for_years(watch: Watch) -> None:
    watch.now_us = 10 * 365 * 86_400 * SECOND_US
    limits = RateLimits(1_000_000, watch, SharedNumbers())
    left = [limits.take("a") for _ in range(1000)]
    assert all(abs(999_999 - at - each) <= 1 for at, each in enumerate(left))


def test_memory_is_bounded_by_the_keys_that_are_not_at_rest(watch: Watch) -> None:
    limits = RateLimits(1000, watch)
    for at in range(50_000):
        watch.now_us += 60_000
        limits.take(f"key {at}")
    assert len(limits._full_at) <= 10_000
    for _ in range(1000):
        limits.take("busy")
    for at in range(20_000):
        limits.take(f"other {at}")
    with pytest.raises(TooManyRequests):
        limits.take("busy")
