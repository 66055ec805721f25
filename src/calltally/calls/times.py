"""Instants as integer microseconds since 1970 UTC, and their texts (RFC 3339)."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final

SECOND_US: Final = 1_000_000
DAY_US: Final = 86_400 * SECOND_US
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# A wrong clock must not date a call to 1970 or to next year.
EARLIEST_US: Final = 946_684_800 * SECOND_US
AHEAD_US: Final = DAY_US

_RFC_3339: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}(?::\d{2})?)(?:(?<=:\d\d:\d\d)\.(\d{1,12}))?"
    r"(?:([Zz])|([+\- ])(\d{2}):?(\d{2}))",
    re.ASCII,
)
# Range of datetime; an offset can lead outside of it.
_FIRST_US: Final = -62_135_596_800 * SECOND_US
_LAST_US: Final = 253_402_300_800 * SECOND_US - 1
_HOURS: Final = 24
_MINUTES: Final = 60
_DAY_MINUTES: Final = _HOURS * _MINUTES
_MINUTE_TEXTS: Final = tuple(f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(_DAY_MINUTES))
_SECOND_TEXTS: Final = tuple(f":{second:02d}" for second in range(60))
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# The form of Twilio and similar APIs: in UTC, the day first.
_RFC_2822_DAY: Final = re.compile(r"[A-Z][a-z]{2}, (\d{2} [A-Z][a-z]{2} \d{4})", re.ASCII)
_RFC_2822_DAY_CHARS: Final = len("Sun, 25 Mar 2018")
_IN_UTC: Final = " +0000"
_HOUR_US: Final = {f" {hour:02d}:": hour * 3_600 * SECOND_US for hour in range(_HOURS)}
_MINUTE_US: Final = {f"{minute:02d}:": minute * 60 * SECOND_US for minute in range(_MINUTES)}
_SECOND_US: Final = {f"{second:02d}{_IN_UTC}": second * SECOND_US for second in range(60)}


def utc_text(instant_us: int) -> str:
    """Return an instant as RFC 3339 in UTC with six digits and `Z`, the form of all responses."""
    seconds, micros = divmod(instant_us, SECOND_US)
    minutes, seconds = divmod(seconds, 60)
    days, minutes = divmod(minutes, _DAY_MINUTES)
    fraction = ".000000Z" if micros == 0 else f".{micros:06d}Z"
    return _day_text(days) + _MINUTE_TEXTS[minutes] + _SECOND_TEXTS[seconds] + fraction


# Days are cached, not minutes: the calls of an imported file are spread over too many minutes.
@lru_cache(maxsize=4_096)
def _day_text(days: int) -> str:
    return (EPOCH + timedelta(days=days)).isoformat()[:11]


def instant_us(moment: datetime) -> int:
    """Return an aware datetime as microseconds; raises ValueError for a naive one."""
    if moment.tzinfo is None:
        message = "a time without an offset is ambiguous"
        raise ValueError(message)
    span = moment - EPOCH
    return (span.days * 86_400 + span.seconds) * SECOND_US + span.microseconds


def parse_instant(text: str) -> int:
    """Parse RFC 3339 with an offset, or a date (midnight UTC), to microseconds.

    Seconds may be left out, and so may the colon of the offset (ISO 8601).

    A space in place of an offset's sign is a `+` that URL decoding replaced. Digits after the sixth are
    ignored. Raises ValueError with a message for the user.
    """
    if _DATE.fullmatch(text):
        return instant_us(datetime.fromisoformat(text).replace(tzinfo=UTC))
    found = _RFC_3339.fullmatch(text)
    if not found:
        raise ValueError(_why_not(text))
    date, clock, fraction, _zulu, sign, hours, minutes = found.groups()
    local = datetime.fromisoformat(f"{date}T{clock}").replace(tzinfo=UTC)
    instant = instant_us(local) + int((fraction or "0")[:6].ljust(6, "0")) - _offset_us(sign, hours, minutes)
    if not _FIRST_US <= instant <= _LAST_US:
        message = "in UTC it is outside the years 0001 to 9999"
        raise ValueError(message)
    return instant


def _offset_us(sign: str | None, hours: str | None, minutes: str | None) -> int:
    if sign is None:
        return 0
    ahead_h, ahead_min = int(hours or 0), int(minutes or 0)
    if ahead_h >= _HOURS or ahead_min >= _MINUTES:
        message = f"the offset {hours}:{minutes} does not exist"
        raise ValueError(message)
    span_us = (ahead_h * 60 + ahead_min) * 60 * SECOND_US
    return -span_us if sign == "-" else span_us


def _why_not(text: str) -> str:
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?", text, re.ASCII):
        return "a time needs an offset: append Z or +hh:mm"
    return "not an RFC 3339 time; write it as 2026-10-01T00:00:00Z or 2026-10-01"


# A record has each of its instants twice, and a file's records share their days.
@lru_cache(maxsize=4_096)
def parse_rfc2822(text: str) -> int:
    """Parse an RFC 2822 date as Twilio sends it (`Sun, 25 Mar 2018 09:53:19 +0000`) to microseconds."""
    midnight_us = _midnight_us(text[:_RFC_2822_DAY_CHARS])
    hour_us, minute_us = _HOUR_US.get(text[16:20]), _MINUTE_US.get(text[20:23])
    second_us = _SECOND_US.get(text[23:])
    if midnight_us is None or hour_us is None or minute_us is None or second_us is None:
        return _any_rfc2822(text)
    return midnight_us + hour_us + minute_us + second_us


@lru_cache(maxsize=1_024)
def _midnight_us(day: str) -> int | None:
    """Return the start of a day in Twilio's form; None for any other form."""
    found = _RFC_2822_DAY.fullmatch(day)
    return _any_rfc2822(f"{found[1]} 00:00:00 +0000") if found else None


def _any_rfc2822(text: str) -> int:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, IndexError, OverflowError) as fault:
        message = f"not an RFC 2822 time: {text!r}"
        raise ValueError(message) from fault
    return instant_us(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def check_plausible(occurred_us: int, now_us: int) -> None:
    """Raise ValueError for a time before 2000 or more than a day ahead of `now_us`."""
    if occurred_us < EARLIEST_US:
        message = f"{utc_text(occurred_us)} is before the year 2000; check the sender's clock"
        raise ValueError(message)
    if occurred_us > now_us + AHEAD_US:
        message = f"{utc_text(occurred_us)} is more than 24 h ahead; check the sender's clock"
        raise ValueError(message)
