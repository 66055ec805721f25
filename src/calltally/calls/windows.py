"""Time window as users write it: a month, or a start and an end."""

import re
from datetime import MAXYEAR
from typing import Final, NamedTuple

from calltally.calls.errors import InvalidInput
from calltally.calls.times import parse_instant

_MONTH: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)
_MONTHS: Final = 12
# The first and the last whole second that a time can be written as.
FIRST_US: Final = parse_instant("0001-01-01")
LAST_US: Final = parse_instant("9999-12-31T23:59:59Z")


class TimeWindow(NamedTuple):
    """Time window from `from_us` (included) to `to_us` (excluded), microseconds UTC."""

    from_us: int
    to_us: int


def parse_window(month: str | None, from_: str | None, to: str | None) -> TimeWindow:
    """Return the window of a month (`2026-10`, in UTC), or of a start and an end.

    Raises InvalidInput if neither or both are given, cannot be parsed, or end before they start.
    """
    if month is not None:
        if from_ is not None or to is not None:
            raise InvalidInput.of("window", "a month is already a window; leave out --from and --to")
        return _month(month)
    if from_ is None or to is None:
        raise InvalidInput.of("window", "no window is given; give --month 2026-10, or both --from and --to")
    window = TimeWindow(_instant("from", from_), _instant("to", to))
    if window.from_us >= window.to_us:
        raise InvalidInput.of("from", "from must be earlier than to: the window is from <= created_at < to")
    return window


def _month(text: str) -> TimeWindow:
    found = _MONTH.fullmatch(text)
    if not found:
        raise InvalidInput.of("window", f"{text[:40]!r} is not a month; write it as 2026-10")
    year, month = int(found[1]), int(found[2])
    if (year, month) == (MAXYEAR, _MONTHS):
        raise InvalidInput.of(
            "window", f"{text} ends after the year 9999, the latest supported year; choose an earlier month"
        )
    after = (year + 1, 1) if month == _MONTHS else (year, month + 1)
    try:
        return TimeWindow(parse_instant(f"{text}-01"), parse_instant(f"{after[0]:04d}-{after[1]:02d}-01"))
    except ValueError as fault:
        raise InvalidInput.of("window", f"{text}: {fault}") from fault


def _instant(name: str, text: str) -> int:
    try:
        return parse_instant(text)
    except ValueError as fault:
        raise InvalidInput.of(name, f"--{name}: {fault}") from fault
