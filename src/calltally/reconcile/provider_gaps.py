"""Silences: for how long a provider told of no call, against how long it usually does not.

By whole hours, in UTC. What is usual is what happened before: the nights and week-ends of a tenant are in it.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from calltally.calls.times import DAY_US, SECOND_US

# From so long before a window the usual is taken.
LOOK_BACK_US: Final = 28 * DAY_US
_HOUR_S: Final = 3_600
# A gap that came so often is usual, however long: four week-ends are.
_USUAL_TIMES: Final = 3
_MARGIN: Final = 1.5
_LEAST_H: Final = 3
# Of whom so little is known nothing can be said.
_LEAST_HOURS: Final = 24


class Silence(msgspec.Struct, frozen=True):
    """Whole hours without a call of one provider; microseconds UTC, `to_us` is None where it lasts."""

    provider: str
    from_us: int
    to_us: int | None
    hours: int
    usual_hours: int


class Stretch(msgspec.Struct, frozen=True):
    """The window that is looked at, and until when hours are known; microseconds UTC."""

    from_us: int
    to_us: int
    known_to_us: int


def silences(provider: str, hours_s: Sequence[int], stretch: Stretch) -> list[Silence]:
    """Those that reach into the window. `hours_s` are the hours with calls, ascending, from before it on."""
    if len(hours_s) < _LEAST_HOURS:
        return []
    ends = [*hours_s[1:], stretch.known_to_us // SECOND_US // _HOUR_S * _HOUR_S]
    gaps = [(begin + _HOUR_S, (end - begin) // _HOUR_S - 1) for begin, end in zip(hours_s, ends, strict=True)]
    usual_h = sorted((idle_h for _, idle_h in gaps), reverse=True)[_USUAL_TIMES - 1]
    most_h = max(_LEAST_H, usual_h * _MARGIN)
    found = [_silence(provider, gap, usual_h) for gap in gaps if gap[1] > most_h]
    if found and gaps[-1][1] > most_h:
        found[-1] = msgspec.structs.replace(found[-1], to_us=None)
    return [each for each in found if _reaches(each, stretch)]


def _silence(provider: str, gap: tuple[int, int], usual_h: int) -> Silence:
    begin_s, idle_h = gap
    from_us = begin_s * SECOND_US
    return Silence(provider, from_us, from_us + idle_h * _HOUR_S * SECOND_US, idle_h, max(usual_h, 0))


def _reaches(silence: Silence, stretch: Stretch) -> bool:
    ends_later = silence.to_us is None or silence.to_us > stretch.from_us
    return silence.from_us < stretch.to_us and ends_later
