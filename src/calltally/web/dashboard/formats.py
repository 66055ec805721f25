"""Formats of the pages: times in the reader's zone, ids, numbers; a dash for unknown values."""

import re
from datetime import datetime
from math import floor
from typing import Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from calltally.web.dashboard.english.messages import text

DASH: Final = "\N{EN DASH}"
_SHORT_CHARS: Final = 15
_ENDS_CHARS: Final = 6
_UNITS: Final = ((86_400, "days_ago"), (3600, "hours_ago"), (60, "minutes_ago"))
# Between a number and its unit, so that a line does not break there.
_SPACE: Final = "\N{NARROW NO-BREAK SPACE}"
# A longer one would not fit on a telephone.
_HYPHENATED: Final = re.compile(r"(?<!\S)(?=\S{3,24}(?:\s|$))\w+(?:-\w+)+")
_DECIMALS_BELOW_PERCENT: Final = 10
# Below this, one decimal place would show 0.
_ONE_DECIMAL_FROM: Final = 0.1
# From here on, whole percents would show 100 for less than all.
_ALL_BUT_PERCENT: Final = 99


def local(text: str, zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(text).astimezone(zone)


def full_time(text: str | None, zone: ZoneInfo) -> str:
    """Format as `2026-10-01 09:32:30.198 CEST`; a dash for None."""
    if text is None:
        return DASH
    moment = local(text, zone)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d} {moment:%Z}"


def minute(text: str | None, zone: ZoneInfo) -> str:
    """Format an instant to the minute: `2026-10-01 09:32 CEST`; empty for None."""
    return f"{local(text, zone):%Y-%m-%d %H:%M %Z}" if text else ""


def period(since: str, until: str, zone: ZoneInfo) -> str:
    """Format as `2026-10-01 09:32 to 11:05 CEST`: the date and the zone once where both ends share them."""
    begin, end = local(since, zone), local(until, zone)
    if begin.utcoffset() != end.utcoffset():
        return text("window", since=minute(since, zone), until=minute(until, zone))
    later = f"{end:%H:%M %Z}" if begin.date() == end.date() else minute(until, zone)
    return text("window", since=f"{begin:%Y-%m-%d %H:%M}", until=later)


def ago(moment: datetime, now: datetime) -> str:
    """Format the time before `now` in one unit: `3 min ago`."""
    seconds = max(int((now - moment).total_seconds()), 0)
    for unit, name in _UNITS:
        if seconds >= unit:
            return text(name, count=seconds // unit)
    return text("just_now")


def call_path(named: str) -> str:
    return f"/calls/{quote(named, safe='')}"


def short(text: str) -> str:
    """Shorten an id in the middle: people compare its two ends."""
    if len(text) <= _SHORT_CHARS:
        return text
    return f"{text[:_ENDS_CHARS]}…{text[-_ENDS_CHARS:]}"


def unbroken(message: str) -> str:
    """Return a message in which no line breaks before a percent sign."""
    return message.replace(" %", f"{_SPACE}%")


def unhyphenated(sentence: str) -> Markup:
    """Return a sentence in which no line breaks at the hyphen of a short name, such as `otto-2`."""
    return Markup(_HYPHENATED.sub(r'<span class="steady">\g<0></span>', str(escape(sentence))))  # noqa: S704 (escaped)


def percent(share: float | None) -> str:
    """Format as `41 %`, with a decimal place below 10 % and above 99 %; a dash for None."""
    return DASH if share is None else f"{_number(100 * share)}{_SPACE}%"


def interval(low: float | None, high: float | None) -> str:
    """Format as `35 to 47 %`; empty for None."""
    return "" if low is None or high is None else f"{_number(100 * low)} to {percent(high)}"


def points(change: float | None) -> str:
    """Format a difference of two rates in percentage points, with its sign and at most one decimal place."""
    if change is None:
        return DASH
    size = _number(round(100 * abs(change), 1))
    sign = "±" if size == "0" else "+" if change > 0 else "\N{MINUS SIGN}"
    return f"{sign}{size}"


def grouped(number: int) -> str:
    return f"{number:,}"


def roughly(number: int) -> str:
    """Format an estimate with its two leading digits: `1,500,000` for 1,477,344."""
    return grouped(round(number, 2 - len(str(number))))


def _number(value: float) -> str:
    if _ALL_BUT_PERCENT < value < 100:  # noqa: PLR2004 (percent)
        return f"{floor(10 * value) / 10:g}"
    if value >= _DECIMALS_BELOW_PERCENT or value == int(value):
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= _ONE_DECIMAL_FROM else f"{value:.1g}"
