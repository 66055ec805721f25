"""Turns of judging: what happened since the last one is fed to the detectors, and what they find is kept.

What detectors remember, and the alerts that came of it, are written in one transaction, which only the
worker can commit that went on from the last: so a restart, two workers at once or a lost lease cost work,
and neither lose an alert nor make one twice. The first turns go through the weeks that are kept, and learn;
what they find is not told unless it still lasts.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

import msgspec

from calltally.alerts.evaluation.alert_lifecycle import AlertLifecycle
from calltally.alerts.evaluation.evaluator_state import (
    EvaluatorState,
    changed_steps,
    evaluated_steps,
    read_evaluator_state,
    retain_recent_steps,
)
from calltally.alerts.evaluation.late_arrivals import LATE_S
from calltally.alerts.evaluation.series_rollup import Rows, SeriesRollup
from calltally.alerts.model.detector import OnlineDetector
from calltally.alerts.model.finding import AlertFinding, AlertKind, FindingChange
from calltally.alerts.model.rules import Rules, rules_of
from calltally.calls.alert_counts import STEP_S, Key
from calltally.calls.times import SECOND_US
from calltally.store.alerts.detector_state import Judging, judging_of, keep_judging, rules_of_tenant
from calltally.store.alerts.erasure import erased_among, forget_in_alerts
from calltally.store.db.interface import Store
from calltally.store.db.operation import Statement, Step
from calltally.store.rollups.alert_steps import KEPT_S, Steps, step_sums, steps_between
from calltally.store.tenants.signature_failures import drop_failures

# How late facts usually are: a step is judged so long after its end.
SETTLED_S: Final = 30
# A day of steps a turn, so that others have their turn, and a worker that dies loses little.
_MOST_STEPS: Final = 288
_FAILURES_KEPT_S: Final = 86_400


class DetectorFactory(Protocol):
    """Makes detectors of rates: new ones, and those that were stored."""

    def new(self, rules: Rules) -> OnlineDetector:
        """One that knows nothing yet."""
        ...

    def restored(self, stored: bytes, rules: Rules) -> OnlineDetector:
        """One that goes on where `stored` was made. Raises ValueError where it cannot."""
        ...


class Conditions(NamedTuple):
    """All that is so now, of some kinds: what is not among the findings is not, or no more."""

    kinds: Sequence[AlertKind]
    findings: Sequence[AlertFinding]


# What is so now: asked only once a turn comes up to now, since it costs more than many steps of the past.
ReadConditions: TypeAlias = Callable[[], Awaitable[Conditions]]
# Goes through the steps of a turn, as fast as others can bear.
Pace: TypeAlias = Callable[[Iterable[int]], Iterable[int]]


class EvaluationRun(NamedTuple):
    """What became of a turn: steps that were judged, findings, and whether more waits to be judged.

    `is_live` is whether it came up to now; `is_kept` whether another worker was faster.
    """

    steps: int
    findings: int
    is_live: bool
    is_kept: bool


class _Work(NamedTuple):
    """What a turn begins with."""

    judging: Judging
    memory: EvaluatorState
    rules: Rules
    from_s: int
    to_s: int
    rows: dict[int, Rows]
    changed: frozenset[int]


def rules_or_defaults(stored: bytes | None) -> Rules:
    """A tenant's rules; the defaults where it never set any."""
    return Rules() if stored is None else rules_of(msgspec.json.decode(stored))


def last_step_s(now_us: int) -> int:
    """Before which instant steps can be judged: they are over, and have settled."""
    settled_s = now_us // SECOND_US - SETTLED_S
    return settled_s - settled_s % STEP_S


def is_evaluation_due(tenant: str, now_us: int) -> Step[bool]:
    """Whether five minutes are over that were not judged; a tenant without calls may have other news."""
    judging = yield from judging_of(tenant)
    return judging.judged_us < last_step_s(now_us) * SECOND_US


