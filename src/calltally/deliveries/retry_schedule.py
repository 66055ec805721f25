"""Pure retry schedule of failed deliveries: exponential back-off with full jitter, for three days."""

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from calltally.calls.times import DAY_US, SECOND_US

FIRST_BACKOFF_S: Final = 10.0
MAX_BACKOFF_S: Final = 8 * 3600.0
GIVES_UP_AFTER_US: Final = 3 * DAY_US
# Longest Retry-After that is honoured.
MAX_RETRY_AFTER_S: Final = 24 * 3600.0
_MOST_DOUBLINGS: Final = 20


def backoff_s(tries: int, chance: float) -> float:
    """Return the back-off after a number of tries (from 1): any part of a span that doubles.

    `chance` is from 0 to 1: full jitter, so that deliveries that failed together do not return together.
    """
    span_s: float = FIRST_BACKOFF_S * 2.0 ** min(tries - 1, _MOST_DOUBLINGS)
    return chance * min(MAX_BACKOFF_S, span_s)


def next_try_us(
    tries: int, started_us: int, now_us: int, *, retry_after_s: float | None, chance: float
) -> int | None:
    """Return the time of the next try; None if it is more than three days after the first.

    `retry_after_s` is the receiver's request: the next try is never sooner.
    """
    seconds = backoff_s(tries, chance)
    if retry_after_s is not None:
        seconds = max(seconds, min(retry_after_s, MAX_RETRY_AFTER_S))
    due_us = now_us + int(seconds * SECOND_US)
    return due_us if due_us <= started_us + GIVES_UP_AFTER_US else None


def parse_retry_after_s(retry_after: str | None, now_us: int) -> float | None:
    """Return the seconds of a Retry-After, a number or a date (RFC 9110, section 10.2.3), or None."""
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    try:
        at = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, at.timestamp() - now_us / SECOND_US)
