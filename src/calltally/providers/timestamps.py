"""The forms that providers write times in, each as a reader to microseconds UTC.

Raise ValueError with words for the reader. None is a time that says "never", as an epoch of 0 does.
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
    """The date form of e-mail."""
    try:
        return parse_rfc2822(text)
    except (ValueError, OverflowError) as fault:
        raise ValueError("not an RFC 2822 time") from fault


def rfc3339(text: str) -> int:
    """RFC 3339, with its offset."""
    return parse_instant(text)


def stamp(text: str) -> int:
    """A date and a clock with a space or a `T` between them; UTC where no offset is written."""
    if not _STAMP.fullmatch(text):
        raise ValueError("not a time like 2026-08-22 08:00:42")
    moment = datetime.fromisoformat(text)
    return instant_us(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def any_stamp(text: str) -> int:
    """A date and a clock, or the date form of e-mail: of senders that are of two minds."""
    return stamp(text) if text[:1].isdigit() else rfc2822(text)


def epoch_s(text: str) -> int | None:
    """Seconds since 1970, with or without a fraction."""
    return _since_1970(text, SECOND_US, "seconds")


def epoch_ms(text: str) -> int | None:
    """Milliseconds since 1970."""
    return _since_1970(text, 1_000, "milliseconds")


def epoch_ms_or_stamp(text: str) -> int | None:
    """Milliseconds since 1970, or a date and a clock: of databases that are of two minds."""
    return stamp(text) if "-" in text[1:] else epoch_ms(text)


def epoch_us(text: str) -> int | None:
    """Microseconds since 1970."""
    return _since_1970(text, 1, "microseconds")


def _since_1970(text: str, unit_us: int, what: str) -> int | None:
    found = _NUMBER.fullmatch(text)
    if not found:
        raise ValueError(f"not a number of {what} since 1970")
    whole, fraction = int(found[1]), found[2] or "0"
    instant = whole * unit_us + int(fraction) * unit_us // 10 ** len(fraction)
    return instant or None
