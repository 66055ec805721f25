"""The reader's choices for the list: columns, views, and a window in their zone."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.errors import InvalidInput
from calltally.calls.model import CALL_FIELDS
from calltally.web.dashboard.calls.local_window import field_value, has_local_times, in_utc, window_choices
from calltally.web.dashboard.calls.preferences import (
    SavedView,
    read_views,
    views_cookie_value,
    with_view,
    without_view,
)
from calltally.web.dashboard.calls.rows import (
    COLUMNS,
    DEFAULT_COLUMNS,
    chosen_columns,
    columns_cookie_value,
)
from calltally.web.dashboard.english.messages import TEXTS
from calltally.web.dashboard.formats import ago

TOKYO = ZoneInfo("Asia/Tokyo")
NOW = datetime(2026, 10, 1, 20, 30, tzinfo=UTC)


@pytest.mark.parametrize("cookie", [None, "", "nothing.known", ".", "\x00"])
def test_default_columns_without_a_choice(cookie: str | None) -> None:
    assert tuple(column.name for column in chosen_columns(cookie)) == DEFAULT_COLUMNS


def test_columns_have_a_fixed_order() -> None:
    assert [column.name for column in chosen_columns(columns_cookie_value(["summary", "gone", "agent"]))] == [
        "agent",
        "summary",
    ]


def test_every_column_has_a_name_and_an_empty_cell_for_unknown_values() -> None:
    nothing: dict[str, Any] = dict.fromkeys(CALL_FIELDS)
    assert {column.name: column.cell(nothing) for column in COLUMNS.values()} == dict.fromkeys(COLUMNS, "")
    assert set(COLUMNS) <= set(TEXTS)


@pytest.mark.parametrize(
    ("name", "stated", "cell"),
    [
        ("parties", {"from_number": "+1", "to_number": None}, "+1 → ?"),
        ("cost", {"cost": {"amount": "0.014", "currency": "USD"}}, "0.014 USD"),
        ("cost", {"cost": {"amount": "2", "currency": None}}, "2"),
        ("tags", {"tags": ["a", "b"]}, "a, b"),
        ("end_reason", {"end_reason": "remote-hung-up"}, "remote hung up"),
        ("conflicts_count", {"conflicts": 2}, "2"),
        ("conflicts_count", {"conflicts": 0}, ""),
    ],
)
def test_cell_texts(name: str, stated: dict[str, Any], cell: str) -> None:
    assert COLUMNS[name].cell(stated) == cell


def test_views_are_stored_by_name() -> None:
    views = with_view(with_view([], "  Failed   here ", "status=failed"), "All", "")
    assert views == [SavedView("All", ""), SavedView("Failed here", "status=failed")]
    assert read_views(views_cookie_value(views)) == views
    assert [view.path for view in views] == ["/calls", "/calls?status=failed"]
    assert with_view(views, "All", "route=r")[0] == SavedView("All", "route=r")
    assert without_view(views, "All") == views[1:]


@given(st.lists(st.tuples(st.text(min_size=1), st.text())))
def test_written_views_are_read_back(pairs: list[tuple[str, str]]) -> None:
    views = [SavedView(*pair) for pair in pairs]
    assert read_views(views_cookie_value(views)) == views


@pytest.mark.parametrize("cookie", [None, "", "x", "!", "bm8gSlNPTg", "W10x", "ü"])
def test_a_cookie_that_cannot_be_read_has_no_views(cookie: str | None) -> None:
    assert read_views(cookie) == []


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "\x00"])
def test_invalid_view_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        with_view([], name, "")


def test_number_of_views_is_limited() -> None:
    views = [SavedView(f"view {number}", "status=failed&route=support") for number in range(40)]
    assert len(with_view(views, "one more", "")) == 41
    with pytest.raises(InvalidInput, match="remove one"):
        with_view([*views, *views], "one more", "")


def test_window_is_converted_to_utc() -> None:
    typed = (("status", "busy"), ("from_local", "2026-10-02T05:00"), ("to_local", "tomorrow"))
    assert has_local_times(typed)
    written_so = in_utc(typed, TOKYO)
    assert written_so == (("status", "busy"), ("from", "2026-10-01T20:00:00Z"), ("to", "tomorrow"))
    assert not has_local_times(written_so)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("2026-10-01T20:00:00Z", "2026-10-02T05:00"),
        ("2026-10-01", "2026-10-01T09:00"),
        ("soon", ""),
        ("", ""),
    ],
)
def test_the_field_shows_the_window_in_the_readers_zone(text: str, field: str) -> None:
    assert field_value(text, TOKYO) == field


def test_out_of_range_times_are_not_converted() -> None:
    assert field_value("9999-12-31T23:59:59Z", TOKYO) == ""
    assert in_utc((("from_local", "0001-01-01T00:00"),), TOKYO) == (("from", "0001-01-01T00:00"),)


def test_predefined_days_are_in_the_readers_zone() -> None:
    reported = {window.name: (window.begin, window.end) for window in window_choices(NOW, TOKYO)}
    assert reported == {
        "last_hour": ("2026-10-01T19:30:00Z", ""),
        "today": ("2026-10-01T15:00:00Z", ""),
        "yesterday": ("2026-09-30T15:00:00Z", "2026-10-01T15:00:00Z"),
        "last_week": ("2026-09-24T15:00:00Z", ""),
    }


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (datetime(2026, 10, 1, 20, 29, 30, tzinfo=UTC), "just now"),
        (datetime(2026, 10, 1, 21, 0, tzinfo=UTC), "just now"),
        (datetime(2026, 10, 1, 20, 27, tzinfo=UTC), "3 min ago"),
        (datetime(2026, 10, 1, 9, 0, tzinfo=UTC), "11 h ago"),
        (datetime(2026, 9, 30, 9, 0, tzinfo=UTC), "1 day ago"),
        (datetime(2026, 9, 1, 9, 0, tzinfo=UTC), "30 days ago"),
    ],
)
def test_ago_format(moment: datetime, words: str) -> None:
    assert ago(moment, NOW) == words
