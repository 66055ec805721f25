"""What an hour is to a tenant: its place in the week of its time zone, its holidays and its campaigns."""

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


class Hour(NamedTuple):
    """What one hour is to the tenant: its place in the week, and whether it is one of a holiday."""

    of_week: Ints
    is_holiday: bool

    @property
    def of_two_days(self) -> int:
        """Its place among 48: of a working day, or of a day off."""
        day, of_day = divmod(int(self.of_week[0]), _HOURS_OF_DAY)
        return of_day + (_HOURS_OF_DAY if day >= _SATURDAY else 0)


class Hours:
    """Those of one tenant, by its rules. Times are microseconds UTC."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._zone = ZoneInfo(rules.tz)
        self._holidays = frozenset(rules.holidays)

    def at(self, at_us: int) -> Hour:
        """The hour in which an instant lies; one of a holiday is one of a Sunday."""
        local = datetime.fromtimestamp(at_us // SECOND_US, UTC).astimezone(self._zone)
        is_holiday = local.date() in self._holidays
        day = _SUNDAY if is_holiday else local.weekday()
        return Hour(np.array([day * _HOURS_OF_DAY + local.hour]), is_holiday)

    def campaigns(self, at_us: int) -> list[SeriesKey]:
        """The series of which a campaign is under way."""
        windows = ((each.window_us, each.series) for each in self._rules.campaigns)
        return [series for (from_us, to_us), series in windows if from_us <= at_us < to_us]
