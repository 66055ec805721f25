"""Value parsers that a mapping can name, for each kind of field."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from calltally.calls.times import instant_us, parse_instant
from calltally.providers import timestamps, value_parsers
from calltally.providers.local_time import local_stamp, zone_of

# Parses one value's text in the time zone of the mapping. Raises ValueError with a message for users.
ReadValue = Callable[[str, str], Any]

MAX_SUMMARY_CHARS: Final = 32_768
MAX_FORMAT_CHARS: Final = 64
_MAX_TIME_CHARS: Final = 64
_CLOCK: Final = re.compile(r"(?:(\d{1,4}):)?(\d{1,4}):(\d{2})(?:\.\d{1,6})?", re.ASCII)
_ISO_LENGTH: Final = re.compile(r"PT(?:(\d{1,4})H)?(?:(\d{1,6})M)?(?:(\d{1,9}(?:\.\d{1,6})?)S)?", re.ASCII)
_FLAGS: Final = {
    **dict.fromkeys(("true", "yes", "y", "1", "on"), True),
    **dict.fromkeys(("false", "no", "n", "0", "off"), False),
}


class FieldParsers(NamedTuple):
    """Parsers of one kind of field by name. The first one is the default."""

    readers: Mapping[str, ReadValue]

    @property
    def default(self) -> str:
        """Return the name of the default parser."""
        return next(iter(self.readers))


def _without_zone(read: Callable[[str], Any]) -> ReadValue:
    def plain(text: str, _zone: str) -> Any:  # noqa: ANN401 (any value)
        return read(text)

    return plain


def _time(text: str, zone: str) -> int:
    """Parse RFC 3339, or a date and time in the zone of the mapping."""
    text = text[:_MAX_TIME_CHARS].strip()
    try:
        return local_stamp(text, zone)
    except ValueError:
        return parse_instant(text)


def strptime_reader(pattern: str) -> ReadValue:
    """Return a parser of times by a strptime format; raise ValueError for an invalid format."""
    if len(pattern) > MAX_FORMAT_CHARS or "%" not in pattern:
        raise ValueError(f"a format has up to {MAX_FORMAT_CHARS} characters, such as %d.%m.%Y %H:%M:%S")
    sample = datetime(2026, 8, 22, 8, 0, 42, 500_000, tzinfo=zone_of("UTC")).strftime(pattern)
    _strptime(sample, pattern)

    def read(text: str, zone: str) -> int:
        moment = _strptime(text[:_MAX_TIME_CHARS].strip(), pattern)
        return instant_us(moment if moment.tzinfo else moment.replace(tzinfo=zone_of(zone)))

    return read


def _strptime(text: str, pattern: str) -> datetime:
    try:
        return datetime.strptime(text, pattern)  # noqa: DTZ007 (the zone is the mapping's)
    except (ValueError, re.error) as fault:
        raise ValueError(f"not a time of the format {pattern}") from fault


def _clock_seconds(text: str) -> float:
    """Parse `1:02:03` or `2:03`."""
    found = _CLOCK.fullmatch(text.strip())
    if not found:
        raise ValueError("not a length such as 0:02:03 or 2:03")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return float(hours * 3_600 + minutes * 60 + seconds)


def _iso_seconds(text: str) -> float:
    """Parse `PT1H2M3S` of ISO 8601."""
    found = _ISO_LENGTH.fullmatch(text.strip())
    if not found or not any(found.groups()):
        raise ValueError("not a length such as PT2M3S")
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


def _kind(**readers: Callable[[str], Any]) -> FieldParsers:
    return FieldParsers({name: _without_zone(read) for name, read in readers.items()})


ID: Final = _kind(text=value_parsers.sid)
WORD: Final = _kind(text=value_parsers.word)
SUMMARY: Final = _kind(text=value_parsers.up_to(MAX_SUMMARY_CHARS))
PARTY: Final = _kind(
    number=value_parsers.number,
    bare_number=value_parsers.bare_number,
    sip_number=value_parsers.sip_number,
)
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
    clock=_clock_seconds,
    iso8601=_iso_seconds,
)
TIME: Final = FieldParsers(
    {
        "time": _time,
        "epoch_s": _without_zone(timestamps.epoch_s),
        "epoch_ms": _without_zone(timestamps.epoch_ms),
        "epoch_us": _without_zone(timestamps.epoch_us),
        "rfc2822": _without_zone(timestamps.rfc2822),
    }
)
