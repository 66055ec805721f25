"""Time window of the list: the form has local time, the URL has UTC."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from calltally.calls.times import EPOCH, parse_instant
from calltally.web.request.query import Pairs

# Field names of the form, and parameters of the list.
_NAMES: Final = {f"{name}_local": name for name in ("from", "to", "updated_from", "updated_to")}
_FIELD: Final = "%Y-%m-%dT%H:%M"
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_WEEK: Final = timedelta(days=7)


class WindowChoice(NamedTuple):
    """A predefined window: the key of its text, and its ends as parameters of the list."""

    name: str
    begin: str
    end: str


def has_local_times(pairs: Pairs) -> bool:
    """Return whether the query comes from the form and needs conversion."""
    return any(name in _NAMES for name, _value in pairs)


def in_utc(pairs: Pairs, zone: ZoneInfo) -> Pairs:
    """Convert the form's times to UTC. An invalid time stays, so that the list refuses it."""
    return tuple(
        (_NAMES[name], _utc(value, zone)) if name in _NAMES else (name, value) for name, value in pairs
    )


def field_value(text: str, zone: ZoneInfo) -> str:
    """Format an end of the window for the form field; empty if it is missing or invalid."""
    try:
        moment = EPOCH + timedelta(microseconds=parse_instant(text))
        return moment.astimezone(zone).strftime(_FIELD)
    except (ValueError, OverflowError):
        return ""


def day_window(text: str, zone: ZoneInfo) -> Pairs:
    """Return the window of a day such as 2026-10-31 in the reader's zone; empty for another text."""
    if not _DAY.fullmatch(text):
        return ()
    try:
        day = datetime.fromisoformat(text).replace(tzinfo=zone)
        return ("from", _text(day)), ("to", _text(day + timedelta(days=1)))
    except (ValueError, OverflowError):
        return ()


def window_choices(now: datetime, zone: ZoneInfo) -> Iterator[WindowChoice]:
    """Yield the predefined windows; days are in the reader's zone."""
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    yield WindowChoice("last_hour", _text(now - timedelta(hours=1)), "")
    yield WindowChoice("today", _text(today), "")
    yield WindowChoice("yesterday", _text(today - timedelta(days=1)), _text(today))
    yield WindowChoice("last_week", _text(today - _WEEK), "")


def _utc(text: str, zone: ZoneInfo) -> str:
    try:
        return _text(datetime.fromisoformat(text).replace(tzinfo=zone))
    except (ValueError, OverflowError):
        return text


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"
