"""Windows of the comparison: today so far, and the same weekday of last week up to the same time of day.

Whole hours are read from roll-ups, and the calls of the parts of hours at their ends one by one. If these are
many, both windows are cut to whole hours, so that the page costs the same for any number of calls.
"""

from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from calltally.analytics.buckets import local_time, midnight_us, shifted_us
from calltally.calls.filters import CallFilter
from calltally.calls.times import SECOND_US
from calltally.store.rollups.window_buckets import WindowPiece, cut

# Most calls at the ends of the windows that are read one by one.
MOST_EDGE_CALLS: Final = 1_000
_WEEK_DAYS: Final = 7
_HOUR_S: Final = 3_600
_HOUR_US: Final = _HOUR_S * SECOND_US
_MINUTE_US: Final = 60 * SECOND_US


class DayWindows(NamedTuple):
    """Today's window and the one of last week; `lo_us <= t < hi_us`. Both are empty if the day just began."""

    today: WindowPiece
    last_week: WindowPiece

    @property
    def is_empty(self) -> bool:
        return self.today.lo_us >= self.today.hi_us

    @property
    def edges(self) -> list[CallFilter]:
        """Return the parts of hours at the ends of both windows, widened to whole minutes."""
        cuts = [] if self.is_empty else [cut(*window, (_HOUR_S,)) for window in self]
        pieces = [edge for each in cuts for edge in (each.first, each.last) if edge is not None]
        return [
            CallFilter(
                from_us=piece.lo_us // _MINUTE_US * _MINUTE_US,
                to_us=-(-piece.hi_us // _MINUTE_US) * _MINUTE_US,
            )
            for piece in pieces
        ]


def day_windows(now_us: int, zone: ZoneInfo) -> DayWindows:
    """Return the windows of the day in that zone up to now."""
    return _with_last_week(midnight_us(local_time(now_us, zone).date(), zone), now_us, zone)


def in_whole_hours(windows: DayWindows, zone: ZoneInfo) -> DayWindows:
    """Return the whole hours (UTC) of the windows."""
    lo_us, hi_us = windows.today
    return _with_last_week(-(-lo_us // _HOUR_US) * _HOUR_US, hi_us // _HOUR_US * _HOUR_US, zone)


def _with_last_week(lo_us: int, hi_us: int, zone: ZoneInfo) -> DayWindows:
    shifted = (shifted_us(at_us, -_WEEK_DAYS, zone) for at_us in (lo_us, hi_us))
    return DayWindows(WindowPiece(lo_us, hi_us), WindowPiece(*shifted))
