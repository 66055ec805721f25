"""Watermark: the time before which the ledger is expected to be complete, from past lags of providers."""

from collections.abc import Iterable, Sequence
from typing import Final

from calltally.calls.times import DAY_US, SECOND_US

# Share of a provider's changes that arrive within its lag; one in two hundred may arrive later.
QUANTILE: Final = 0.995
_MARGIN: Final = 1.25
_MIN_LAG_US: Final = SECOND_US
# A longer lag comes from an import of old calls and does not predict later arrivals.
MAX_LAG_US: Final = 7 * DAY_US


def watermark_us(now_us: int, lags: Iterable[tuple[str | None, int]]) -> int | None:
    """Return the time before which no provider is expected to report more; None without any lag.

    `lags` are pairs of a provider and the microseconds from a call's creation to its last change. The slowest
    provider decides. The result is an expectation; the change feed includes later changes all the same.
    """
    by_provider: dict[str | None, list[int]] = {}
    for provider, lag_us in lags:
        if 0 <= lag_us <= MAX_LAG_US:
            by_provider.setdefault(provider, []).append(lag_us)
    if not by_provider:
        return None
    slowest_us = max(quantile(sorted(each), QUANTILE) for each in by_provider.values())
    return now_us - max(_MIN_LAG_US, int(slowest_us * _MARGIN))


def quantile(ascending: Sequence[int], share: float) -> int:
    """Return the value that this share of the sorted values does not exceed."""
    return ascending[min(len(ascending) - 1, int(len(ascending) * share))]
