"""Options that name a window, and the comparison of plans."""

import pytest

from calltally.calls.errors import InvalidInput
from calltally.calls.times import DAY_US, SECOND_US, parse_instant
from calltally.client.exporting.errors import OtherExport
from calltally.client.exporting.request import (
    ExportPlan,
    ExportWindow,
    WindowOptions,
    duration_us,
    partition_label,
)
from tests.unit.client.exporting.exporting import plan

NOW = parse_instant("2026-11-24T12:00:00Z")


def texts(options: WindowOptions) -> tuple[str | None, str | None]:
    ends = options.window(NOW).texts
    return ends["from"], ends["to"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            WindowOptions("2026-10-01", "2026-10-02"),
            ("2026-10-01T00:00:00.000000Z", "2026-10-02T00:00:00.000000Z"),
        ),
        (WindowOptions("2026-11-24"), ("2026-11-24T00:00:00.000000Z", "2026-11-24T12:00:00.000000Z")),
        (WindowOptions(last="7d"), ("2026-11-17T12:00:00.000000Z", "2026-11-24T12:00:00.000000Z")),
        (WindowOptions(month="2026-12", settle_us=0), None),
        (WindowOptions(month="2025-12"), ("2025-12-01T00:00:00.000000Z", "2026-01-01T00:00:00.000000Z")),
        (WindowOptions(month="2026-11"), ("2026-11-01T00:00:00.000000Z", "2026-11-24T12:00:00.000000Z")),
        (
            WindowOptions(last="1h", settle_us=900 * SECOND_US),
            ("2026-11-24T10:45:00.000000Z", "2026-11-24T11:45:00.000000Z"),
        ),
        (
            WindowOptions("2026-11-24", "2026-11-25", settle_us=60 * SECOND_US),
            ("2026-11-24T00:00:00.000000Z", "2026-11-24T11:59:00.000000Z"),
        ),
        (WindowOptions(is_all=True), (None, None)),
    ],
)
def test_window_ends_as_requested_and_never_after_now(
    options: WindowOptions, expected: tuple[str | None, str | None] | None
) -> None:
    if expected is None:
        with pytest.raises(InvalidInput, match="the window is empty"):
            options.window(NOW)
    else:
        assert texts(options) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (WindowOptions(), "choose a window"),
        (WindowOptions("2026-10-01", last="7d"), "use only one of these"),
        (WindowOptions(to="2026-10-01", last="7d"), "--to requires --from"),
        (WindowOptions("yesterday"), "--from 'yesterday': not an RFC 3339 time"),
        (WindowOptions("2026-10-01", "2026-10-02T00:00:00"), "a time needs an offset"),
        (WindowOptions(last="soon"), "is not a duration"),
        (WindowOptions(month="2026-13"), "is not a month"),
        (WindowOptions(month="0000-12"), "is not a month"),
        (WindowOptions(month="9999-12"), "is not a month"),
        (WindowOptions(last="999999w"), "more than a hundred years"),
    ],
)
def test_invalid_window_options_are_refused(options: WindowOptions, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        options.window(NOW)


def test_followed_window_has_no_end() -> None:
    assert WindowOptions("2026-10-01").window(NOW, follows=True) == ExportWindow(
        "from 2026-10-01", NOW - 54 * DAY_US - DAY_US // 2, None
    )
    for options in (WindowOptions("2026-10-01", "2026-10-02"), WindowOptions(month="2026-10")):
        with pytest.raises(InvalidInput, match="cannot be combined with --to or --month"):
            options.window(NOW, follows=True)


def test_durations_have_a_unit() -> None:
    assert [duration_us("last", text) for text in ("90s", "15m", "12h", "7d", "2w")] == [
        90 * SECOND_US,
        900 * SECOND_US,
        DAY_US // 2,
        7 * DAY_US,
        14 * DAY_US,
    ]


def test_partitions_are_named_by_day_and_month_in_utc() -> None:
    at_us = parse_instant("2026-10-31T23:59:59Z")
    assert [partition_label(at_us, name) for name in ("none", "day", "month")] == [
        "",
        "2026-10-31",
        "2026-10",
    ]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (plan(format="csv"), "format was ndjson and is now csv"),
        (plan(filters=(("status", "busy"),)), "filters was none and is now status=busy"),
        (
            plan(ExportWindow("month 2026-09", 0, 1)),
            "window was from 2026-10-01 to 2026-10-04 and is now month 2026-09",
        ),
        (plan(limit=7), "limit was 10 and is now 7"),
        (plan(keeps_raw=True), "--raw was not given and is now given"),
        (plan(slice_us=3_600 * SECOND_US), "--slice was 86400s and is now 3600s"),
    ],
)
def test_error_for_another_plan_names_the_differences(other: ExportPlan, message: str) -> None:
    plan().check_same(plan(), "the checkpoint")
    with pytest.raises(OtherExport, match=message):
        other.check_same(plan(), "the checkpoint")
