"""Buckets of local time, including days with clock changes."""

import itertools
from collections import Counter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.analytics.buckets import Bucket, buckets_of, shifted_us
from calltally.calls.errors import InvalidInput
from calltally.calls.times import DAY_US, SECOND_US, parse_instant

HOUR_US = 3_600 * SECOND_US
ZONES = (
    *("UTC", "Europe/Berlin", "America/Montreal", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe"),
    *("America/Sao_Paulo", "America/Havana", "Pacific/Apia", "America/St_Johns"),
)


def cut(step: str, start: str, end: str, zone: str) -> tuple[Bucket, ...]:
    return buckets_of(step, parse_instant(start), parse_instant(end), ZoneInfo(zone))


def test_day_of_clock_change_in_montreal_has_25_hours() -> None:
    day = cut("day", "2020-11-01T04:00:00Z", "2020-11-02T05:00:00Z", "America/Montreal")
    assert [(each.label, (each.hi_us - each.lo_us) // HOUR_US) for each in day] == [("2020-11-01", 25)]
    hours = cut("hour", "2020-11-01T04:00:00Z", "2020-11-02T05:00:00Z", "America/Montreal")
    assert len(hours) == 25
    assert [each.label for each in hours[:4]] == [
        "2020-11-01T00:00:00-04:00",
        "2020-11-01T01:00:00-04:00",
        "2020-11-01T01:00:00-05:00",
        "2020-11-01T02:00:00-05:00",
    ]


def test_day_of_clock_change_in_berlin_has_23_hours() -> None:
    day = cut("day", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", "Europe/Berlin")
    assert [(each.label, (each.hi_us - each.lo_us) // HOUR_US) for each in day] == [("2026-03-29", 23)]
    hours = cut("hour", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", "Europe/Berlin")
    assert len(hours) == 23
    assert [each.label[11:] for each in hours[1:4]] == ["01:00:00+01:00", "03:00:00+02:00", "04:00:00+02:00"]


def test_day_without_midnight_begins_at_the_clock_change() -> None:
    [day] = cut("day", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z", "America/Sao_Paulo")
    assert (day.label, (day.hi_us - day.lo_us) // HOUR_US) == ("2018-11-04", 23)


def test_hours_with_half_hour_clock_change() -> None:
    hours = cut("hour", "2026-04-04T13:30:00Z", "2026-04-04T17:00:00Z", "Australia/Lord_Howe")
    assert hours[0].lo_us == parse_instant("2026-04-04T13:30:00Z")
    assert all(one.hi_us == other.lo_us for one, other in itertools.pairwise(hours))
    assert hours[-1].hi_us == parse_instant("2026-04-04T17:00:00Z")


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    weeks = cut("week", "2026-10-01T00:00:00Z", "2026-10-13T00:00:00Z", "UTC")
    assert [each.label for each in weeks] == ["2026-09-28", "2026-10-05", "2026-10-12"]
    months = cut("month", "2025-12-31T00:00:00Z", "2026-02-01T00:00:00Z", "UTC")
    assert [(each.label, (each.hi_us - each.lo_us) // DAY_US) for each in months] == [
        ("2025-12-01", 1),
        ("2026-01-01", 31),
    ]


@given(
    st.sampled_from(["hour", "day", "week", "month"]),
    st.integers(1_500_000_000, 1_900_000_000),
    st.integers(1, 40 * 86_400),
    st.sampled_from(ZONES),
)
def test_buckets_fill_the_window_without_gap_or_overlap(step: str, at_s: int, span_s: int, zone: str) -> None:
    lo_us, hi_us = at_s * SECOND_US, (at_s + span_s) * SECOND_US
    found = buckets_of(step, lo_us, hi_us, ZoneInfo(zone))
    assert (found[0].lo_us, found[-1].hi_us) == (lo_us, hi_us)
    assert all(each.lo_us < each.hi_us for each in found)
    assert all(one.hi_us == other.lo_us for one, other in itertools.pairwise(found))
    assert max(Counter(each.label for each in found).values()) == 1


def test_too_many_buckets_are_refused_with_advice() -> None:
    with pytest.raises(InvalidInput, match="longer steps"):
        cut("hour", "2020-01-01", "2026-01-01", "UTC")


def test_shift_by_a_week_keeps_local_time_across_clock_change() -> None:
    zone = ZoneInfo("Europe/Berlin")
    after = parse_instant("2026-03-30T08:00:00+02:00")
    assert shifted_us(after, -7, zone) == parse_instant("2026-03-23T08:00:00+01:00")
