"""Windows of the overview: the same time of day a week before, in any zone and when the clocks change."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from calltally.calls.times import instant_us
from calltally.store.rollups.window_buckets import WindowPiece
from calltally.web.dashboard.overview.day_windows import DayWindows, day_windows, in_whole_hours


def at_us(text: str) -> int:
    return instant_us(datetime.fromisoformat(text).astimezone(UTC))


def window(lo: str, hi: str) -> WindowPiece:
    return WindowPiece(at_us(lo), at_us(hi))


def test_windows_begin_at_local_midnight() -> None:
    found = day_windows(at_us("2026-11-18T11:06:40+05:30"), ZoneInfo("Asia/Kolkata"))
    assert found == DayWindows(
        window("2026-11-18T00:00+05:30", "2026-11-18T11:06:40+05:30"),
        window("2026-11-11T00:00+05:30", "2026-11-11T11:06:40+05:30"),
    )


def test_change_of_the_clocks_keeps_the_time_of_day() -> None:
    found = day_windows(at_us("2026-10-28T10:00+01:00"), ZoneInfo("Europe/Berlin"))
    assert found.last_week == window("2026-10-21T00:00+02:00", "2026-10-21T10:00+02:00")


def test_whole_hours_are_those_of_utc() -> None:
    zone = ZoneInfo("Asia/Kolkata")
    found = in_whole_hours(day_windows(at_us("2026-11-18T11:06:40+05:30"), zone), zone)
    assert found.today == window("2026-11-18T00:30+05:30", "2026-11-18T10:30+05:30")
    assert found.last_week == window("2026-11-11T00:30+05:30", "2026-11-11T10:30+05:30")
    assert found.edges == []


@pytest.mark.parametrize("now", ["2026-11-18T00:00+00:00", "2026-11-18T00:59:59+00:00"])
def test_first_hour_has_no_whole_hour(now: str) -> None:
    zone = ZoneInfo("UTC")
    assert in_whole_hours(day_windows(at_us(now), zone), zone).is_empty


def test_edges_are_widened_to_minutes() -> None:
    edges = day_windows(at_us("2026-11-18T11:06:40+05:30"), ZoneInfo("Asia/Kolkata")).edges
    assert [(each.from_us, each.to_us) for each in edges] == [
        window("2026-11-18T00:00+05:30", "2026-11-18T00:30+05:30"),
        window("2026-11-18T10:30+05:30", "2026-11-18T11:07+05:30"),
        window("2026-11-11T00:00+05:30", "2026-11-11T00:30+05:30"),
        window("2026-11-11T10:30+05:30", "2026-11-11T11:07+05:30"),
    ]


def test_day_that_begins_now_is_empty() -> None:
    found = day_windows(at_us("2026-11-18T00:00+00:00"), ZoneInfo("UTC"))
    assert (found.is_empty, found.edges) == (True, [])
