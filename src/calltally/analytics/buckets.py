"""Buckets of time in a time zone: hours, days, weeks and months by local clock.

A day lasts from midnight to midnight, which may be 23 or 25 hours. An hour that the clocks repeat is two
buckets with different offsets. Pure.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from calltally.calls.errors import InvalidInput
from calltally.calls.times import EPOCH, SECOND_US, instant_us

HOUR: Final = "hour"
STEPS: Final = (HOUR, "day", "week", "month")
MAX_BUCKETS: Final = 5_000
_HOUR_US: Final = 3_600 * SECOND_US
_MINUTE_US: Final = 60 * SECOND_US


class Bucket(NamedTuple):
    """Bucket of time within the window, labelled by its local date or local hour."""

    label: str
    lo_us: int
    hi_us: int


def local_time(at_us: int, zone: ZoneInfo) -> datetime:
    return (EPOCH + timedelta(microseconds=at_us)).astimezone(zone)


def buckets_of(step: str, lo_us: int, hi_us: int, zone: ZoneInfo) -> tuple[Bucket, ...]:
    """Return the buckets of a window, earliest first. Raises InvalidInput for too many."""
    edges = _hours(lo_us, zone) if step == HOUR else _dates(step, lo_us, zone)
    found = tuple(islice(_cut(edges, lo_us, hi_us), MAX_BUCKETS + 1))
    if len(found) > MAX_BUCKETS:
        detail = f"the window has more than {MAX_BUCKETS} buckets; use a shorter window or longer steps"
        raise InvalidInput.of("group_by", f"group_by={step}: {detail}")
    return found


def _cut(edges: Iterator[tuple[str, int]], lo_us: int, hi_us: int) -> Iterator[Bucket]:
    label, start_us = next(edges)
    for next_label, next_us in edges:
        if next_us > lo_us:
            yield Bucket(label, max(start_us, lo_us), min(next_us, hi_us))
        if next_us >= hi_us:
            return
        label, start_us = next_label, next_us


def _hours(from_us: int, zone: ZoneInfo) -> Iterator[tuple[str, int]]:
    at_us = from_us - _past_hour_us(from_us, zone)
    while True:
        yield local_time(at_us, zone).isoformat(timespec="seconds"), at_us
        next_us = at_us + _HOUR_US
        past_us = _past_hour_us(next_us, zone)
        # If the clocks move by a part of an hour, that hour is longer or shorter.
        at_us = next_us - past_us if past_us < _HOUR_US // 2 else next_us + _HOUR_US - past_us


def _past_hour_us(at_us: int, zone: ZoneInfo) -> int:
    clock = local_time(at_us, zone)
    return clock.minute * _MINUTE_US + clock.second * SECOND_US + clock.microsecond


def _dates(step: str, from_us: int, zone: ZoneInfo) -> Iterator[tuple[str, int]]:
    day = _FIRST[step](local_time(from_us, zone).date())
    while True:
        yield day.isoformat(), midnight_us(day, zone)
        day = _NEXT[step](day)


def midnight_us(day: date, zone: ZoneInfo) -> int:
    """Return the start of a day in a zone: the first of two midnights, or the jump over midnight."""
    return instant_us(datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC))


_FIRST: Final[Mapping[str, Callable[[date], date]]] = {
    "day": lambda day: day,
    # ISO 8601: weeks begin on Monday.
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
}
_NEXT: Final[Mapping[str, Callable[[date], date]]] = {
    "day": lambda day: day + timedelta(days=1),
    "week": lambda day: day + timedelta(days=7),
    "month": lambda day: date(day.year + day.month // 12, day.month % 12 + 1, 1),
}


def shifted_us(at_us: int, days: int, zone: ZoneInfo) -> int:
    """Return the instant with the same local time `days` later."""
    clock = local_time(at_us, zone)
    wall = clock.replace(tzinfo=None) + timedelta(days=days)
    return instant_us(wall.replace(tzinfo=zone, fold=clock.fold).astimezone(UTC))
