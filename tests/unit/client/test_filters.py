"""Conversion of filters from keywords to query parameters."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from calltally.calls.errors import InvalidInput
from calltally.calls.filters import FILTERS as SERVER_FILTERS
from calltally.calls.filters import active_fields
from calltally.calls.list_query import PARAMETERS, parse_list_query
from calltally.calls.parameters import Parameter
from calltally.client.exporting.feed import LOCAL_FILTERS
from calltally.client.filters import FILTER_PARAMS, STREAM_PARAMS, WINDOW_PARAMS, query_params

EAST = timezone(timedelta(hours=2))


def test_values_are_formatted_as_in_the_contract() -> None:
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
    assert query_params(given, WINDOW_PARAMS) == [
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
def test_other_value_types_are_accepted(filters: dict[str, Any], pair: tuple[str, str]) -> None:
    assert query_params(filters, FILTER_PARAMS) == [pair]


@pytest.mark.parametrize(
    ("filters", "reason"),
    [
        ({"from_": datetime(2026, 10, 1)}, "from_ has no time zone: 2026-10-01T00:00:00"),  # noqa: DTZ001 (the point)
        ({"to": 3}, "to must be a non-empty text"),
        ({"status": []}, "status is an empty list"),
        ({"status": 3}, "status must be one text or several"),
        ({"status": ["busy", 3]}, "status must be a non-empty text"),
        ({"route": ""}, "route must be a non-empty text"),
        ({"escalated": "yes"}, "escalated must be True or False"),
        ({"limit": "10"}, "limit must be a whole number"),
        ({"offset": True}, "offset must be a whole number"),
    ],
)
def test_invalid_values_are_refused(filters: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        query_params(filters, WINDOW_PARAMS)
    assert caught.value.detail.startswith(reason)
    assert caught.value.faults[0].parameter in filters


@pytest.mark.parametrize("name", ["staus", "limit", "from"])
def test_unknown_filter_is_a_type_error(name: str) -> None:
    with pytest.raises(TypeError, match=f"unknown keyword '{name}'"):
        query_params({name: "x"}, FILTER_PARAMS)


def test_stream_accepts_a_time_zone() -> None:
    assert query_params({"tz": "Europe/Berlin"}, STREAM_PARAMS) == [("tz", "Europe/Berlin")]


SAMPLES: dict[str, Any] = {"array": ["completed", "busy"], "boolean": True}


@pytest.mark.parametrize("row", SERVER_FILTERS, ids=[row.name for row in SERVER_FILTERS])
def test_client_sends_every_filter_of_the_list(row: Parameter) -> None:
    keyword = "from_" if row.name == "from" else row.name
    kind = row.schema.get("type", "")
    pairs = query_params({keyword: SAMPLES.get(kind, row.example)}, FILTER_PARAMS)
    assert {name for name, _ in pairs} == {row.name}
    assert active_fields(parse_list_query(pairs, allow_tenant=False).filter) == (row.field,)


def test_client_has_no_filter_that_the_list_has_not() -> None:
    assert {name.rstrip("_") for name in STREAM_PARAMS} <= {row.name for row in PARAMETERS}
    assert {row.name for row in SERVER_FILTERS} >= LOCAL_FILTERS
