"""How sure a rate is, and whether two rates differ by more than chance. Pure statistics.

Sources: E. B. Wilson, JASA 22 (1927), for one proportion; R. G. Newcombe, Statistics in Medicine 17 (1998),
method 10, for the difference of two.
"""

from functools import lru_cache
from math import hypot, sqrt
from statistics import NormalDist
from typing import Final, NamedTuple

CONFIDENCE: Final = 0.95
# Under so many calls a rate is told apart as one of a small sample.
SMALL_SAMPLE: Final = 30
_NORMAL: Final = NormalDist()


class Interval(NamedTuple):
    """From low to high, both from 0 to 1, or from -1 to 1 of a difference."""

    low: float
    high: float


class Proportion(NamedTuple):
    """So many of so many."""

    numerator: int
    denominator: int

    @property
    def value(self) -> float | None:
        """The rate; None of nothing."""
        return self.numerator / self.denominator if self.denominator else None


@lru_cache(maxsize=64)
def two_sided(confidence: float) -> float:
    """How many standard deviations an interval of that confidence reaches to either side."""
    return _NORMAL.inv_cdf((1 + confidence) / 2)


_Z: Final = two_sided(CONFIDENCE)


# An answer asks for the same share twice, and hours of few calls are much alike.
@lru_cache(maxsize=4_096)
def wilson(share: Proportion, z: float = _Z) -> Interval | None:
    """Where the rate behind what was seen lies; None where nothing was seen."""
    return Interval(*bounds(*share, z)) if share.denominator else None


def bounds(events: int, calls: int, z: float = _Z) -> tuple[float, float]:
    """The same as two numbers, for who has thousands; of some calls."""
    p, squared = events / calls, z * z
    shrunk = 1 + squared / calls
    middle = (p + squared / (2 * calls)) / shrunk
    reach = z / shrunk * sqrt(p * (1 - p) / calls + squared / (4 * calls * calls))
    # Where all or none are, the bound is exact and must not be off by a rounding.
    low = 0.0 if events == 0 else max(0.0, middle - reach)
    return low, 1.0 if events == calls else min(1.0, middle + reach)


def difference(one: Proportion, other: Proportion, z: float = _Z) -> Interval | None:
    """Where `one` less `other` lies; None where either is of nothing."""
    if not one.denominator or not other.denominator:
        return None
    return Interval(*difference_bounds(one, other, z))


def difference_bounds(one: tuple[int, int], other: tuple[int, int], z: float = _Z) -> tuple[float, float]:
    """The same as two numbers, for who has thousands; of some calls both."""
    (low, high), (other_low, other_high) = bounds(*one, z), bounds(*other, z)
    p, q = one[0] / one[1], other[0] / other[1]
    return p - q - hypot(p - low, other_high - q), p - q + hypot(high - p, q - other_low)


def is_more_than_chance(one: Proportion, other: Proportion, comparisons: int = 1) -> bool | None:
    """Whether two rates differ although `comparisons` are made at once; None where either is of nothing.

    By Bonferroni: of an answer with many comparisons at most one in twenty has a single one wrong.
    """
    interval = difference(one, other, two_sided(1 - (1 - CONFIDENCE) / comparisons))
    return None if interval is None else not interval.low <= 0 <= interval.high
