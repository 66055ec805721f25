"""What is told late of a step that was judged already: it is judged with the next one.

A step is judged soon after it ended, and callbacks may be later than that. What came to the steps of the last
two hours since they were judged is added to the one that is judged now, so that nothing is missed and nothing
counts twice. What is older (an import) is no news: it changes what is counted, and no verdict.
"""

from collections.abc import Mapping
from typing import Final

from calltally.alerts.evaluation.series_rollup import Rows
from calltally.calls.alert_counts import COLUMNS, Cells, Key

LATE_S: Final = 7_200
_NONE: Final = (0,) * len(COLUMNS)
_PLACES: Final = {name: place for place, name in enumerate(COLUMNS)}
_FINALS: Final = ("completed", "no_answer", "failed", "busy", "canceled")
# Of which column another one is a part.
_PARTS: Final = (("answered", "final"), ("provider_failed", "failed"), ("transferred", "answered"))


class EvaluatedSteps:
    """What steps held when they were judged, for as long as more of them may come."""

    def __init__(self, steps: Mapping[int, Rows]) -> None:
        self._steps = dict(steps)

    def stored(self) -> dict[int, Rows]:
        """What `Judged` is made of again."""
        return self._steps

    def with_late(self, step_s: int, rows: Mapping[int, Rows]) -> Rows:
        """The rows of a step, and what came to those before it since. `rows` are all of them, as of now."""
        cells = dict(rows.get(step_s, {}))
        for earlier_s in [each for each in self._steps if step_s - LATE_S <= each < step_s]:
            now = rows.get(earlier_s, {})
            for key, more in _more(self._steps[earlier_s], now).items():
                cells[key] = _plus(cells.get(key, _NONE), more)
            self._steps[earlier_s] = now
        self._steps[step_s] = rows.get(step_s, {})
        self._steps = {each: held for each, held in self._steps.items() if each > step_s - LATE_S}
        return {key: _consistent(each) for key, each in cells.items() if any(each)}


def _more(had: Rows, now: Rows) -> dict[Key, Cells]:
    # Most steps are as they were: seen at once, where key by key would take longer than to judge.
    if had == now:
        return {}
    changed = [key for key in had.keys() | now.keys() if had.get(key) != now.get(key)]
    return {key: _minus(now.get(key, _NONE), had.get(key, _NONE)) for key in changed}


def _minus(one: Cells, other: Cells) -> Cells:
    return tuple([a - b for a, b in zip(one, other, strict=True)])


def _plus(one: Cells, other: Cells) -> Cells:
    return tuple([a + b for a, b in zip(one, other, strict=True)])


def _consistent(cells: Cells) -> Cells:
    """Counts that can be: a state that was corrected takes one away from where it may have been the last."""
    counts = [max(0, count) for count in cells]
    finals = sum(counts[_PLACES[name]] for name in _FINALS)
    counts[_PLACES["final"]] = max(counts[_PLACES["final"]], finals)
    for part, whole in _PARTS:
        counts[_PLACES[part]] = min(counts[_PLACES[part]], counts[_PLACES[whole]])
    return tuple(counts)
