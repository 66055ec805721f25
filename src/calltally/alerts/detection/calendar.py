"""Calendar of a tenant: hours of the week in its time zone, holidays and campaigns."""

from datetime import UTC, datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from calltally.alerts.detection.signals import Ints
from calltally.alerts.model.rules import Rules
from calltally.alerts.model.series import SeriesKey
from calltally.calls.times import SECOND_US

_SATURDAY, _SUNDAY = 5, 6
_HOURS_OF_DAY: Final = 24


class CalendarHour(NamedTuple):
    """One hour of the tenant: its index in the week, and its holiday flag."""

    of_week: Ints
    is_holiday: bool

    @property
    def bin_of_48(self) -> int:
        """Index among 48 hours: those of a working day, then those of a day off."""
        day, hour_of_day = divmod(int(self.of_week[0]), _HOURS_OF_DAY)
        return hour_of_day + (_HOURS_OF_DAY if day >= _SATURDAY else 0)


class TenantCalendar:
    """Calendar of one tenant by its rules. Times are microseconds UTC."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._zone = ZoneInfo(rules.tz)
        self._holidays = frozenset(rules.holidays)

    def hour_at(self, at_us: int) -> CalendarHour:
        """Return the hour of an instant; an hour of a holiday counts as one of a Sunday."""
        local = datetime.fromtimestamp(at_us // SECOND_US, UTC).astimezone(self._zone)
        is_holiday = local.date() in self._holidays
        day = _SUNDAY if is_holiday else local.weekday()
        return CalendarHour(np.array([day * _HOURS_OF_DAY + local.hour]), is_holiday)

    def active_campaigns(self, at_us: int) -> list[SeriesKey]:
        windows = ((each.window_us, each.series) for each in self._rules.campaigns)
        return [series for (from_us, to_us), series in windows if from_us <= at_us < to_us]
