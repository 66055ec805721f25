"""Hourly counts of series, for the plot of a back-test. Pure."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from calltally.alerts.evaluation.series_rollup import Rows, lineage
from calltally.alerts.model.series import RATES, STEP_COLUMNS, TENANT, Metric, SeriesKey, StepColumn
from calltally.calls.alert_counts import COLUMNS

HOUR_S: Final = 3_600
_COLUMN_INDEX: Final = {count: COLUMNS.index(count.value) for count in STEP_COLUMNS}


class HourlyPoint(NamedTuple):
    """Value of a series from an instant on: its rate, or its calls if there is no metric.

    None means a rate without calls.
    """

    at_s: int
    value: float | None


class HourlyCounts:
    """Counts of every series of a window by the hour; only hours with calls take memory."""

    def __init__(self, from_s: int, to_s: int) -> None:
        self._from_s = from_s
        self._to_s = to_s
        self._cells: dict[SeriesKey, dict[int, list[int]]] = {}

    def add(self, steps: Iterable[tuple[int, Rows]]) -> None:
        """Add steps of five minutes; steps outside the window are ignored."""
        for step_s, rows in steps:
            if self._from_s <= step_s < self._to_s:
                hour_s = step_s - step_s % HOUR_S
                for key, cells in rows.items():
                    for series in (TENANT, *(each for each, _within in lineage(key))):
                        self._sum(series, hour_s, cells)

    def points(self, series: SeriesKey, metric: Metric | None, max_points: int) -> list[HourlyPoint]:
        """Return a series over the whole window, in at most `max_points` spans of equal whole hours."""
        first_s = self._from_s - self._from_s % HOUR_S
        hours = -(-(self._to_s - first_s) // HOUR_S)
        width_s = max(1, -(-hours // max_points)) * HOUR_S
        starts_s = range(first_s, self._to_s, width_s)
        return [HourlyPoint(at_s, self._value(series, metric, at_s, width_s)) for at_s in starts_s]

    def _sum(self, series: SeriesKey, hour_s: int, cells: Iterable[int]) -> None:
        totals = self._cells.setdefault(series, {}).setdefault(hour_s, [0] * len(COLUMNS))
        for index, count in enumerate(cells):
            totals[index] += count

    def _value(self, series: SeriesKey, metric: Metric | None, at_s: int, width_s: int) -> float | None:
        hours = self._cells.get(series, {})
        cells = [hours[hour_s] for hour_s in range(at_s, at_s + width_s, HOUR_S) if hour_s in hours]

        def total(count: StepColumn) -> int:
            return sum(cells[_COLUMN_INDEX[count]] for cells in cells)

        if metric is None:
            return float(total(StepColumn.STARTED))
        rate = RATES[metric]
        return total(rate.numerator) / total(rate.denominator) if total(rate.denominator) else None
