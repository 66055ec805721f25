"""What is remembered between turns: which steps have changed, and which are still kept."""

import msgspec

from calltally.alerts.evaluation.evaluator_state import (
    EvaluatorState,
    changed_steps,
    evaluated_steps,
    read_evaluator_state,
    retain_recent_steps,
    sums_of,
)
from calltally.alerts.evaluation.late_arrivals import LATE_S
from calltally.alerts.evaluation.series_rollup import Rows
from calltally.calls.alert_counts import COLUMNS, STEP_S, Key

NOW_S = 10 * LATE_S


def rows(calls: int) -> Rows:
    return {Key(0, route, "", "", ""): (calls, *(0,) * (len(COLUMNS) - 1)) for route in ("a", "b")}


def remembered(*steps_s: int) -> EvaluatorState:
    memory = EvaluatorState()
    judged = evaluated_steps(memory, ())
    for at in steps_s:
        judged.with_late(at, dict.fromkeys(steps_s, rows(3)))
    retain_recent_steps(memory, judged, steps_s[-1] + STEP_S)
    return read_evaluator_state(msgspec.msgpack.encode(memory))


def test_only_what_adds_up_to_something_else_has_changed() -> None:
    earlier, later = NOW_S - 2 * STEP_S, NOW_S - STEP_S
    memory = remembered(earlier, later)
    same = {at: sums_of(rows(3)) for at in (earlier, later)}
    assert same[later][:2] == [2, 6]
    assert changed_steps(memory, same) == frozenset()
    assert changed_steps(memory, same | {later: sums_of(rows(4))}) == {later}
    assert changed_steps(memory, {earlier: same[earlier]}) == {later}
    assert evaluated_steps(memory, [later]).rows_of_steps() == {later: rows(3)}


def test_a_step_that_changed_is_remembered_as_it_is_now_and_others_as_they_were() -> None:
    earlier, later = NOW_S - 2 * STEP_S, NOW_S - STEP_S
    memory = remembered(earlier, later)
    judged = evaluated_steps(memory, [later])
    found = judged.with_late(NOW_S, {NOW_S: rows(1), later: rows(5)})
    assert found == rows(1 + 2)
    retain_recent_steps(memory, judged, NOW_S + STEP_S)
    assert evaluated_steps(memory, [earlier, later]).rows_of_steps() == {earlier: rows(3), later: rows(5)}
    assert {at: sums[:2] for at, sums in memory.sums} == {earlier: [2, 6], later: [2, 10], NOW_S: [2, 2]}


def test_a_step_that_holds_nothing_any_more_is_seen_once() -> None:
    at = NOW_S - STEP_S
    memory = remembered(at)
    judged = evaluated_steps(memory, changed_steps(memory, {}))
    judged.with_late(NOW_S, {})
    retain_recent_steps(memory, judged, NOW_S + STEP_S)
    assert changed_steps(memory, {}) == frozenset()


def test_what_is_older_than_calls_may_be_late_is_let_go() -> None:
    memory = remembered(NOW_S - LATE_S, NOW_S)
    assert [at for at, _ in memory.evaluated] == [NOW_S]


def test_a_memory_from_before_sums_were_kept_is_looked_at_whole() -> None:
    memory = remembered(NOW_S - STEP_S)
    older = read_evaluator_state(
        msgspec.msgpack.encode([None, [], [[NOW_S - STEP_S, memory.evaluated[0][1]]], []])
    )
    assert changed_steps(older, {NOW_S - STEP_S: sums_of(rows(3))}) == {NOW_S - STEP_S}
