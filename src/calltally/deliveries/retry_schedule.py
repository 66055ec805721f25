"""Retry schedule of webhook deliveries: exponential back-off with full jitter, for three days. Pure."""

from http import HTTPStatus
from typing import Final

from calltally.calls.times import DAY_US, SECOND_US
from calltally.retry_policy import RetryPolicy

RETRY_POLICY: Final = RetryPolicy(first_s=10.0, max_s=8 * 3600.0)
GIVES_UP_AFTER_US: Final = 3 * DAY_US
# Longest Retry-After that is honoured.
_MAX_RETRY_AFTER_S: Final = 24 * 3600.0
# Statuses by which a receiver asks for a pause of all requests.
_BACK_OFF_STATUSES: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
# Longest pause that a receiver can ask for.
_MAX_HOLD_S: Final = 3600.0


def next_try_us(
    tries: int, started_us: int, now_us: int, *, retry_after_s: float | None, chance: float
) -> int | None:
    """Return the time of the next try; None if it is more than three days after the first.

    `retry_after_s` is the receiver's request: the next try is never sooner. `chance` is from 0 to 1: full
    jitter, so that deliveries that failed together do not return together.
    """
    delay_s = max(RETRY_POLICY.delay_s(tries, chance), min(retry_after_s or 0.0, _MAX_RETRY_AFTER_S))
    due_us = now_us + int(delay_s * SECOND_US)
    return due_us if due_us <= started_us + GIVES_UP_AFTER_US else None


def requested_pause_s(status: int | None, retry_after_s: float | None) -> float:
    """Return the pause of all requests that a receiver asks for by a response of this status."""
    return min(retry_after_s or 0.0, _MAX_HOLD_S) if status in _BACK_OFF_STATUSES else 0.0
