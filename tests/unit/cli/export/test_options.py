"""Options of `calltally export`: every filter of the list is one, and reaches the request."""

from typing import Any

import pytest

from calltally.analytics.query import QUALITY_PARAMETERS
from calltally.calls.filters import FILTERS, WINDOW_FIELDS, active_fields
from calltally.calls.list_query import parse_list_query
from calltally.calls.parameters import Parameter
from calltally.cli.export.options import ExportOptions, plan_of
from calltally.cli.quality.options import QualityOptions
from calltally.cli.quality.options import query_pairs as quality_pairs
from tests.conftest import NOW_US

ROWS = [row for row in FILTERS if row.field not in WINDOW_FIELDS]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_every_filter_of_the_list_is_an_option(row: Parameter) -> None:
    value = [row.example] if row.is_repeatable else row.example
    given: dict[str, Any] = {"base_url": "https://calls.example.com", "all_": True, row.name: value}
    options = ExportOptions(**given)
    plan = plan_of(options, NOW_US)
    assert plan.filters == ((row.name, row.example),)
    assert active_fields(parse_list_query(plan.filters, allow_tenant=False).filter) == (row.field,)


def test_quality_offers_filters_that_its_query_reads() -> None:
    offered = {name.rstrip("_") for name in QualityOptions._fields}
    rows = [row for row in FILTERS if row.name in offered and row.field not in WINDOW_FIELDS]
    values: dict[str, Any] = {row.name: [row.example] if row.is_repeatable else row.example for row in rows}
    pairs = quality_pairs(QualityOptions(**values))
    assert {(row.name, row.example) for row in rows} <= set(pairs)
    assert {row.name for row in FILTERS} <= {row.name for row in QUALITY_PARAMETERS}
