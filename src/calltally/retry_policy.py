"""Computation of retry delays: exponential back-off with jitter, limits, and Retry-After. Pure.

Each component has its own values, such as `deliveries.retry_schedule` for webhooks.
"""

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple

# Far beyond every `max_s`; a longer row of failures must not overflow.
_MAX_DOUBLINGS: Final = 64
_SECONDS: Final = re.compile(r"[0-9]{1,9}")


class RetryPolicy(NamedTuple):
    """Limits of tries, and the delays between them in seconds. The defaults suit requests to this service.

    The delay after failure n is a share (`jitter`) of `first_s` · 2ⁿ⁻¹, but at most `max_s`. There are at
    most `tries` attempts, and the last starts at most `max_elapsed_s` after the first.
    """

    tries: int = 6
    first_s: float = 0.5
    max_s: float = 60.0
    max_elapsed_s: float = 180.0

    def delay_s(self, failures: int, jitter: float = 1.0, retry_after_s: float | None = None) -> float:
        """Return the delay after a number of failures (from 1). A Retry-After replaces the back-off.

        `jitter` is the used share of the back-off: a random one keeps those that failed together from
        returning together, also after the same Retry-After.
        """
        if retry_after_s is None:
            return jitter * min(self.max_s, self.first_s * 2.0 ** min(failures - 1, _MAX_DOUBLINGS))
        return min(self.max_s, retry_after_s + jitter * self.first_s)

    def allows_retry(self, failures: int = 0, elapsed_s: float = 0.0) -> bool:
        """Return True if a try may follow after these failures, at this time since the first try."""
        return failures < self.tries and elapsed_s <= self.max_elapsed_s


def parse_retry_after_s(headers: Mapping[str, str], now_s: float | None = None) -> float | None:
    """Return the seconds of Retry-After (RFC 9110, section 10.2.3), at least 0, or None if unreadable.

    A date is compared with the Date of the response, if present, because the two clocks may differ; otherwise
    with `now_s`. The names of `headers` are in lower case.
    """
    text = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    until_s = _parse_date_s(text)
    at_s = _parse_date_s(headers.get("date", ""))
    at_s = now_s if at_s is None else at_s
    return None if until_s is None or at_s is None else max(until_s - at_s, 0.0)


def _parse_date_s(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
