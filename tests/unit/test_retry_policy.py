"""Retry policy: delays, limits and Retry-After."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.retry_policy import RetryPolicy, parse_retry_after_s

NOW_S = 1_795_000_000.0
POLICY = RetryPolicy(tries=5, first_s=10.0, max_s=8 * 3600.0, max_elapsed_s=100.0)


@given(st.integers(1, 2_000), st.floats(0, 1))
def test_backoff_is_part_of_a_span_that_doubles_up_to_the_maximum(failures: int, jitter: float) -> None:
    assert 0 <= POLICY.delay_s(failures, jitter) <= min(8 * 3600, 10 * 2 ** (failures - 1))
    assert POLICY.delay_s(failures) <= POLICY.delay_s(failures + 1)


def test_limits_of_tries_and_time_hold() -> None:
    assert POLICY.allows_retry(4, 100.0)
    assert not POLICY.allows_retry(5, 0.0)
    assert not POLICY.allows_retry(1, 100.5)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("soon", None),
        ("²", None),
        ("-5", None),
        ("Wed, 18 Nov 2026 11:06:45 GMT", 5.0),
        ("Mon, 01 Jan 2001 00:00:00 GMT", 0.0),
        ("Mon, 01 Jan 20010 00:00:00 -9999", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(header: str | None, seconds: float | None) -> None:
    assert parse_retry_after_s({} if header is None else {"retry-after": header}, NOW_S) == seconds


def test_date_of_retry_after_is_compared_with_the_response_before_our_clock() -> None:
    headers = {"retry-after": "Wed, 18 Nov 2026 11:06:45 GMT"}
    assert parse_retry_after_s(headers) is None
    assert parse_retry_after_s({**headers, "date": "Wed, 18 Nov 2026 11:06:25 GMT"}, NOW_S) == 20.0
