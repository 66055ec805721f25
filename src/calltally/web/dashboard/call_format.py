"""Formats of a call: times in the reader's zone, durations as text, a dash for unknown values."""

from datetime import datetime
from typing import Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from calltally.web.dashboard.english.messages import text

DASH: Final = "\N{EN DASH}"
_SHORT_CHARS: Final = 15
_ENDS_CHARS: Final = 6
_UNITS: Final = ((86_400, "days_ago"), (3600, "hours_ago"), (60, "minutes_ago"))


def local(text: str, zone: ZoneInfo) -> datetime:
    """Convert an instant of a record to the reader's zone."""
    return datetime.fromisoformat(text).astimezone(zone)


def full_time(text: str | None, zone: ZoneInfo) -> str:
    """Format as `2026-10-01 09:32:30.198 CEST`; a dash for None."""
    if text is None:
        return DASH
    moment = local(text, zone)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d} {moment:%Z}"


def call_path(named: str) -> str:
    """Return the path of a call's page."""
    return f"/calls/{quote(named, safe='')}"


def short(text: str) -> str:
    """Shorten an id in the middle: people compare its two ends."""
    if len(text) <= _SHORT_CHARS:
        return text
    return f"{text[:_ENDS_CHARS]}…{text[-_ENDS_CHARS:]}"


def ago(moment: datetime, now: datetime) -> str:
    """Format the time before `now` in one unit: `3 min ago`."""
    seconds = max(int((now - moment).total_seconds()), 0)
    for unit, name in _UNITS:
        if seconds >= unit:
            return text(name, number=seconds // unit)
    return text("just_now")
