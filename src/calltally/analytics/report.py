"""The one answer to a question about quality: of some tenants of a store, as data or as a table."""

import csv
import io
from collections.abc import Sequence
from functools import partial
from typing import Any

from calltally.analytics.csv_rows import csv_rows
from calltally.analytics.measurement import Measurement, Window, compared_window, joined, measure, window_of
from calltally.analytics.query import QualityQuery
from calltally.analytics.report_values import quality_shown
from calltally.analytics.schemas import QualityShown
from calltally.formats.csv_lines import guard
from calltally.store.db.interface import Store


async def answer_quality(
    store: Store, query: QualityQuery, tenants: Sequence[str], now_us: int
) -> QualityShown:
    """The one answer to a question about quality: of some tenants together, with what it is compared with.

    Raises InvalidInput for a window that is none, and for what would be too much.
    """
    window = window_of(query, now_us)
    other = compared_window(query, window)
    measured = await _measured(store, query, window, tenants)
    compared = await _measured(store, query, other, tenants) if other else None
    return quality_shown(query, measured, compared)


async def _measured(store: Store, query: QualityQuery, window: Window, tenants: Sequence[str]) -> Measurement:
    found = [
        await store.read_tenant(tenant, partial(measure, tenant, query, window), long=True)
        for tenant in tenants
    ]
    if not found:
        return Measurement(window, {})
    return found[0] if len(found) == 1 else joined(window, found)


def csv_bytes(shown: QualityShown) -> bytes:
    """RFC 4180, with texts that a spreadsheet would run made harmless."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([_cell(value) for value in row] for row in csv_rows(shown))
    return text.getvalue().encode()


def _cell(value: Any) -> Any:  # noqa: ANN401 (what a table holds)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return guard(value) if isinstance(value, str) else value
