"""The window of the list as people type it, in their own zone; in the URL it stands in UTC, for all alike."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from calltally.calls.times import EPOCH, parse_instant
from calltally.web.request.query import Pairs

# What the form's two fields are called, and what the list calls them.
_NAMES: Final = {"from_local": "from", "to_local": "to"}
_FIELD: Final = "%Y-%m-%dT%H:%M"
_WEEK: Final = timedelta(days=7)


class WindowChoice(NamedTuple):
    """A stretch of time to choose: the name of its words, and its ends as the list takes them."""

    name: str
    begin: str
    end: str


def has_local_times(pairs: Pairs) -> bool:
    """Whether the query comes from the form, and is to be written as the list has it."""
    return any(name in _NAMES for name, _value in pairs)


def in_utc(pairs: Pairs, zone: ZoneInfo) -> Pairs:
    """The query with the form's times in UTC; one that cannot be read stays, for the list to refuse."""
    return tuple(
        (_NAMES[name], _utc(value, zone)) if name in _NAMES else (name, value) for name, value in pairs
    )


def field_value(text: str, zone: ZoneInfo) -> str:
    """An end of the window as the form's field wants it; empty where there is none that can be read."""
    try:
        moment = EPOCH + timedelta(microseconds=parse_instant(text))
        return moment.astimezone(zone).strftime(_FIELD)
    except (ValueError, OverflowError):
        return ""


def window_choices(now: datetime, zone: ZoneInfo) -> Iterator[WindowChoice]:
    """What people look at most; days are the reader's."""
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