class AlertEvaluator:
    """Takes turns for tenants, one after the other, on one store."""

    def __init__(self, store: Store, detectors: DetectorFactory | None, pace: Pace = iter) -> None:
        self._store = store
        self._detectors = detectors
        self._pace = pace

    async def take_turn(self, tenant: str, now_us: int, ask: ReadConditions) -> EvaluationRun:
        """Judge what is due, a day at most; what is so now is asked once all is judged up to now."""
        learns = self._detectors is not None
        work = await self._store.read(_begin(tenant, now_us, learns=learns), long=True)
        memory, findings = await asyncio.to_thread(self._feed, work)
        is_live = work.to_s >= last_step_s(now_us)
        conditions = await ask() if is_live else None
        step = _keep(tenant, (work, memory), findings if is_live else (), now_us, conditions)
        is_kept = await self._store.write(step)
        return EvaluationRun((work.to_s - work.from_s) // STEP_S, len(findings), is_live, is_kept)

    def _feed(self, work: _Work) -> tuple[EvaluatorState, list[AlertFinding]]:
        """In a thread: what many routes and weeks take would hold up others."""
        memory = work.memory
        if self._detectors is None or (memory.detector is None and work.from_s == work.to_s):
            # Who has no calls has nothing to learn from, and costs nothing.
            return EvaluatorState(), []
        detector = _restored(self._detectors, memory, work.rules)
        roll, judged = SeriesRollup(memory.roll), evaluated_steps(memory, work.changed)
        lasting = {finding.key: finding for finding in memory.lasting}
        found: list[AlertFinding] = []
        for step_s in self._pace(range(work.from_s, work.to_s, STEP_S)):
            rows = judged.with_late(step_s, work.rows)
            for finding in detector.feed(roll.step(step_s, rows)):
                found.append(finding)
                _last(lasting, finding)
        kept = EvaluatorState(
            detector.stored(), roll.stored(), memory.judged, list(lasting.values()), memory.sums
        )
        retain_recent_steps(kept, judged, work.to_s)
        return kept, found


def _restored(detectors: DetectorFactory, memory: EvaluatorState, rules: Rules) -> OnlineDetector:
    if memory.detector is None:
        return detectors.new(rules)
    return detectors.restored(memory.detector, rules)


def _last(lasting: dict[str, AlertFinding], finding: AlertFinding) -> None:
    if finding.change is FindingChange.RECOVERED:
        lasting.pop(finding.key, None)
    elif finding.change in {FindingChange.BEGAN, FindingChange.WORSENED}:
        lasting[finding.key] = finding


def _begin(tenant: str, now_us: int, *, learns: bool) -> Step[_Work]:
    judging = yield from judging_of(tenant)
    rules = rules_or_defaults((yield from rules_of_tenant(tenant)))
    memory, last_s = read_evaluator_state(judging.state), last_step_s(now_us)
    from_s = judging.judged_us // SECOND_US if learns else last_s
    if memory.detector is None and learns:
        [(first_s, _)] = yield Statement("first_and_last_step", {"tenant": tenant})
        from_s = max(first_s if first_s is not None else last_s, last_s - KEPT_S)
        from_s -= from_s % STEP_S
    to_s = min(last_s, from_s + _MOST_STEPS * STEP_S)
    changed = changed_steps(memory, (yield from step_sums(tenant, from_s - LATE_S, from_s)))
    rows = yield from steps_between(tenant, from_s, to_s)
    for at in sorted(changed):
        rows |= yield from steps_between(tenant, at, at + STEP_S)
    return _Work(judging, memory, rules, min(from_s, to_s), to_s, rows_by_step(rows), changed)


def rows_by_step(steps: Steps) -> dict[int, Rows]:
    """Rows by the step that they are of."""
    rows: dict[int, Any] = {}
    for key, cells in steps.items():
        rows.setdefault(key.step_s, {})[Key._make((0, *key[1:]))] = cells
    return rows


def _keep(
    tenant: str,
    done: tuple[_Work, EvaluatorState],
    findings: Sequence[AlertFinding],
    now_us: int,
    conditions: Conditions | None,
) -> Step[bool]:
    """What is remembered and what came of it, or nothing of either."""
    work, memory = done
    if conditions is not None:
        # What began while the past was gone through and still lasts is news now.
        earlier = [each for each in work.memory.lasting if each not in findings]
        findings = [*earlier, *findings]
        memory.lasting = []
    state = msgspec.msgpack.encode(memory)
    keeper = AlertLifecycle(tenant, now_us, work.rules.tz)
    yield from keeper.lock()
    # Never back: a clock that is behind the last turn's would have its steps fed again.
    judged_us = max(work.judging.judged_us, work.to_s * SECOND_US)
    if not (yield from keep_judging(tenant, work.judging, judged_us, state)):
        return False
    yield from keeper.take(findings)
    if conditions is not None:
        yield from keeper.take_conditions(conditions.kinds, conditions.findings)
        # They were found before the lock was had: whoever was erased since must not be named.
        sids = sorted({sid for finding in conditions.findings for sid in finding.sids})
        if gone := (yield from erased_among(tenant, sids)):
            yield from forget_in_alerts(tenant, gone)
        yield from drop_failures(tenant, now_us // SECOND_US - _FAILURES_KEPT_S)
    return True
