"""Instants and their texts."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime, parsedate_to_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from calltally.calls.times import (
    AHEAD_US,
    EARLIEST_US,
    check_plausible,
    instant_us,
    parse_instant,
    parse_rfc2822,
    utc_text,
)

FIRST_US, LAST_US = -62_135_596_800_000_000, 253_402_300_799_999_999
offsets = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
# Not near the ends of datetime's range, where an offset leads outside of it.
moments = st.datetimes(
    datetime(2, 1, 1),  # noqa: DTZ001 (hypothesis wants the bounds without, and adds an offset)
    datetime(9998, 1, 1),  # noqa: DTZ001
    timezones=offsets,
)


@given(st.integers(FIRST_US, LAST_US))
@example(FIRST_US)
@example(LAST_US)
@example(-1)
def test_written_instant_parses_to_itself(instant: int) -> None:
    written = utc_text(instant)
    assert len(written) == 27
    assert parse_instant(written) == instant


@given(st.integers(FIRST_US, LAST_US), st.integers(FIRST_US, LAST_US))
def test_texts_sort_as_instants(a: int, b: int) -> None:
    assert (utc_text(a) < utc_text(b)) == (a < b)


@given(moments)
def test_any_offset_is_parsed(moment: datetime) -> None:
    assert parse_instant(moment.isoformat(timespec="microseconds")) == instant_us(moment)
    assert instant_us(moment) == instant_us(moment.astimezone(UTC))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2026-10-01", "2026-10-01T00:00:00.000000Z"),
        ("2026-10-01T12:00:00z", "2026-10-01T12:00:00.000000Z"),
        ("2026-10-01 12:00:00+02:00", "2026-10-01T10:00:00.000000Z"),
        ("2026-10-01T12:00:00 02:00", "2026-10-01T10:00:00.000000Z"),
        ("2026-10-01T00:00Z", "2026-10-01T00:00:00.000000Z"),
        ("2026-10-01T12:00:00+0200", "2026-10-01T10:00:00.000000Z"),
        ("2026-10-01T12:00:00-00:00", "2026-10-01T12:00:00.000000Z"),
        ("2026-10-01T12:00:00.1Z", "2026-10-01T12:00:00.100000Z"),
        ("2026-10-01T12:00:00.123456999999Z", "2026-10-01T12:00:00.123456Z"),
        ("2024-02-29T23:59:59-23:59", "2024-03-01T23:58:59.000000Z"),
    ],
)
def test_accepted_forms_of_instants(text: str, written: str) -> None:
    assert utc_text(parse_instant(text)) == written


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2026-10-01T12:00:00", "needs an offset"),
        ("2026-10-01T12:00:00+24:00", "does not exist"),
        ("2026-10-01T12:00:00+01:60", "does not exist"),
        ("2026-02-30", "day"),
        ("2026-02-30T12:00:00Z", "day"),
        ("2026-10-01T24:00:01Z", "hour|24"),
        ("2026-10-01T12:00", "needs an offset"),
        ("2026-10-01T12:00.5Z", "not an RFC 3339"),
        ("0001-01-01T00:00:00+00:01", "outside the years"),
        ("9999-12-31T23:59:59-00:01", "outside the years"),
        ("٢٠٢٦-10-01", "not an RFC 3339"),
        ("1790000040", "not an RFC 3339"),
        ("", "not an RFC 3339"),
    ],
)
def test_invalid_instant_gives_reason(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_instant(text)


def test_naive_datetime_is_refused() -> None:
    with pytest.raises(ValueError, match="ambiguous"):
        instant_us(datetime(2026, 10, 1))  # noqa: DTZ001 (that is the point)


@given(st.text("0123456789-:.TZz+ ", max_size=32))
def test_any_text_is_an_instant_or_a_value_error(text: str) -> None:
    _value_or_value_error(parse_instant, text)


@given(st.text("SunMar0123456789+-:, ", max_size=40))
@example("Sun, 25 Mar 99999999999999999999 09:53:19 +0000")
@example("Sun, 25 Mar 2018 09:53:19 +99999999999999999999")
@example("Sun, 25 Mar 2018 09:53:19 +9999")
def test_any_mail_date_is_an_instant_or_a_value_error(text: str) -> None:
    _value_or_value_error(parse_rfc2822, text)


def _value_or_value_error(parse: Callable[[str], int], text: str) -> None:
    with suppress(ValueError):
        assert isinstance(parse(text), int)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Sun, 25 Mar 2018 09:53:19 +0000", "2018-03-25T09:53:19.000000Z"),
        ("Sun, 25 Mar 2018 02:53:19 -0700", "2018-03-25T09:53:19.000000Z"),
        ("25 Mar 2018 09:53:19 GMT", "2018-03-25T09:53:19.000000Z"),
        ("Sun, 25 Mar 2018 09:53:19 -0000", "2018-03-25T09:53:19.000000Z"),
    ],
)
def test_accepted_forms_of_mail_dates(text: str, written: str) -> None:
    assert utc_text(parse_rfc2822(text)) == written


def test_implausible_times_are_refused() -> None:
    now_us = 1_790_000_040_000_000
    for good in (EARLIEST_US, now_us, now_us + AHEAD_US):
        check_plausible(good, now_us)
    with pytest.raises(ValueError, match="before the year 2000"):
        check_plausible(EARLIEST_US - 1, now_us)
    with pytest.raises(ValueError, match="24 h ahead"):
        check_plausible(now_us + AHEAD_US + 1, now_us)


@given(st.datetimes(datetime(1970, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 (as above)
def test_fast_mail_date_parser_agrees_with_standard_library(moment: datetime) -> None:
    text = format_datetime(moment)
    assert parse_rfc2822(text) == instant_us(parsedate_to_datetime(text))


@pytest.mark.parametrize("text", ["Sun, 31 Feb 2026 09:00:00 +0000", "Sun, 01 Xyz 2026 09:00:00 +0000"])
def test_nonexistent_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (the words are the standard library's)
        parse_rfc2822(text)
