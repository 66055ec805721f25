"""Logarithmic histogram of whole numbers: percentiles within 1 %, and every value can be removed again.

The idea is DDSketch's (Masson and others, VLDB 2019). Here the edges of the bins are whole numbers, computed
once without a logarithm, so that every machine puts a value into the same bin. Up to 50, each value has its
own bin. A histogram maps bins to their number of values; addition and removal work bin by bin.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from math import ceil
from typing import Final, TypeAlias

import msgspec

Bins: TypeAlias = dict[int, int]

RELATIVE_ERROR: Final = 0.01
# Values above 49 days in milliseconds share one bin.
_MAX_VALUE: Final = 2**32


def _edges() -> Iterable[int]:
    """Yield the least value of each bin. Each bin's middle is within 1 % of all its values."""
    low = 0
    while low <= _MAX_VALUE:
        yield low
        # The greatest value of a bin is at most (1 + e) / (1 - e) times its least.
        low = max(low + 1, low * 101 // 99 + 1)


_LOWS: Final = tuple(_edges())
BINS: Final = len(_LOWS)
_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Bins)


def bin_of(value: int) -> int:
    """Return the bin of a value, which must not be negative."""
    return bisect_right(_LOWS, value) - 1


def middle_of(number: int) -> float:
    """Return the middle of a bin, at most 1 % from each of its values."""
    low, high = _LOWS[number], _LOWS[min(number + 1, BINS - 1)] - 1
    return 2 * low * high / (low + high) if low < high else float(low)


def percentile(bins: Mapping[int, int], share: float) -> float | None:
    """Return the value of nearest rank at `share` (0 to 1), within 1 %; None for an empty histogram."""
    rank, count = max(1, ceil(share * sum(bins.values()))), 0
    for number in sorted(bins):
        count += bins[number]
        if count >= rank:
            return middle_of(number)
    return None


def add(bins: Bins, more: Mapping[int, int], times: int = 1) -> None:
    """Add another histogram, or remove it with `times` -1; empty bins are deleted."""
    for number, count in more.items():
        left = bins.get(number, 0) + times * count
        if left:
            bins[number] = left
        else:
            bins.pop(number, None)


def pack(bins: Bins) -> bytes | None:
    """Return the bytes of a histogram, equal for equal histograms; None for an empty one."""
    return _encoder.encode(dict(sorted(bins.items()))) if bins else None


def unpack(packed: bytes | None) -> Bins:
    """Return the histogram from the bytes of `pack`; raises msgspec.DecodeError for other bytes."""
    return _decoder.decode(packed) if packed else {}
