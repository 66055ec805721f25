"""Series that the alerts still learn: the tenant as a whole, or new routes, agents and providers.

The detectors judge a series after two weeks of hours that they may learn from. Holidays and campaigns do not
count, so the end of that time is the earliest possible.
"""

from typing import Any, Final
from zoneinfo import ZoneInfo

from calltally.alerts.model.finding import AlertKind
from calltally.alerts.model.rules import Rules
from calltally.analytics.buckets import local_time
from calltally.calls.times import SECOND_US, utc_text
from calltally.store.overview.read import StoredOverview
from calltally.web.dashboard.calls.links import url
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.formats import minute

LEARNING_S: Final = 14 * 86_400
_HOUR_S: Final = 3_600
_DAY_S: Final = 86_400
_MOST_LINES: Final = 6
# An evaluation follows every five minutes; more than this means that no worker evaluates.
_LATE_US: Final = 1_200 * SECOND_US


def learning_values(stored: StoredOverview, now_us: int, zone: ZoneInfo) -> dict[str, Any]:
    """Return the end of the tenant's own learning, and lines of series that learn for longer."""
    first_s, now_s = stored.first_s or 0, now_us // SECOND_US
    tenant_until_s = first_s + LEARNING_S
    series = [
        (each.first_s, dimension, each.value)
        for dimension, of_dimension in stored.activity.items()
        for each in of_dimension
        # Series of the tenant's first day learn as long as the tenant.
        if each.first_s + LEARNING_S > now_s and each.first_s >= first_s + _DAY_S
    ]
    lines = [
        {
            "text": text("learns_series", dimension=text(f"by_{dimension}"), name=value),
            "until": _date(since_s + LEARNING_S, zone),
            "path": url([(dimension, value)]),
        }
        for since_s, dimension, value in sorted(series)
    ]
    return {
        "tenant_learns_until": _date(tenant_until_s, zone) if tenant_until_s > now_s else "",
        "learning": lines[:_MOST_LINES],
        "learning_more": max(len(lines) - _MOST_LINES, 0),
    }


def evaluation_values(rules: Rules, stored: StoredOverview, now_us: int, zone: ZoneInfo) -> dict[str, Any]:
    """Return whether the rules have alerts on rates, and a warning if the evaluation of alerts is overdue."""
    evaluated_us = stored.evaluated_us
    # A tenant's first call is evaluated within minutes; its time is known to the hour.
    due_us = max(evaluated_us, ((stored.first_s or 0) + _HOUR_S) * SECOND_US)
    is_late = now_us - due_us > _LATE_US
    at = minute(utc_text(evaluated_us), zone)
    overdue = text("evaluation_late", at=at) if evaluated_us else text("evaluation_none")
    return {
        "has_detectors": bool({AlertKind.RATE, AlertKind.SILENCE} & set(rules.kinds)),
        "evaluation": overdue if is_late else "",
    }


def _date(at_s: int, zone: ZoneInfo) -> str:
    return f"{local_time(at_s * SECOND_US, zone):%-d %B %Y}"
