"""How a mapping may say that a value is read: by name, for each kind of field."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from calltally.calls.times import instant_us, parse_instant
from calltally.providers import timestamps, value_parsers
from calltally.providers.local_time import local_stamp, zone_of

# Reads one value's text, told the time zone of the mapping. Raises ValueError with words for the reader.
Read = Callable[[str, str], Any]

MAX_SUMMARY_CHARS: Final = 32_768
MAX_FORMAT_CHARS: Final = 64
_MAX_TIME_CHARS: Final = 64
_CLOCK: Final = re.compile(r"(?:(\d{1,4}):)?(\d{1,4}):(\d{2})(?:\.\d{1,6})?", re.ASCII)
_ISO_LENGTH: Final = re.compile(r"PT(?:(\d{1,4})H)?(?:(\d{1,6})M)?(?:(\d{1,9}(?:\.\d{1,6})?)S)?", re.ASCII)
_FLAGS: Final = {
    **dict.fromkeys(("true", "yes", "y", "1", "on"), True),
    **dict.fromkeys(("false", "no", "n", "0", "off"), False),
}


class Kind(NamedTuple):
    """What a field takes: its readers by name, the first of which is meant where none is named."""

    readers: Mapping[str, Read]

    @property
    def default(self) -> str:
        """The reader that is meant where none is named."""
        return next(iter(self.readers))


def _plain(read: Callable[[str], Any]) -> Read:
    def plain(text: str, _zone: str) -> Any:  # noqa: ANN401 (what the reader makes of it)
        return read(text)

    return plain


def _time(text: str, zone: str) -> int:
    """RFC 3339, or a date and a clock in the mapping's zone."""
    text = text[:_MAX_TIME_CHARS].strip()
    try:
        return local_stamp(text, zone)
    except ValueError:
        return parse_instant(text)


def by_format(pattern: str) -> Read:
    """Reads a time by a format of strptime; raises ValueError for a format that is none."""
    if len(pattern) > MAX_FORMAT_CHARS or "%" not in pattern:
        raise ValueError(f"a format has up to {MAX_FORMAT_CHARS} characters, like %d.%m.%Y %H:%M:%S")
    sample = datetime(2026, 8, 22, 8, 0, 42, 500_000, tzinfo=zone_of("UTC")).strftime(pattern)
    _parsed(sample, pattern)

    def read(text: str, zone: str) -> int:
        moment = _parsed(text[:_MAX_TIME_CHARS].strip(), pattern)
        return instant_us(moment if moment.tzinfo else moment.replace(tzinfo=zone_of(zone)))

    return read


def _parsed(text: str, pattern: str) -> datetime:
    try:
        return datetime.strptime(text, pattern)  # noqa: DTZ007 (the zone is the mapping's)
    except (ValueError, re.error) as fault:
        raise ValueError(f"not a time of the format {pattern}") from fault


def _clock(text: str) -> float:
    """`1:02:03` or `2:03`."""
    found = _CLOCK.fullmatch(text.strip())
    if not found:
        raise ValueError("not a length like 0:02:03 or 2:03")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return float(hours * 3_600 + minutes * 60 + seconds)


def _iso_length(text: str) -> float:
    """`PT1H2M3S` of ISO 8601."""
    found = _ISO_LENGTH.fullmatch(text.strip())
    if not found or not any(found.groups()):
        raise ValueError("not a length like PT2M3S")
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return hours * 3_600 + minutes * 60 + seconds


def _minutes(text: str) -> float:
    return value_parsers.seconds(text) * 60


def _flag(text: str) -> bool:
    if text.strip().lower() not in _FLAGS:
        raise ValueError(f"not one of {', '.join(_FLAGS)}")
    return _FLAGS[text.strip().lower()]


def _tags(text: str) -> list[str]:
    return sorted({value_parsers.word(part.strip()) for part in text.split(",") if part.strip()})[:100]


def _kind(**readers: Callable[[str], Any]) -> Kind:
    return Kind({name: _plain(read) for name, read in readers.items()})


ID: Final = _kind(text=value_parsers.sid)
WORD: Final = _kind(text=value_parsers.word)
SUMMARY: Final = _kind(text=value_parsers.up_to(MAX_SUMMARY_CHARS))
PARTY: Final = _kind(number=value_parsers.number, bare_number=value_parsers.bare_number)
LINK: Final = _kind(link=value_parsers.link)
FLAG: Final = _kind(flag=_flag)
TAGS: Final = _kind(commas=_tags)
SEQUENCE: Final = _kind(whole=value_parsers.between(0, 999_999_999))
SIP: Final = _kind(whole=value_parsers.sip_code)
Q850: Final = _kind(whole=value_parsers.between(0, 127))
AMOUNT: Final = _kind(decimal=value_parsers.amount)
CURRENCY: Final = _kind(text=value_parsers.currency)
LENGTH: Final = _kind(
    seconds=value_parsers.seconds,
    milliseconds=value_parsers.milliseconds,
    minutes=_minutes,
    clock=_clock,
    iso8601=_iso_length,
)
TIME: Final = Kind(
    {
        "time": _time,
        "epoch_s": _plain(timestamps.epoch_s),
        "epoch_ms": _plain(timestamps.epoch_ms),
        "epoch_us": _plain(timestamps.epoch_us),
        "rfc2822": _plain(timestamps.rfc2822),
    }
)
