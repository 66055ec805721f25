"""An answer about quality as the rows of a table."""

from collections.abc import Iterator
from typing import Any

import msgspec

from calltally.analytics.schemas import GroupShown, QualityShown
from calltally.calls.metrics import COUNTS, DURATIONS, PERCENTILES, RATES


def csv_rows(shown: QualityShown) -> Iterator[list[Any]]:
    """The groups as rows of a table under a heading; without `group_by` the one row of all calls."""
    groups = shown.data if shown.group_by else [shown.total]
    yield [*shown.group_by, *_heading(compared=shown.compared_window is not None)]
    for group in groups:
        yield [*(group.key[name] for name in shown.group_by), group.from_, group.to, *_cells(group)]


def _heading(*, compared: bool) -> Iterator[str]:
    yield from ("from", "to", *(count.name for count in COUNTS))
    for rate in RATES:
        parts = ("numerator", "denominator", "low", "high", "small_sample")
        yield from (rate.name, *(f"{rate.name}_{part}" for part in parts))
    for each in DURATIONS:
        yield from (f"{each.name}_{part}" for part in ("calls", "seconds", "average", *PERCENTILES))
    for rate in RATES if compared else ():
        parts = ("compared", "difference", "difference_low", "difference_high", "more_than_chance")
        yield from (f"{rate.name}_{part}" for part in parts)


def _cells(group: GroupShown) -> Iterator[Any]:
    yield from group.counts.values()
    for rate in group.rates.values():
        yield from msgspec.structs.astuple(rate)
    for time in group.seconds.values():
        yield from msgspec.structs.astuple(time)
    if group.compared is not None:
        for name, change in group.compared.differences.items():
            yield group.compared.rates[name].value
            yield from msgspec.structs.astuple(change)
