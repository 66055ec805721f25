"""Number formats, URL queries and the heat map, without a store."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.analytics.buckets import Bucket
from calltally.analytics.measurement import MeasuredWindow, Measurement
from calltally.calls.errors import InvalidInput
from calltally.calls.intervals import Proportion, wilson
from calltally.calls.measures import COLUMNS
from calltally.calls.times import DAY_US, SECOND_US, parse_instant
from calltally.store.rollups.quality_delta import QualityTotals
from calltally.web.dashboard.calls.links import calls_of, calls_url
from calltally.web.dashboard.formats import (
    grouped,
    interval,
    minute,
    percent,
    period,
    points,
    roughly,
    unbroken,
    unhyphenated,
)
from calltally.web.dashboard.quality.heat_map import SHADES, heat_map, hours_of
from calltally.web.dashboard.quality.query import RATES_FIRST, parse_quality_page

BERLIN, UTC = ZoneInfo("Europe/Berlin"), ZoneInfo("UTC")
NOW_US = parse_instant("2026-10-14T09:30:00Z")
HOUR_US = 3_600 * SECOND_US
THIN = "\N{NARROW NO-BREAK SPACE}"


def test_percent_has_decimals_only_for_small_values() -> None:
    texts = [percent(each) for each in (0.412, 0.0412, 0.05, 0.0003, 0, 1, None)]
    assert texts == [
        f"41{THIN}%",
        f"4.1{THIN}%",
        f"5{THIN}%",
        f"0.03{THIN}%",
        f"0{THIN}%",
        f"100{THIN}%",
        "–",  # noqa: RUF001 (the dash of an unknown value)
    ]


def test_differences_have_their_sign() -> None:
    assert [points(each) for each in (0.042, -0.2, 0.0, None)] == ["+4.2", "\N{MINUS SIGN}20", "±0", "–"]  # noqa: RUF001 (the dash of an unknown value)


def test_differences_have_at_most_one_decimal_place() -> None:
    assert [points(each) for each in (0.0006, -0.0004, 0.0123)] == ["+0.1", "±0", "+1.2"]


def test_no_line_breaks_before_a_percent_sign() -> None:
    broken = "67 % against 7.9 % expected"
    assert unbroken(broken).split(" ") == ["67\u202f%", "against", "7.9\u202f%", "expected"]


def test_no_line_breaks_at_the_hyphen_of_a_short_name() -> None:
    assert unhyphenated("by agent otto-2, <b> a-b") == (
        'by agent <span class="steady">otto-2</span>, &lt;b&gt; <span class="steady">a-b</span>'
    )
    longer = "over the-route-of-the-northern-branch"
    assert unhyphenated(longer) == longer


def test_almost_all_is_not_all() -> None:
    assert (percent(0.9999), interval(0.998, 1)) == (f"99.9{THIN}%", f"99.8 to 100{THIN}%")


def test_period_names_a_common_date_and_zone_once() -> None:
    begin, end, late = "2026-10-01T07:30:00Z", "2026-10-01T09:00:00Z", "2026-10-26T07:30:00Z"
    assert period(begin, end, BERLIN) == "2026-10-01 09:30 to 11:00 CEST"
    assert period(begin, late, UTC) == "2026-10-01 07:30 to 2026-10-26 07:30 UTC"
    assert period(begin, late, BERLIN) == "2026-10-01 09:30 CEST to 2026-10-26 08:30 CET"


def test_intervals_numbers_and_minutes() -> None:
    assert (interval(0.35, 0.47), interval(None, 0.1)) == (f"35 to 47{THIN}%", "")
    assert (grouped(12_408_771), minute("2026-10-01T07:32:30.000000Z", BERLIN)) == (
        "12,408,771",
        "2026-10-01 09:32 CEST",
    )


def test_an_estimate_has_two_leading_digits() -> None:
    assert [roughly(each) for each in (7, 42, 1_234, 1_477_344)] == ["7", "42", "1,200", "1,500,000"]


@given(events=st.integers(0, 10_000), others=st.integers(0, 10_000))
def test_a_printed_interval_contains_its_printed_rate(events: int, others: int) -> None:
    share = Proportion(events, events + others)
    found = wilson(share)
    if found is not None:
        low, high = interval(*found).removesuffix(f"{THIN}%").split(" to ")
        value = percent(share.value).removesuffix(f"{THIN}%")
        assert float(low) <= float(value) <= float(high)


def test_default_query_is_two_weeks_by_day_and_route_against_same_weekdays() -> None:
    page_query = parse_quality_page((), BERLIN, NOW_US)
    assert dict(page_query.api) == {
        "from": "2026-09-30T22:00:00.000000Z",
        "group_by": "route,day",
        "tz": "Europe/Berlin",
        "compare": "same_weekday",
    }
    assert (page_query.rates, page_query.heat) == (RATES_FIRST, RATES_FIRST[0])


def test_dates_are_days_of_the_readers_zone_and_instants_stay_what_they_are() -> None:
    page_query = parse_quality_page((("from", "2026-10-01"), ("to", "2026-10-02T12:00:00Z")), BERLIN, NOW_US)
    assert dict(page_query.api)["from"] == "2026-09-30T22:00:00.000000Z"
    assert dict(page_query.api)["to"] == "2026-10-02T12:00:00Z"


def test_two_groups_all_together_and_filters() -> None:
    pairs = (("by", "route"), ("by", "agent"), ("step", "hour"), ("compare", "none"), ("agent", "vera"))
    page_query = parse_quality_page(pairs, UTC, NOW_US)
    assert dict(page_query.api) == {
        "agent": "vera",
        "from": "2026-10-13T00:00:00.000000Z",
        "group_by": "route,agent,hour",
        "tz": "UTC",
    }
    assert page_query.filters == (("agent", "vera"),)
    assert dict(parse_quality_page((("by", "all"),), UTC, NOW_US).api)["group_by"] == "day"


@pytest.mark.parametrize(
    ("pairs", "at_fault"),
    [
        ((("by", "route"), ("by", "agent"), ("by", "country")), "by"),
        ((("by", "tenant"),), "by"),
        ((("step", "minute"),), "step"),
        ((("rate", "luck"),), "rate"),
        ((("heat", "luck"),), "rate"),
        ((("from", "2026-13-01"),), "from"),
        ((("compare", "never"),), "compare"),
        ((("stauts", "failed"),), "stauts"),
    ],
)
def test_invalid_query_names_the_parameter(pairs: tuple[tuple[str, str], ...], at_fault: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_quality_page(pairs, UTC, NOW_US)
    assert at_fault in {fault.parameter for fault in caught.value.faults}


def test_group_links_to_its_calls_if_the_list_has_the_filters() -> None:
    assert calls_of({"route": "a"}, (("route", "b"), ("direction", "inbound"))) == (
        ("direction", "inbound"),
        ("route", "a"),
    )
    assert calls_of({"country": "DE"}, ()) is None
    assert calls_of({"route": None}, ()) is None
    assert calls_url((("route", "a b"),), "x", "y") == "/calls?route=a+b&from=x&to=y"


def hours(*shares: tuple[int, int, int]) -> Measurement:
    """Yield one UTC hour for each (hour since Monday, answered, final)."""
    monday_us = parse_instant("2026-10-05T00:00:00Z")
    buckets = tuple(
        Bucket("", monday_us + at * HOUR_US, monday_us + (at + 1) * HOUR_US) for at, _, _ in shares
    )
    groups = {}
    for position, (_, answered, final) in enumerate(shares):
        totals = QualityTotals()
        totals.counts = [
            {"answered": answered, "completed": answered, "failed": final - answered}.get(name, 0)
            for name in COLUMNS
        ]
        groups[(), position] = totals
    return Measurement(MeasuredWindow(monday_us, monday_us + 14 * DAY_US, buckets), groups)


def test_the_hours_of_two_weeks_are_folded_into_one() -> None:
    week = heat_map(
        hours_of(hours((9, 50, 100), (9 + 7 * 24, 30, 100), (10, 90, 100), (11, 1, 2)), "answer_rate"), UTC
    )
    name, monday = week.rows[0]
    assert name == "Mon"
    assert [(cell.label, cell.shade, cell.is_small) for cell in monday[9:12]] == [
        ("40", 1, False),
        ("90", SHADES, False),
        ("50", 2, True),
    ]
    assert monday[9].words == f"Mon 09:00: 40{THIN}%, 80 of 200"
    assert (monday[8].label, monday[8].shade) == ("", 0)
    assert (week.low, week.high) == (f"40{THIN}%", f"90{THIN}%")


def test_hours_are_in_the_readers_zone() -> None:
    week = heat_map(hours_of(hours((23, 40, 80)), "answer_rate"), BERLIN)
    assert week.rows[1][1][1].label == "50"
    assert week.rows[1][1][1].shade == 1


def test_a_week_without_calls_has_no_shade() -> None:
    assert {
        cell.shade for _, cells in heat_map(hours_of(hours(), "answer_rate"), UTC).rows for cell in cells
    } == {0}
