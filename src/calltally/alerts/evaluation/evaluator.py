"""Evaluation of alerts: new steps go to the detector, and its findings change the alerts.

One transaction writes the detector's state and the alerts. Only the worker that continued from the last state
can commit it. So a restart, two workers at once or a lost lease repeat work, but neither lose nor duplicate
an alert. The first evaluations learn from the stored weeks; their findings are recorded only if they still
last.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from calltally.alerts.detection.factory import DetectorFactory
from calltally.alerts.evaluation.alert_lifecycle import AlertLifecycle
from calltally.alerts.evaluation.evaluator_state import (
    LATE_S,
    EvaluatorState,
    changed_steps,
    evaluated_steps,
    read_evaluator_state,
    retain_recent_steps,
)
from calltally.alerts.evaluation.series_rollup import Rows, SeriesRollup
from calltally.alerts.model.finding import AlertFinding, AlertKind, FindingChange
from calltally.alerts.model.rules import Rules, rules_of
from calltally.calls.alert_counts import STEP_S, AlertStepKey
from calltally.calls.times import SECOND_US
from calltally.store.alerts.detector_state import (
    StoredEvaluation,
    read_evaluation,
    rules_of_tenant,
    save_evaluation,
)
from calltally.store.alerts.erasure import erase_calls_from_alerts, erased_among
from calltally.store.db.interface import Store
from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.rollups.alert_steps import STEPS_KEPT_S, Steps, step_sums, steps_between
from calltally.store.tenants.dead_letters import drop_failures

# Usual lateness of facts: a step is evaluated this long after its end.
SETTLED_S: Final = 30
# One day of steps per evaluation, so that other tenants wait less and a crash loses little.
_MAX_STEPS: Final = 288
_KEEP_FAILURES_S: Final = 86_400


class Conditions(NamedTuple):
    """Current conditions of some kinds: a condition that is not among the findings does not hold."""

    kinds: Sequence[AlertKind]
    findings: Sequence[AlertFinding]


# Reads the current conditions. It runs once an evaluation reaches the present, because it is expensive.
ReadConditions: TypeAlias = Callable[[], Awaitable[Conditions]]
# Iterates over the steps of an evaluation, slowly enough for other work.
Pace: TypeAlias = Callable[[Iterable[int]], Iterable[int]]


class EvaluationRun(NamedTuple):
    """Result of one evaluation: the number of its steps and findings.

    `is_current` is False if more steps wait. `is_committed` is False if another worker was faster.
    """

    steps: int
    findings: int
    is_current: bool
    is_committed: bool


class _EvaluationInput(NamedTuple):
    """Data that an evaluation reads first."""

    tenant: str
    now_us: int
    stored: StoredEvaluation
    state: EvaluatorState
    rules: Rules
    from_s: int
    to_s: int
    rows: dict[int, Rows]
    changed: frozenset[int]


def rules_or_defaults(stored: bytes | None) -> Rules:
    return Rules() if stored is None else rules_of(msgspec.json.decode(stored))


def last_step_s(now_us: int) -> int:
    """Return the end of the steps that are over and settled."""
    settled_s = now_us // SECOND_US - SETTLED_S
    return settled_s - settled_s % STEP_S


def is_evaluation_due(tenant: str, now_us: int) -> StoreOperation[bool]:
    """Return True if five minutes wait for evaluation; conditions may change without calls."""
    stored = yield from read_evaluation(tenant)
    return stored.judged_us < last_step_s(now_us) * SECOND_US


class AlertEvaluator:
    """Evaluates tenants of one store, one evaluation at a time."""

    def __init__(self, store: Store, detectors: DetectorFactory | None, pace: Pace = iter) -> None:
        self._store = store
        self._detectors = detectors
        self._pace = pace

    async def evaluate(self, tenant: str, now_us: int, read_conditions: ReadConditions) -> EvaluationRun:
        """Evaluate the due steps, a day at most, and the conditions once all steps are evaluated."""
        has_detectors = self._detectors is not None
        inputs = await self._store.read(_read_input(tenant, now_us, has_detectors=has_detectors), long=True)
        state, findings = await asyncio.to_thread(self._run_detector, inputs)
        is_current = inputs.to_s >= last_step_s(now_us)
        conditions = await read_conditions() if is_current else None
        commit = _commit(inputs, state, findings if is_current else (), conditions)
        is_committed = await self._store.write(commit)
        return EvaluationRun((inputs.to_s - inputs.from_s) // STEP_S, len(findings), is_current, is_committed)

    def _run_detector(self, inputs: _EvaluationInput) -> tuple[EvaluatorState, list[AlertFinding]]:
        """Run the detector over the steps. Runs in a thread: many routes and weeks would block the loop."""
        state = inputs.state
        if self._detectors is None or (state.detector is None and inputs.from_s == inputs.to_s):
            # A tenant without calls has nothing to learn from.
            return EvaluatorState(), []
        detector = (
            self._detectors.new(inputs.rules)
            if state.detector is None
            else self._detectors.load(state.detector, inputs.rules)
        )
        rollup, evaluated = SeriesRollup(state.tracked_series), evaluated_steps(state, inputs.changed)
        lasting = {finding.key: finding for finding in state.lasting}
        found: list[AlertFinding] = []
        for step_s in self._pace(range(inputs.from_s, inputs.to_s, STEP_S)):
            rows = evaluated.with_late(step_s, inputs.rows)
            for finding in detector.feed(rollup.step(step_s, rows)):
                found.append(finding)
                if finding.change is FindingChange.RECOVERED:
                    lasting.pop(finding.key, None)
                elif finding.change is not FindingChange.CONTINUES:
                    lasting[finding.key] = finding
        next_state = EvaluatorState(
            detector.dump(), rollup.tracked(), state.evaluated, list(lasting.values()), state.sums
        )
        retain_recent_steps(next_state, evaluated, inputs.to_s)
        return next_state, found


def _read_input(tenant: str, now_us: int, *, has_detectors: bool) -> StoreOperation[_EvaluationInput]:
    stored = yield from read_evaluation(tenant)
    rules = rules_or_defaults((yield from rules_of_tenant(tenant)))
    state, last_s = read_evaluator_state(stored.state), last_step_s(now_us)
    from_s = stored.judged_us // SECOND_US if has_detectors else last_s
    if state.detector is None and has_detectors:
        # All steps are evaluated, also those that a former state covered.
        stored = stored._replace(judged_us=0)
        [(first_s, _)] = yield Statement("first_and_last_step", {"tenant": tenant})
        from_s = max(first_s if first_s is not None else last_s, last_s - STEPS_KEPT_S)
        from_s -= from_s % STEP_S
    to_s = min(last_s, from_s + _MAX_STEPS * STEP_S)
    changed = changed_steps(state, (yield from step_sums(tenant, from_s - LATE_S, from_s)))
    rows = yield from steps_between(tenant, from_s, to_s)
    for at in sorted(changed):
        rows |= yield from steps_between(tenant, at, at + STEP_S)
    from_s = min(from_s, to_s)
    return _EvaluationInput(tenant, now_us, stored, state, rules, from_s, to_s, rows_by_step(rows), changed)


def rows_by_step(steps: Steps) -> dict[int, Rows]:
    rows: dict[int, Any] = {}
    for key, cells in steps.items():
        rows.setdefault(key.step_s, {})[AlertStepKey._make((0, *key[1:]))] = cells
    return rows


def _commit(
    inputs: _EvaluationInput,
    state: EvaluatorState,
    findings: Sequence[AlertFinding],
    conditions: Conditions | None,
) -> StoreOperation[bool]:
    """Write the new state and its alerts, or neither. Returns True if they were written."""
    tenant, now_us = inputs.tenant, inputs.now_us
    if conditions is not None:
        # Findings that began during the past steps and still last are reported now.
        earlier = [each for each in inputs.state.lasting if each not in findings]
        findings = [*earlier, *findings]
        state.lasting = []
    lifecycle = AlertLifecycle(tenant, now_us, inputs.rules.tz)
    yield from lifecycle.lock()
    # Never go back: if the clock is behind the last evaluation, its steps would be fed again.
    judged_us = max(inputs.stored.judged_us, inputs.to_s * SECOND_US)
    if not (yield from save_evaluation(tenant, inputs.stored, judged_us, msgspec.msgpack.encode(state))):
        return False
    yield from lifecycle.apply(findings)
    if conditions is not None:
        yield from lifecycle.apply_conditions(conditions.kinds, conditions.findings)
        # The findings were made before the lock: calls that were erased since then must not be named.
        sids = sorted({sid for finding in conditions.findings for sid in finding.sids})
        if gone := (yield from erased_among(tenant, sids)):
            yield from erase_calls_from_alerts(tenant, gone)
        yield from drop_failures(tenant, now_us // SECOND_US - _KEEP_FAILURES_S)
    return True
