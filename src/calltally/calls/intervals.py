"""Confidence intervals of rates, and the test that two rates differ by more than chance. Pure statistics.

Sources: E. B. Wilson, JASA 22 (1927), for one proportion; R. G. Newcombe, Statistics in Medicine 17 (1998),
method 10, for the difference of two.
"""

from functools import lru_cache
from math import hypot, sqrt
from statistics import NormalDist
from typing import Final, NamedTuple

CONFIDENCE: Final = 0.95
# Rates of fewer calls are marked as those of a small sample.
SMALL_SAMPLE: Final = 30
_NORMAL: Final = NormalDist()


class Interval(NamedTuple):
    """Interval from low to high, within 0 to 1 for a rate, within -1 to 1 for a difference."""

    low: float
    high: float


class Proportion(NamedTuple):
    """Proportion of calls: a numerator and a denominator."""

    numerator: int
    denominator: int

    @property
    def value(self) -> float | None:
        return self.numerator / self.denominator if self.denominator else None


@lru_cache(maxsize=64)
def two_sided(confidence: float) -> float:
    """Return the number of standard deviations to either side of an interval of that confidence."""
    return _NORMAL.inv_cdf((1 + confidence) / 2)


_Z: Final = two_sided(CONFIDENCE)


# A response needs the same proportion twice, and hours of few calls often have equal ones.
@lru_cache(maxsize=4_096)
def wilson(share: Proportion, z: float = _Z) -> Interval | None:
    """Return the Wilson interval of an observed rate; None for a denominator of 0."""
    return Interval(*bounds(*share, z)) if share.denominator else None


def bounds(events: int, calls: int, z: float = _Z) -> tuple[float, float]:
    """Return the Wilson interval as two numbers, which is faster for thousands; `calls` must not be 0."""
    p, squared = events / calls, z * z
    shrunk = 1 + squared / calls
    middle = (p + squared / (2 * calls)) / shrunk
    reach = z / shrunk * sqrt(p * (1 - p) / calls + squared / (4 * calls * calls))
    # With all or none of the calls, the bound is exact and must have no rounding error.
    low = 0.0 if events == 0 else max(0.0, middle - reach)
    return low, 1.0 if events == calls else min(1.0, middle + reach)


def difference(one: Proportion, other: Proportion, z: float = _Z) -> Interval | None:
    """Return the interval of `one` minus `other`; None if either has a denominator of 0."""
    if not one.denominator or not other.denominator:
        return None
    return Interval(*difference_bounds(one, other, z))


def difference_bounds(one: tuple[int, int], other: tuple[int, int], z: float = _Z) -> tuple[float, float]:
    """Return the interval of a difference as two numbers, which is faster; no denominator may be 0."""
    (low, high), (other_low, other_high) = bounds(*one, z), bounds(*other, z)
    p, q = one[0] / one[1], other[0] / other[1]
    return p - q - hypot(p - low, other_high - q), p - q + hypot(high - p, q - other_low)


def is_more_than_chance(one: Proportion, other: Proportion, comparisons: int = 1) -> bool | None:
    """Decide whether two rates differ, among `comparisons` at once; None if either has a denominator of 0.

    Corrected after Bonferroni: at most one in twenty responses has any wrong comparison.
    """
    interval = difference(one, other, two_sided(1 - (1 - CONFIDENCE) / comparisons))
    return None if interval is None else not interval.low <= 0 <= interval.high
