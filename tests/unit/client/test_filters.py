"""Filters as keywords, and the parameters that they become."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from calltally.calls.errors import InvalidInput
from calltally.client.filters import FILTERS, STREAMED, WINDOW, pairs_of

EAST = timezone(timedelta(hours=2))


def test_each_value_as_the_contract_has_it() -> None:
    given: dict[str, Any] = {
        "status": ["completed", "no-answer"],
        "from_": datetime(2026, 10, 1, 2, 30, tzinfo=EAST),
        "to": date(2026, 11, 1),
        "number": "+14155550100",
        "escalated": True,
        "q": "a word",
        "route": None,
        "limit": 10,
        "offset": 0,
    }
    assert pairs_of(given, WINDOW) == [
        ("status", "completed"),
        ("status", "no-answer"),
        ("from", "2026-10-01T00:30:00.000000Z"),
        ("to", "2026-11-01"),
        ("number", "+14155550100"),
        ("escalated", "true"),
        ("q", "a word"),
        ("limit", "10"),
        ("offset", "0"),
    ]


@pytest.mark.parametrize(
    ("filters", "pair"),
    [
        ({"status": "busy"}, ("status", "busy")),
        ({"status": iter(["busy"])}, ("status", "busy")),
        ({"from_": "2026-10-01T00:00:00+02:00"}, ("from", "2026-10-01T00:00:00+02:00")),
        ({"to": datetime(2026, 10, 1, tzinfo=UTC)}, ("to", "2026-10-01T00:00:00.000000Z")),
        ({"escalated": False}, ("escalated", "false")),
    ],
)
def test_other_ways_to_say_it(filters: dict[str, Any], pair: tuple[str, str]) -> None:
    assert pairs_of(filters, FILTERS) == [pair]


@pytest.mark.parametrize(
    ("filters", "why"),
    [
        ({"from_": datetime(2026, 10, 1)}, "from_ is a time without a time zone: 2026-10-01T00:00:00"),  # noqa: DTZ001 (the point)
        ({"to": 3}, "to must be a text"),
        ({"status": []}, "status is an empty list"),
        ({"status": 3}, "status must be a text or several"),
        ({"status": ["busy", 3]}, "status must be a text"),
        ({"route": ""}, "route must be a text that is not empty"),
        ({"escalated": "yes"}, "escalated must be True or False"),
        ({"limit": "10"}, "limit must be a whole number"),
        ({"offset": True}, "offset must be a whole number"),
    ],
)
def test_what_cannot_be_sent_is_told(filters: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        pairs_of(filters, WINDOW)
    assert caught.value.detail.startswith(why)
    assert caught.value.faults[0].parameter in filters


@pytest.mark.parametrize("name", ["staus", "limit", "from"])
def test_a_filter_that_there_is_not_is_a_type_error(name: str) -> None:
    with pytest.raises(TypeError, match=f"there is no filter '{name}'"):
        pairs_of({name: "x"}, FILTERS)


def test_a_stream_knows_a_time_zone() -> None:
    assert pairs_of({"tz": "Europe/Berlin"}, STREAMED) == [("tz", "Europe/Berlin")]
