"""Open calls beyond the limits of the alert rules.

The alerts on missing final states learn longer limits for slow providers. Here the limits are those of the
rules, so that counters give the numbers.
"""

from typing import Any, Final, NamedTuple

from calltally.alerts.model.rules import Rules
from calltally.calls.filters import CallFilter
from calltally.calls.model import OPEN, STATUSES
from calltally.calls.times import DAY_US, SECOND_US
from calltally.web.dashboard.alerts.alert_lines import duration_text
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.formats import grouped
from calltally.web.dashboard.overview.today import filtered_path

# As for the alerts: older open calls have been reported already.
_LOOK_BACK_US: Final = 30 * DAY_US
_MINUTE_US: Final = 60 * SECOND_US
_HOUR_S: Final = 3_600


class OpenLimit(NamedTuple):
    """Open statuses with one limit, and the filter of their calls beyond it."""

    statuses: tuple[str, ...]
    limit_s: int
    calls: CallFilter


def open_limits(rules: Rules, now_us: int) -> list[OpenLimit]:
    """Return the limits with their statuses, shortest first. Windows begin and end at full minutes."""
    statuses: dict[int, list[str]] = {}
    for status in (each for each in STATUSES if each in OPEN):
        hours = float(getattr(rules.floors, f"{status.name.lower()}_hours"))
        statuses.setdefault(int(hours * _HOUR_S), []).append(status.value)
    return [_limit(tuple(each), limit_s, now_us) for limit_s, each in sorted(statuses.items())]


def _limit(statuses: tuple[str, ...], limit_s: int, now_us: int) -> OpenLimit:
    to_us = (now_us - limit_s * SECOND_US) // _MINUTE_US * _MINUTE_US
    calls = CallFilter(statuses=statuses, from_us=to_us - _LOOK_BACK_US, to_us=to_us)
    return OpenLimit(statuses, limit_s, calls)


def _limit_text(limit_s: int) -> str:
    hours, rest_s = divmod(limit_s, _HOUR_S)
    return duration_text(limit_s) if rest_s or not hours else text("whole_hours", hours=hours)


def open_lines(limits: list[OpenLimit], numbers: list[int]) -> list[dict[str, Any]]:
    """Return a line for each limit that calls exceed; `numbers` are their calls."""
    return [
        {
            "text": text(
                "open_beyond",
                count=grouped(number),
                statuses=" or ".join(limit.statuses).replace("-", " "),
                limit=_limit_text(limit.limit_s),
            ),
            "path": filtered_path(limit.calls),
        }
        for limit, number in zip(limits, numbers, strict=True)
        if number
    ]
