"""What is remembered between two turns of judging, and which steps have changed since they were judged.

Rows of the last two hours are by far the most of it, and hardly ever needed: they stay as bytes until the
sums of their step are no longer what they were.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from calltally.alerts.evaluation.late_arrivals import LATE_S, EvaluatedSteps
from calltally.alerts.evaluation.series_rollup import Rows, TrackedSeries
from calltally.alerts.model.finding import AlertFinding
from calltally.calls.alert_counts import Cells, Key
from calltally.calls.errors import DamagedStore

Sums: TypeAlias = Mapping[int, Sequence[int]]


class EvaluatorState(msgspec.Struct, array_like=True):
    """What is kept. `lasting` is what began in the past and has not recovered.

    `judged` are the rows of steps as they were judged, `sums` what they add up to: see `sums_of`.
    """

    detector: bytes | None = None
    roll: list[TrackedSeries] = []
    judged: list[tuple[int, msgspec.Raw]] = []
    lasting: list[AlertFinding] = []
    sums: list[tuple[int, list[int]]] = []


_decoder: Final = msgspec.msgpack.Decoder(EvaluatorState)
_rows_decoder: Final = msgspec.msgpack.Decoder(list[tuple[Key, Cells]])


def read_evaluator_state(state: bytes | None) -> EvaluatorState:
    """What a turn has left. Raises DamagedStore."""
    if state is None:
        return EvaluatorState()
    try:
        return _decoder.decode(state)
    except msgspec.DecodeError as fault:
        message = "what alerts were judged by cannot be read; restore it from a backup"
        raise DamagedStore(message) from fault


def changed_steps(memory: EvaluatorState, now: Sums) -> frozenset[int]:
    """The steps that hold other counts than when they were judged.

    A call that moves from one route to another and changes nothing else is not seen: it was judged.
    """
    then = dict(memory.sums)
    return frozenset(at for at, _ in memory.judged if then.get(at) != _listed(now.get(at)))


def _listed(sums: Sequence[int] | None) -> list[int] | None:
    return None if sums is None else list(sums)


def evaluated_steps(memory: EvaluatorState, changed: Iterable[int]) -> EvaluatedSteps:
    """Those steps that have changed, with what they held."""
    rows = dict(memory.judged)
    return EvaluatedSteps({at: dict(_rows_decoder.decode(rows[at])) for at in changed})


def retain_recent_steps(memory: EvaluatorState, judged: EvaluatedSteps, to_s: int) -> None:
    """Keep the steps to which calls may still come late, as they were judged by now."""
    fresh, late_s = judged.stored(), to_s - LATE_S
    rows = dict(memory.judged) | {at: _packed(held) for at, held in fresh.items()}
    sums = {at: held for at, held in memory.sums if at not in fresh}
    sums |= {at: sums_of(held) for at, held in fresh.items() if held}
    memory.judged = [(at, held) for at, held in sorted(rows.items()) if at >= late_s]
    memory.sums = [(at, held) for at, held in sorted(sums.items()) if at >= late_s]


def sums_of(rows: Rows) -> list[int]:
    """How many rows, and what each column of them adds up to, as the store says it."""
    return [len(rows), *map(sum, zip(*rows.values(), strict=True))]


def _packed(rows: Rows) -> msgspec.Raw:
    return msgspec.Raw(msgspec.msgpack.encode(list(rows.items())))
