"""Quality report of one or several tenants, as data or as a CSV table."""

import csv
import io
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import msgspec

from calltally.analytics.measurement import (
    MeasuredWindow,
    Measurement,
    compared_window,
    measure,
    merge_measurements,
    window_of,
)
from calltally.analytics.query import QualityQuery
from calltally.analytics.report_values import build_report
from calltally.analytics.schemas import CallGroup, QualityReport
from calltally.calls.metrics import COUNTS, DURATIONS, PERCENTILES, RATES
from calltally.formats.csv_lines import guard
from calltally.store.db.interface import Store


async def quality_report(
    store: Store, query: QualityQuery, tenants: Sequence[str], now_us: int
) -> QualityReport:
    """Return the quality report of the tenants together, with its comparison.

    Raises InvalidInput for an invalid window, and for a query that is too large.
    """
    window = window_of(query, now_us)
    other = compared_window(query, window)
    measured = await _measured(store, query, window, tenants)
    compared = await _measured(store, query, other, tenants) if other else None
    return build_report(query, measured, compared)


async def _measured(
    store: Store, query: QualityQuery, window: MeasuredWindow, tenants: Sequence[str]
) -> Measurement:
    found = [
        await store.read_tenant(tenant, partial(measure, tenant, query, window), long=True)
        for tenant in tenants
    ]
    if not found:
        return Measurement(window, {})
    return found[0] if len(found) == 1 else merge_measurements(window, found)


def csv_rows(report: QualityReport) -> Iterator[list[Any]]:
    """Yield a header and the groups as rows; without `group_by` one row for all calls."""
    groups = report.data if report.group_by else [report.total]
    yield [*report.group_by, *_heading(compared=report.compared_window is not None)]
    for group in groups:
        yield [*(group.key[name] for name in report.group_by), group.from_, group.to, *_cells(group)]


def _heading(*, compared: bool) -> Iterator[str]:
    yield from ("from", "to", *(count.name for count in COUNTS))
    for rate in RATES:
        suffixes = ("numerator", "denominator", "low", "high", "small_sample")
        yield from (rate.name, *(f"{rate.name}_{suffix}" for suffix in suffixes))
    for each in DURATIONS:
        yield from (f"{each.name}_{suffix}" for suffix in ("calls", "seconds", "average", *PERCENTILES))
    for rate in RATES if compared else ():
        suffixes = ("compared", "difference", "difference_low", "difference_high", "more_than_chance")
        yield from (f"{rate.name}_{suffix}" for suffix in suffixes)


def _cells(group: CallGroup) -> Iterator[Any]:
    yield from group.counts.values()
    for rate in group.rates.values():
        yield from msgspec.structs.astuple(rate)
    for time in group.seconds.values():
        yield from msgspec.structs.astuple(time)
    if group.compared is not None:
        for name, change in group.compared.differences.items():
            yield group.compared.rates[name].value
            yield from msgspec.structs.astuple(change)


def csv_bytes(report: QualityReport) -> bytes:
    """Return the report as CSV (RFC 4180). Texts that a spreadsheet would run are made harmless."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([_cell(value) for value in row] for row in csv_rows(report))
    return text.getvalue().encode()


def _cell(value: Any) -> Any:  # noqa: ANN401 (any cell of a table)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return guard(value) if isinstance(value, str) else value
