"""Parsers of providers' time formats to microseconds UTC.

They raise ValueError with a message for users. None stands for "never", such as an epoch of 0.
"""

import re
from datetime import UTC, datetime
from typing import Final

from calltally.calls.times import SECOND_US, instant_us, parse_instant, parse_rfc2822

_NUMBER: Final = re.compile(r"(\d{1,18})(?:\.(\d{1,12}))?", re.ASCII)
_STAMP: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:?\d{2})?", re.ASCII
)


def rfc2822(text: str) -> int:
    """Parse RFC 2822, the date format of e-mail."""
    try:
        return parse_rfc2822(text)
    except (ValueError, OverflowError) as fault:
        raise ValueError("not an RFC 2822 time") from fault


def rfc3339(text: str) -> int:
    """Parse RFC 3339 with its offset."""
    return parse_instant(text)


def stamp(text: str) -> int:
    """Parse a date and time with a space or `T` between them; UTC without an offset."""
    if not _STAMP.fullmatch(text):
        raise ValueError("not a time like 2026-08-22 08:00:42")
    moment = datetime.fromisoformat(text)
    return instant_us(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def any_stamp(text: str) -> int:
    """Parse a date and time, or RFC 2822, for senders that use both."""
    return stamp(text) if text[:1].isdigit() else rfc2822(text)


def epoch_s(text: str) -> int | None:
    """Parse seconds since 1970, with or without a fraction."""
    return _since_1970(text, SECOND_US, "seconds")


def epoch_ms(text: str) -> int | None:
    """Parse milliseconds since 1970."""
    return _since_1970(text, 1_000, "milliseconds")


def epoch_ms_or_stamp(text: str) -> int | None:
    """Parse milliseconds since 1970, or a date and time, for databases that use both."""
    return stamp(text) if "-" in text[1:] else epoch_ms(text)


def epoch_us(text: str) -> int | None:
    """Parse microseconds since 1970."""
    return _since_1970(text, 1, "microseconds")


def _since_1970(text: str, unit_us: int, unit: str) -> int | None:
    found = _NUMBER.fullmatch(text)
    if not found:
        raise ValueError(f"not a number of {unit} since 1970")
    whole, fraction = int(found[1]), found[2] or "0"
    instant = whole * unit_us + int(fraction) * unit_us // 10 ** len(fraction)
    return instant or None
