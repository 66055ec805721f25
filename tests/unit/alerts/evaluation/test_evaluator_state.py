"""State between evaluations: changed steps, and the steps that are kept."""

import msgspec

from calltally.alerts.evaluation.evaluator_state import (
    LATE_S,
    EvaluatorState,
    changed_steps,
    evaluated_steps,
    read_evaluator_state,
    retain_recent_steps,
    sums_of,
)
from calltally.alerts.evaluation.series_rollup import Rows
from calltally.calls.alert_counts import COLUMNS, STEP_S, AlertStepKey

NOW_S = 10 * LATE_S


def rows(calls: int) -> Rows:
    return {AlertStepKey(0, route, "", "", ""): (calls, *(0,) * (len(COLUMNS) - 1)) for route in ("a", "b")}


def stored_state(*steps_s: int) -> EvaluatorState:
    state = EvaluatorState()
    steps = evaluated_steps(state, ())
    for at in steps_s:
        steps.with_late(at, dict.fromkeys(steps_s, rows(3)))
    retain_recent_steps(state, steps, steps_s[-1] + STEP_S)
    return read_evaluator_state(msgspec.msgpack.encode(state))


def test_steps_with_different_sums_have_changed() -> None:
    earlier, later = NOW_S - 2 * STEP_S, NOW_S - STEP_S
    state = stored_state(earlier, later)
    same = {at: sums_of(rows(3)) for at in (earlier, later)}
    assert same[later][:2] == [2, 6]
    assert changed_steps(state, same) == frozenset()
    assert changed_steps(state, same | {later: sums_of(rows(4))}) == {later}
    assert changed_steps(state, {earlier: same[earlier]}) == {later}
    assert evaluated_steps(state, [later]).steps == {later: rows(3)}


def test_changed_step_is_stored_with_its_current_rows() -> None:
    earlier, later = NOW_S - 2 * STEP_S, NOW_S - STEP_S
    state = stored_state(earlier, later)
    steps = evaluated_steps(state, [later])
    found = steps.with_late(NOW_S, {NOW_S: rows(1), later: rows(5)})
    assert found == rows(1 + 2)
    retain_recent_steps(state, steps, NOW_S + STEP_S)
    assert evaluated_steps(state, [earlier, later]).steps == {earlier: rows(3), later: rows(5)}
    assert {at: sums[:2] for at, sums in state.sums} == {earlier: [2, 6], later: [2, 10], NOW_S: [2, 2]}


def test_emptied_step_counts_as_changed_once() -> None:
    at = NOW_S - STEP_S
    state = stored_state(at)
    steps = evaluated_steps(state, changed_steps(state, {}))
    steps.with_late(NOW_S, {})
    retain_recent_steps(state, steps, NOW_S + STEP_S)
    assert changed_steps(state, {}) == frozenset()


def test_steps_too_old_for_late_calls_are_dropped() -> None:
    state = stored_state(NOW_S - LATE_S, NOW_S)
    assert [at for at, _ in state.evaluated] == [NOW_S]


def test_state_without_sums_counts_all_steps_as_changed() -> None:
    state = stored_state(NOW_S - STEP_S)
    older = read_evaluator_state(
        msgspec.msgpack.encode([None, [], [[NOW_S - STEP_S, state.evaluated[0][1]]], []])
    )
    assert changed_steps(older, {NOW_S - STEP_S: sums_of(rows(3))}) == {NOW_S - STEP_S}
