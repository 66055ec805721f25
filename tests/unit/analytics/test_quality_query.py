"""Queries of launch quality, and errors that name their parameters."""

import pytest

from calltally.analytics.measurement import compared_window, counterparts, window_of
from calltally.analytics.query import parse_quality_query
from calltally.calls.errors import InvalidInput
from calltally.calls.times import DAY_US, parse_instant, utc_text

NOW_US = parse_instant("2026-11-25T13:00:00Z")


def parsed(**pairs: str) -> object:
    return parse_quality_query(list(pairs.items()), is_admin=False)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("group_by", "route,day,hour", "at most one step of time"),
        ("group_by", "route,agent,country,day", "at most 3"),
        ("group_by", "route,route", "twice"),
        ("group_by", "number", "must be one of tenant, route"),
        ("group_by", "tenant", "for the admin key"),
        ("tz", "Mars/Olympus", "IANA time zone"),
        ("compare", "yesterday", "must be one of previous, same_weekday, <from>..<to>"),
        ("compare", "2026-11-02..2026-11-01", "must begin before it ends"),
        ("compare", "2026-11-02..soon", "RFC 3339"),
        ("percentiles", "maybe", "true, false"),
        ("format", "parquet", "json, csv"),
        ("limit", "5", "there is no parameter 'limit'"),
    ],
)
def test_error_names_the_parameter(name: str, value: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parsed(**{name: value})
    assert caught.value.faults[0].parameter == name
    assert message in caught.value.detail


def test_a_window_must_begin_before_it_ends() -> None:
    with pytest.raises(InvalidInput, match="earlier"):
        parsed(**{"from": "2026-11-02", "to": "2026-11-02"})
    query = parse_quality_query([("from", "2030-01-01")], is_admin=False)
    with pytest.raises(InvalidInput, match="not in the past"):
        window_of(query, NOW_US)
    query = parse_quality_query([("from", "0001-01-01"), ("to", "0001-01-02")], is_admin=False)
    with pytest.raises(InvalidInput, match="1971"):
        window_of(query, NOW_US)


def test_default_window_is_the_last_seven_days() -> None:
    window = window_of(parse_quality_query([], is_admin=False), NOW_US)
    assert window[:2] == (NOW_US - 7 * DAY_US, NOW_US)


def compared(tz: str, compare: str, start: str, end: str) -> list[str]:
    pairs = [("from", start), ("to", end), ("tz", tz), ("compare", compare)]
    query = parse_quality_query(pairs, is_admin=False)
    other = compared_window(query, window_of(query, NOW_US))
    assert other is not None
    return [utc_text(each)[:16] for each in other[:2]]


def test_previous_window_has_as_many_local_days_or_same_length() -> None:
    berlin = ("Europe/Berlin", "previous")
    # The day before the 23-hour day has 24 hours.
    day = compared(*berlin, "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z")
    assert day == ["2026-03-27T23:00", "2026-03-28T23:00"]
    part = compared(*berlin, "2026-03-29T08:00:00Z", "2026-03-29T10:30:00Z")
    assert part == ["2026-03-29T05:30", "2026-03-29T08:00"]


def test_same_weekday_is_whole_weeks_earlier_in_local_time() -> None:
    week = ("Europe/Berlin", "same_weekday")
    assert compared(*week, "2026-03-29T22:00:00Z", "2026-03-30T22:00:00Z") == [
        "2026-03-22T23:00",
        "2026-03-23T23:00",
    ]
    assert compared(*week, "2026-02-01T00:00:00Z", "2026-02-11T00:00:00Z")[0] == "2026-01-18T00:00"


def test_other_window_is_used_as_given() -> None:
    assert compared("UTC", "2026-01-01..2026-01-03", "2026-02-01", "2026-02-02") == [
        "2026-01-01T00:00",
        "2026-01-03T00:00",
    ]


def test_hours_are_compared_by_local_time() -> None:
    pairs = [("group_by", "hour"), ("tz", "Europe/Berlin"), ("compare", "previous")]
    window = [("from", "2026-03-28T23:00:00Z"), ("to", "2026-03-29T22:00:00Z")]
    query = parse_quality_query([*pairs, *window], is_admin=False)
    mine = window_of(query, NOW_US)
    other = compared_window(query, mine)
    assert other is not None
    # From three o'clock on the hours have other indexes, because two o'clock is skipped.
    assert counterparts(query, mine, other)[:4] == [0, 1, 3, 4]
