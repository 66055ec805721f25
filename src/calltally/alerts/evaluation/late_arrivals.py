"""Late arrivals: facts that reach an evaluated step are evaluated with the next step.

A step is evaluated soon after its end, and callbacks may arrive later. Counts that arrive in the steps of the
last two hours are added to the current one, so that each counts exactly once. Older counts (an import) change
the statistics but no alert.
"""

from collections.abc import Mapping
from typing import Final

from calltally.alerts.evaluation.series_rollup import Rows
from calltally.calls.alert_counts import COLUMNS, AlertStepKey, Cells

LATE_S: Final = 7_200
_NONE: Final = (0,) * len(COLUMNS)
_COLUMN_INDEX: Final = {name: index for index, name in enumerate(COLUMNS)}
_FINAL_STATES: Final = ("completed", "no_answer", "failed", "busy", "canceled")
# Columns that count a subset of another column.
_SUBSETS: Final = (("answered", "final"), ("provider_failed", "failed"), ("transferred", "answered"))


class EvaluatedSteps:
    """Rows of steps at their evaluation, for as long as late calls may change them."""

    def __init__(self, steps: Mapping[int, Rows]) -> None:
        self._steps = dict(steps)

    def rows_of_steps(self) -> dict[int, Rows]:
        """Return the rows of all steps; the constructor takes them back."""
        return self._steps

    def with_late(self, step_s: int, rows: Mapping[int, Rows]) -> Rows:
        """Return the rows of a step, plus late arrivals of earlier steps. `rows` are all current rows."""
        cells = dict(rows.get(step_s, {}))
        for earlier_s in [each for each in self._steps if step_s - LATE_S <= each < step_s]:
            now = rows.get(earlier_s, {})
            for key, added in _differences(self._steps[earlier_s], now).items():
                cells[key] = _plus(cells.get(key, _NONE), added)
            self._steps[earlier_s] = now
        self._steps[step_s] = rows.get(step_s, {})
        self._steps = {each: old_rows for each, old_rows in self._steps.items() if each > step_s - LATE_S}
        return {key: _consistent(each) for key, each in cells.items() if any(each)}


def _differences(earlier: Rows, now: Rows) -> dict[AlertStepKey, Cells]:
    # Most steps are unchanged: comparing them whole is faster than key by key.
    if earlier == now:
        return {}
    changed = [key for key in earlier.keys() | now.keys() if earlier.get(key) != now.get(key)]
    return {key: _minus(now.get(key, _NONE), earlier.get(key, _NONE)) for key in changed}


def _minus(one: Cells, other: Cells) -> Cells:
    return tuple([a - b for a, b in zip(one, other, strict=True)])


def _plus(one: Cells, other: Cells) -> Cells:
    return tuple([a + b for a, b in zip(one, other, strict=True)])


def _consistent(cells: Cells) -> Cells:
    """Return consistent counts: a corrected state may subtract a call from a step without one."""
    counts = [max(0, count) for count in cells]
    finals = sum(counts[_COLUMN_INDEX[name]] for name in _FINAL_STATES)
    counts[_COLUMN_INDEX["final"]] = max(counts[_COLUMN_INDEX["final"]], finals)
    for part, whole in _SUBSETS:
        counts[_COLUMN_INDEX[part]] = min(counts[_COLUMN_INDEX[part]], counts[_COLUMN_INDEX[whole]])
    return tuple(counts)
