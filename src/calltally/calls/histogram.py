"""A logarithmic histogram of whole numbers: percentiles within 1 %, and every call can be taken out again.

The idea is DDSketch's (Masson and others, VLDB 2019). Here the edges of its bins are whole numbers, computed
once without a logarithm, so that every machine puts a value into the same bin; up to 50 each value has its
own. A histogram is a mapping from bins to how many values each holds: adding and taking out go bin by bin.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from math import ceil
from typing import Final, TypeAlias

import msgspec

Bins: TypeAlias = dict[int, int]

RELATIVE_ERROR: Final = 0.01
# Beyond 49 days in milliseconds nothing is told apart.
_MOST: Final = 2**32


def _edges() -> Iterable[int]:
    """The least value of each bin: none is wider than its middle is right for, to 1 %."""
    low = 0
    while low <= _MOST:
        yield low
        # The greatest value of a bin is at most (1 + e) / (1 - e) times its least.
        low = max(low + 1, low * 101 // 99 + 1)


_LOWS: Final = tuple(_edges())
BINS: Final = len(_LOWS)
_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Bins)


def bin_of(value: int) -> int:
    """The bin of a value that is not negative."""
    return bisect_right(_LOWS, value) - 1


def middle_of(number: int) -> float:
    """What stands for every value of a bin; at most 1 % from each of them."""
    low, high = _LOWS[number], _LOWS[min(number + 1, BINS - 1)] - 1
    return 2 * low * high / (low + high) if low < high else float(low)


def percentile(bins: Mapping[int, int], share: float) -> float | None:
    """The value at or below which `share` (0 to 1) of all lie (nearest rank), within 1 %; None of none."""
    rank, seen = max(1, ceil(share * sum(bins.values()))), 0
    for number in sorted(bins):
        seen += bins[number]
        if seen >= rank:
            return middle_of(number)
    return None


def add(bins: Bins, more: Mapping[int, int], times: int = 1) -> None:
    """Add another histogram, or with `times` -1 take it out; bins that become empty go."""
    for number, count in more.items():
        left = bins.get(number, 0) + times * count
        if left:
            bins[number] = left
        else:
            bins.pop(number, None)


def pack(bins: Bins) -> bytes | None:
    """As bytes: the same for the same histogram. None for an empty one."""
    return _encoder.encode(dict(sorted(bins.items()))) if bins else None


def unpack(packed: bytes | None) -> Bins:
    """What `pack` wrote; raises msgspec.DecodeError for anything else."""
    return _decoder.decode(packed) if packed else {}
