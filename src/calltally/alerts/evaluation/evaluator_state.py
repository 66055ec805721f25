"""State between two evaluations of a tenant, and the steps that have changed since the last one.

The rows of the last two hours are by far the largest part, and rarely needed. They stay encoded until the
sums of their step change.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from calltally.alerts.evaluation.late_arrivals import LATE_S, EvaluatedSteps
from calltally.alerts.evaluation.series_rollup import Rows, TrackedSeries
from calltally.alerts.model.finding import AlertFinding
from calltally.calls.alert_counts import AlertStepKey, Cells
from calltally.calls.errors import DamagedStore

Sums: TypeAlias = Mapping[int, Sequence[int]]


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
    """Return the decoded state. Raises DamagedStore."""
    if state is None:
        return EvaluatorState()
    try:
        return _decoder.decode(state)
    except msgspec.DecodeError as fault:
        message = "the stored state of the alert evaluation is unreadable; restore it from a backup"
        raise DamagedStore(message) from fault


def changed_steps(state: EvaluatorState, now: Sums) -> frozenset[int]:
    """Return the steps with other counts than at their evaluation.

    A call that moves from one route to another and changes nothing else goes unnoticed: it has been evaluated
    already.
    """
    earlier = dict(state.sums)
    return frozenset(at for at, _ in state.evaluated if earlier.get(at) != _as_list(now.get(at)))


def _as_list(sums: Sequence[int] | None) -> list[int] | None:
    return None if sums is None else list(sums)


def evaluated_steps(state: EvaluatorState, changed: Iterable[int]) -> EvaluatedSteps:
    """Return the changed steps with their rows at the last evaluation."""
    rows = dict(state.evaluated)
    return EvaluatedSteps({at: dict(_rows_decoder.decode(rows[at])) for at in changed})


def retain_recent_steps(state: EvaluatorState, evaluated: EvaluatedSteps, to_s: int) -> None:
    """Keep the rows of steps that late calls may still change."""
    evaluated_rows, late_s = evaluated.rows_of_steps(), to_s - LATE_S
    rows = dict(state.evaluated) | {at: _encode_rows(step_rows) for at, step_rows in evaluated_rows.items()}
    sums = {at: step_sums for at, step_sums in state.sums if at not in evaluated_rows}
    sums |= {at: sums_of(step_rows) for at, step_rows in evaluated_rows.items() if step_rows}
    state.evaluated = [(at, step_rows) for at, step_rows in sorted(rows.items()) if at >= late_s]
    state.sums = [(at, step_sums) for at, step_sums in sorted(sums.items()) if at >= late_s]


def sums_of(rows: Rows) -> list[int]:
    """Return the number of rows and the total of each column, in the store's format."""
    return [len(rows), *map(sum, zip(*rows.values(), strict=True))]


def _encode_rows(rows: Rows) -> msgspec.Raw:
    return msgspec.Raw(msgspec.msgpack.encode(list(rows.items())))
