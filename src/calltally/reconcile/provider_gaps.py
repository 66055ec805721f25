"""Gaps in a provider's calls that are longer than its usual gaps.

Counted in whole hours, UTC. The usual gaps come from the past, so they include a tenant's nights and
weekends.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from calltally.calls.times import DAY_US, SECOND_US

# The usual gaps are taken from this period before a window.
USUAL_PERIOD_US: Final = 28 * DAY_US
_HOUR_S: Final = 3_600
# A gap that occurred this often is usual, whatever its length: four weekends are.
_USUAL_TIMES: Final = 3
_MARGIN: Final = 1.5
_MIN_GAP_H: Final = 3
# The minimum of hours with calls. With fewer hours there is no usual gap.
_MIN_ACTIVE_HOURS: Final = 24


class ProviderGap(msgspec.Struct, frozen=True):
    """Whole hours without a call of one provider; microseconds UTC, `to_us` is None for a gap that lasts."""

    provider: str
    from_us: int
    to_us: int | None
    hours: int
    usual_hours: int


class GapWindow(msgspec.Struct, frozen=True):
    """Window to check, and the end of the complete hours; microseconds UTC."""

    from_us: int
    to_us: int
    complete_to_us: int


def find_gaps(provider: str, hours_s: Sequence[int], window: GapWindow) -> list[ProviderGap]:
    """Return the unusual gaps in the window. `hours_s` are the hours with calls, ascending, with the past."""
    if len(hours_s) < _MIN_ACTIVE_HOURS:
        return []
    ends = [*hours_s[1:], window.complete_to_us // SECOND_US // _HOUR_S * _HOUR_S]
    gaps = [(begin + _HOUR_S, (end - begin) // _HOUR_S - 1) for begin, end in zip(hours_s, ends, strict=True)]
    usual_h = sorted((idle_h for _, idle_h in gaps), reverse=True)[_USUAL_TIMES - 1]
    most_h = max(_MIN_GAP_H, usual_h * _MARGIN)
    found = []
    for begin_s, idle_h in gaps:
        from_us, to_us = begin_s * SECOND_US, (begin_s + idle_h * _HOUR_S) * SECOND_US
        lasts = (begin_s, idle_h) == gaps[-1]
        if idle_h > most_h and from_us < window.to_us and (lasts or to_us > window.from_us):
            found.append(ProviderGap(provider, from_us, None if lasts else to_us, idle_h, max(usual_h, 0)))
    return found
