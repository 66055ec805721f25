"""State between two evaluations of a tenant, and the steps that have changed since the last one.

A step is evaluated soon after its end, and callbacks may arrive later. Counts that arrive in the steps of the
last two hours are added to the current one, so that each counts exactly once. Older counts (an import) change
the statistics but no alert. The rows of these steps stay encoded until their sums change.
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import add, sub
from typing import Final, TypeAlias

import msgspec

from calltally.alerts.evaluation.series_rollup import Rows, TrackedSeries
from calltally.alerts.model.finding import AlertFinding
from calltally.alerts.model.series import COLUMN_INDEX, StepColumn
from calltally.calls.alert_counts import COLUMNS, AlertStepKey, Cells
from calltally.calls.errors import DamagedStore

Sums: TypeAlias = Mapping[int, Sequence[int]]
LATE_S: Final = 7_200
_NONE: Final = (0,) * len(COLUMNS)
_FINAL: Final = COLUMN_INDEX[StepColumn.FINAL]
_FINAL_STATES: Final = [
    COLUMN_INDEX[StepColumn(name)] for name in ("completed", "no_answer", "failed", "busy", "canceled")
]
# Columns that count a subset of another column.
_SUBSETS: Final = [
    (COLUMN_INDEX[part], COLUMN_INDEX[whole])
    for part, whole in (
        (StepColumn.ANSWERED, StepColumn.FINAL),
        (StepColumn.PROVIDER_FAILED, StepColumn.FAILED),
        (StepColumn.TRANSFER_KNOWN, StepColumn.ANSWERED),
        (StepColumn.TRANSFERRED, StepColumn.TRANSFER_KNOWN),
    )
]


class EvaluatorState(msgspec.Struct, array_like=True):
    """State of the evaluation. `lasting` are findings that began in the past and have not recovered.

    `evaluated` are the rows of steps at their evaluation, `sums` their totals: see `sums_of`.
    """

    detector: bytes | None = None
    tracked_series: list[TrackedSeries] = []
    evaluated: list[tuple[int, msgspec.Raw]] = []
    lasting: list[AlertFinding] = []
    sums: list[tuple[int, list[int]]] = []


_decoder: Final = msgspec.msgpack.Decoder(EvaluatorState)
_rows_decoder: Final = msgspec.msgpack.Decoder(list[tuple[AlertStepKey, Cells]])


def read_evaluator_state(state: bytes | None) -> EvaluatorState:
    """Return the decoded state. Raises DamagedStore.

    The state of a release with other columns is ignored, and its steps are learned again.
    """
    if state is None:
        return EvaluatorState()
    try:
        decoded = _decoder.decode(state)
    except msgspec.DecodeError as fault:
        message = "the stored state of the alert evaluation is unreadable; restore it from a backup"
        raise DamagedStore(message) from fault
    has_other_columns = any(len(sums) != 1 + len(COLUMNS) for _, sums in decoded.sums)
    return EvaluatorState() if has_other_columns else decoded


class EvaluatedSteps:
    """Rows of steps at their evaluation, for as long as late calls may change them."""

    def __init__(self, steps: Mapping[int, Rows]) -> None:
        self.steps = dict(steps)

    def with_late(self, step_s: int, rows: Mapping[int, Rows]) -> Rows:
        """Return the rows of a step, plus late arrivals of earlier steps. `rows` are all current rows."""
        cells = dict(rows.get(step_s, {}))
        for earlier_s in [each for each in self.steps if step_s - LATE_S <= each < step_s]:
            now = rows.get(earlier_s, {})
            for key, added in _differences(self.steps[earlier_s], now).items():
                cells[key] = tuple(map(add, cells.get(key, _NONE), added))
            self.steps[earlier_s] = now
        self.steps[step_s] = rows.get(step_s, {})
        self.steps = {each: old_rows for each, old_rows in self.steps.items() if each > step_s - LATE_S}
        return {key: _consistent(each) for key, each in cells.items() if any(each)}


def _differences(earlier: Rows, now: Rows) -> dict[AlertStepKey, Cells]:
    # Most steps are unchanged: comparing them whole is faster than key by key.
    if earlier == now:
        return {}
    changed = [key for key in earlier.keys() | now.keys() if earlier.get(key) != now.get(key)]
    return {key: tuple(map(sub, now.get(key, _NONE), earlier.get(key, _NONE))) for key in changed}


def _consistent(cells: Cells) -> Cells:
    """Return consistent counts: a corrected state may subtract a call from a step without one."""
    counts = [max(0, count) for count in cells]
    counts[_FINAL] = max(counts[_FINAL], sum(counts[index] for index in _FINAL_STATES))
    for part, whole in _SUBSETS:
        counts[part] = min(counts[part], counts[whole])
    return tuple(counts)


def changed_steps(state: EvaluatorState, now: Sums) -> frozenset[int]:
    """Return the steps with other counts than at their evaluation.

    A call that moves from one route to another and changes nothing else goes unnoticed: it has been evaluated
    already.
    """
    earlier = {at: tuple(sums) for at, sums in state.sums}
    return frozenset(at for at, _ in state.evaluated if earlier.get(at, ()) != tuple(now.get(at, ())))


def evaluated_steps(state: EvaluatorState, changed: Iterable[int]) -> EvaluatedSteps:
    rows = dict(state.evaluated)
    return EvaluatedSteps({at: dict(_rows_decoder.decode(rows[at])) for at in changed})


def retain_recent_steps(state: EvaluatorState, evaluated: EvaluatedSteps, to_s: int) -> None:
    """Keep the rows of steps that late calls may still change."""
    evaluated_rows, late_s = evaluated.steps, to_s - LATE_S
    rows = dict(state.evaluated)
    for at, step_rows in evaluated_rows.items():
        rows[at] = msgspec.Raw(msgspec.msgpack.encode(list(step_rows.items())))
    sums = {at: step_sums for at, step_sums in state.sums if at not in evaluated_rows}
    sums |= {at: sums_of(step_rows) for at, step_rows in evaluated_rows.items() if step_rows}
    state.evaluated = [(at, step_rows) for at, step_rows in sorted(rows.items()) if at >= late_s]
    state.sums = [(at, step_sums) for at, step_sums in sorted(sums.items()) if at >= late_s]


def sums_of(rows: Rows) -> list[int]:
    """Return the number of rows and the total of each column, in the store's format."""
    return [len(rows), *map(sum, zip(*rows.values(), strict=True))]
