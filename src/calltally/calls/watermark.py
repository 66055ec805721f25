"""Until when the past is complete, as far as the providers' lags so far can tell."""

from collections.abc import Iterable
from typing import Final

from calltally.calls.times import DAY_US, SECOND_US

# Of a provider's changes this part came within its lag; one in two hundred may still come later.
QUANTILE: Final = 0.995
_MARGIN: Final = 1.25
_LEAST_US: Final = SECOND_US
# What comes later than this is an import of old calls, and tells nothing of what is still to be expected.
LONGEST_US: Final = 7 * DAY_US


def watermark_us(now_us: int, lags: Iterable[tuple[str | None, int]]) -> int | None:
    """The instant before which nothing more is expected of any provider; None where nobody told anything yet.

    `lags` are (provider, how long after its creation a call last changed, in microseconds). The slowest
    provider decides. It is an expectation; the feed itself never misses what comes later all the same.
    """
    by_provider: dict[str | None, list[int]] = {}
    for provider, lag_us in lags:
        if 0 <= lag_us <= LONGEST_US:
            by_provider.setdefault(provider, []).append(lag_us)
    if not by_provider:
        return None
    slowest_us = max(_quantile(sorted(each)) for each in by_provider.values())
    return now_us - max(_LEAST_US, int(slowest_us * _MARGIN))


def _quantile(ascending: list[int]) -> int:
    return ascending[min(len(ascending) - 1, int(len(ascending) * QUANTILE))]
