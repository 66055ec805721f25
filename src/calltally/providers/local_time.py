"""Local times without an offset, as switches write them."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from calltally.calls.times import SECOND_US, instant_us

UTC_NAME: Final = "UTC"
_STAMP_CHARS: Final = len("2026-08-22 08:00:42")
_MAX_NAME_CHARS: Final = 64
_HOUR_CHARS: Final = len("2026-08-22 08")


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """Return an IANA time zone; raise ValueError with a message for users."""
    try:
        return ZoneInfo(name[:_MAX_NAME_CHARS])
    except (ZoneInfoNotFoundError, ValueError, OSError) as fault:
        raise ValueError(
            f"there is no time zone {name[:_MAX_NAME_CHARS]!r}; use an IANA name such as Europe/Berlin"
        ) from fault


def local_stamp(text: str, zone_name: str) -> int:
    """Convert `2026-08-22 08:00:42` in a zone to microseconds UTC; a `T` and a fraction are allowed.

    An offset in the text overrides the zone. If clocks are set back and an hour occurs twice, the first one
    counts. Raises ValueError.
    """
    if len(text) == _STAMP_CHARS and text[10] in " T":
        # Nearly every time of a file is in an hour that is already cached.
        digits = text[14:16] + text[17:19]
        if text[13] == text[16] == ":" and digits.isascii() and digits.isdigit():
            minute, second = int(digits[:2]), int(digits[2:])
            if minute < 60 and second < 60:  # noqa: PLR2004 (of an hour and of a minute)
                return _hour_us(text[:_HOUR_CHARS], zone_name) + (minute * 60 + second) * SECOND_US
    return _parsed(text, zone_name)


@lru_cache(maxsize=4_096)
def _hour_us(hour: str, zone_name: str) -> int:
    return _parsed(f"{hour}:00:00", zone_name)


def _parsed(text: str, zone_name: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as fault:
        raise ValueError("not a time like 2026-08-22 08:00:42") from fault
    zone = UTC if zone_name == UTC_NAME else zone_of(zone_name)
    return instant_us(moment if moment.tzinfo else moment.replace(tzinfo=zone))
