"""What series did hour by hour, for a plot beside the alerts that there would have been. Pure."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from calltally.alerts.evaluation.series_rollup import Rows, lineage
from calltally.alerts.model.series import RATES, STEP_COLUMNS, TENANT, Metric, SeriesKey, StepColumn
from calltally.calls.alert_counts import COLUMNS

HOUR_S: Final = 3_600
_PLACES: Final = {count: COLUMNS.index(count.value) for count in STEP_COLUMNS}


class HourlyPoint(NamedTuple):
    """A stretch of a series that begins at an instant: its rate, or its calls where there is no metric.

    None is a rate of no calls.
    """

    at_s: int
    value: float | None


class HourlyCounts:
    """The counts of every series of a window by the hour: a few numbers for each hour that has calls."""

    def __init__(self, from_s: int, to_s: int) -> None:
        self._from_s = from_s
        self._to_s = to_s
        self._cells: dict[SeriesKey, dict[int, list[int]]] = {}

    def add(self, steps: Iterable[tuple[int, Rows]]) -> None:
        """Steps of five minutes; what is not of the window is left out."""
        for step_s, rows in steps:
            if self._from_s <= step_s < self._to_s:
                hour_s = step_s - step_s % HOUR_S
                for key, cells in rows.items():
                    for series in (TENANT, *(each for each, _within in lineage(key))):
                        self._sum(series, hour_s, cells)

    def points(self, series: SeriesKey, metric: Metric | None, most: int) -> list[HourlyPoint]:
        """A series from end to end of the window, in `most` stretches of equal whole hours at most."""
        first_s = self._from_s - self._from_s % HOUR_S
        hours = -(-(self._to_s - first_s) // HOUR_S)
        width_s = max(1, -(-hours // most)) * HOUR_S
        starts_s = range(first_s, self._to_s, width_s)
        return [HourlyPoint(at_s, self._value(series, metric, at_s, width_s)) for at_s in starts_s]

    def _sum(self, series: SeriesKey, hour_s: int, cells: Iterable[int]) -> None:
        had = self._cells.setdefault(series, {}).setdefault(hour_s, [0] * len(COLUMNS))
        for place, count in enumerate(cells):
            had[place] += count

    def _value(self, series: SeriesKey, metric: Metric | None, at_s: int, width_s: int) -> float | None:
        hours = self._cells.get(series, {})
        found = [hours[hour_s] for hour_s in range(at_s, at_s + width_s, HOUR_S) if hour_s in hours]

        def total(count: StepColumn) -> int:
            return sum(cells[_PLACES[count]] for cells in found)

        if metric is None:
            return float(total(StepColumn.STARTED))
        rate = RATES[metric]
        return total(rate.numerator) / total(rate.denominator) if total(rate.denominator) else None
