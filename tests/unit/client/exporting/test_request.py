"""The words that name a window, and what must be the same for an export to go on."""

import pytest

from calltally.calls.errors import InvalidInput
from calltally.calls.times import DAY_US, SECOND_US, parse_instant
from calltally.client.exporting.errors import OtherExport
from calltally.client.exporting.request import Asked, Plan, Window, duration_us, partition_of
from tests.unit.client.exporting.exporting import plan

NOW = parse_instant("2026-11-24T12:00:00Z")


def texts(asked: Asked) -> tuple[str | None, str | None]:
    told = asked.window(NOW).texts
    return told["from"], told["to"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (Asked("2026-10-01", "2026-10-02"), ("2026-10-01T00:00:00.000000Z", "2026-10-02T00:00:00.000000Z")),
        (Asked("2026-11-24"), ("2026-11-24T00:00:00.000000Z", "2026-11-24T12:00:00.000000Z")),
        (Asked(last="7d"), ("2026-11-17T12:00:00.000000Z", "2026-11-24T12:00:00.000000Z")),
        (Asked(month="2026-12", settle_us=0), None),
        (Asked(month="2025-12"), ("2025-12-01T00:00:00.000000Z", "2026-01-01T00:00:00.000000Z")),
        (Asked(month="2026-11"), ("2026-11-01T00:00:00.000000Z", "2026-11-24T12:00:00.000000Z")),
        (
            Asked(last="1h", settle_us=900 * SECOND_US),
            ("2026-11-24T10:45:00.000000Z", "2026-11-24T11:45:00.000000Z"),
        ),
        (
            Asked("2026-11-24", "2026-11-25", settle_us=60 * SECOND_US),
            ("2026-11-24T00:00:00.000000Z", "2026-11-24T11:59:00.000000Z"),
        ),
        (Asked(is_all=True), (None, None)),
    ],
)
def test_a_window_ends_where_it_was_asked_to_and_never_later_than_now(
    asked: Asked, expected: tuple[str | None, str | None] | None
) -> None:
    if expected is None:
        with pytest.raises(InvalidInput, match="the window is empty"):
            asked.window(NOW)
    else:
        assert texts(asked) == expected


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Asked(), "say which window"),
        (Asked("2026-10-01", last="7d"), "only one of these"),
        (Asked(to="2026-10-01", last="7d"), "--to goes with --from"),
        (Asked("yesterday"), "--from 'yesterday': not an RFC 3339 time"),
        (Asked("2026-10-01", "2026-10-02T00:00:00"), "a time needs an offset"),
        (Asked(last="soon"), "no duration"),
        (Asked(month="2026-13"), "no month"),
        (Asked(month="0000-12"), "no month"),
        (Asked(month="9999-12"), "no month"),
        (Asked(last="999999w"), "more than a hundred years"),
    ],
)
def test_words_that_name_no_window_are_refused(asked: Asked, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        asked.window(NOW)


def test_what_is_followed_has_no_end() -> None:
    assert Asked("2026-10-01").window(NOW, follows=True) == Window(
        "from 2026-10-01", NOW - 54 * DAY_US - DAY_US // 2, None
    )
    for asked in (Asked("2026-10-01", "2026-10-02"), Asked(month="2026-10")):
        with pytest.raises(InvalidInput, match="--follow goes without"):
            asked.window(NOW, follows=True)


def test_durations_have_a_unit() -> None:
    assert [duration_us("last", text) for text in ("90s", "15m", "12h", "7d", "2w")] == [
        90 * SECOND_US,
        900 * SECOND_US,
        DAY_US // 2,
        7 * DAY_US,
        14 * DAY_US,
    ]


def test_parts_are_named_by_day_and_month_of_utc() -> None:
    at_us = parse_instant("2026-10-31T23:59:59Z")
    assert [partition_of(at_us, name) for name in ("none", "day", "month")] == ["", "2026-10-31", "2026-10"]


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (plan(format="csv"), "format was ndjson and is csv now"),
        (plan(filters=(("status", "busy"),)), "filters was none and is status=busy now"),
        (
            plan(Window("month 2026-09", 0, 1)),
            "window was from 2026-10-01 to 2026-10-04 and is month 2026-09 now",
        ),
        (plan(limit=7), "limit was 10 and is 7 now"),
        (plan(keeps_raw=True), "--raw was not given and is given now"),
        (plan(slice_us=3_600 * SECOND_US), "--slice was 86400s and is 3600s now"),
    ],
)
def test_another_plan_is_told_by_what_differs(other: Plan, words: str) -> None:
    plan().check_same(plan(), "the checkpoint")
    with pytest.raises(OtherExport, match=words):
        other.check_same(plan(), "the checkpoint")
