"""Conditions of the list filters: every filter has one, and counters answer only what they count."""

import pytest

from calltally.calls.filters import FILTER_FIELDS, FILTERS, WINDOW_FIELDS, CallFilter, active_fields
from calltally.store.listing.conditions import CONDITIONS, Counters, check_complete, facet_of
from calltally.store.rollups.call_counters import ALL, FACETS

VALUES = {row.field: row.parse(row.example) for row in FILTERS}


def test_every_filter_has_a_condition() -> None:
    assert CONDITIONS.keys() == set(FILTER_FIELDS)


@pytest.mark.parametrize("fields", [(*FILTER_FIELDS, "tag"), FILTER_FIELDS[1:]])
def test_filter_or_condition_without_the_other_fails_the_import(fields: tuple[str, ...]) -> None:
    with pytest.raises(TypeError, match=r"need one row in FILTERS and one in CONDITIONS: (tag|statuses)"):
        check_complete(CONDITIONS, fields)


def test_filter_without_values_is_inactive_in_every_field() -> None:
    assert active_fields(CallFilter()) == ()
    assert active_fields(CallFilter(**VALUES)) == FILTER_FIELDS


@pytest.mark.parametrize("field", FILTER_FIELDS)
def test_each_filter_changes_the_sql_or_the_window(field: str) -> None:
    assert bool(CONDITIONS[field].sql(VALUES[field])) != (field in WINDOW_FIELDS)


@pytest.mark.parametrize("field", FILTER_FIELDS)
def test_facet_is_that_of_the_filters_counters(field: str) -> None:
    counters = CONDITIONS[field].counters
    found = facet_of(CallFilter(**{field: VALUES[field]}))
    if counters is Counters.FACET:
        assert found == f"{field}={VALUES[field]}"
    else:
        assert found == (None if counters is Counters.NONE else ALL)


def test_two_facets_have_no_counters() -> None:
    assert facet_of(CallFilter(**{field: VALUES[field] for field in FACETS[:2]})) is None
