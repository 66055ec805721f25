"""Quality report as the rows of a table."""

from collections.abc import Iterator
from typing import Any

import msgspec

from calltally.analytics.schemas import CallGroup, QualityReport
from calltally.calls.metrics import COUNTS, DURATIONS, PERCENTILES, RATES


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
