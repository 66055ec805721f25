"""A tenant that is watched by a detector of the tests' own: plain, and so easy to foretell."""

import json
from collections.abc import Mapping

import msgspec

from calltally.alerts.evaluation.evaluator import AlertEvaluator, Conditions, EvaluationRun, ReadConditions
from calltally.alerts.model.finding import (
    AlertFinding,
    AlertKind,
    ChangeDirection,
    FindingChange,
    FindingEvidence,
)
from calltally.alerts.model.rules import Rules
from calltally.alerts.model.series import COLUMN_INDEX, STEP_US, Metric, SeriesKey, Step, StepColumn
from calltally.calls.times import SECOND_US
from calltally.net.http_client import RequestFailure, RequestOutcome
from calltally.net.http_connection import OutgoingResponse
from calltally.store.alerts.alerts import Alert, AlertFilter, history_of, list_alerts
from calltally.store.alerts.alerts import Change as AlertChange
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.store.probing import submit
from tests.telling import START_US, fact

STEP_S = STEP_US // SECOND_US
NOTHING = Conditions((), ())
EVER = AlertFilter(-(2**62), 2**62, limit=100)
# So many unanswered calls in five minutes are too many.
TOO_MANY = 10


class Threshold:
    """Alarms where a series has `TOO_MANY` unanswered calls in a step, until a step has fewer."""

    def __init__(self, alarmed: set[SeriesKey], last_us: int | None, fed: list[tuple[int, int]]) -> None:
        self.alarmed = alarmed
        self._last_us = last_us
        # Every step with its unanswered calls of all series, to see that each counts once.
        self.fed = fed

    @property
    def last_us(self) -> int | None:
        return self._last_us

    def feed(self, step: Step) -> list[AlertFinding]:
        if self._last_us is not None and step.at_us <= self._last_us:
            raise ValueError("a step came twice")
        self._last_us = step.at_us
        unanswered = [row[COLUMN_INDEX[StepColumn.NO_ANSWER]] for row in step.counts]
        self.fed.append((step.at_us // SECOND_US, unanswered[0]))
        return [
            found
            for key, calls in zip(step.table.keys, unanswered, strict=True)
            if (found := self._judged(step, key, calls))
        ]

    def _judged(self, step: Step, key: SeriesKey, calls: int) -> AlertFinding | None:
        if calls < TOO_MANY:
            if key not in self.alarmed:
                return None
            self.alarmed.discard(key)
            return finding(FindingChange.RECOVERED, key, step.at_us, calls)
        was = key in self.alarmed
        self.alarmed.add(key)
        return finding(FindingChange.CONTINUES if was else FindingChange.BEGAN, key, step.at_us, calls)

    def dump(self) -> bytes:
        return msgspec.msgpack.encode((list(self.alarmed), self._last_us, self.fed))

    def with_rules(self, rules: Rules) -> "Threshold":
        del rules
        return self


class Thresholds:
    """Makes them."""

    def new(self, rules: Rules) -> Threshold:
        del rules
        return Threshold(set(), None, [])

    def load(self, stored: bytes, rules: Rules) -> Threshold:
        del rules
        kind = tuple[list[SeriesKey], int | None, list[tuple[int, int]]]
        alarmed, last_us, fed = msgspec.msgpack.decode(stored, type=kind)
        return Threshold(set(alarmed), last_us, fed)


def finding(
    change: FindingChange, key: SeriesKey, at_us: int, calls: int = 20, children: tuple[SeriesKey, ...] = ()
) -> AlertFinding:
    """That so many calls were not answered in the step that begins then."""
    metric = Metric.NO_ANSWER_RATE
    found_us = at_us + STEP_US

    def evidence(series: SeriesKey) -> FindingEvidence:
        return FindingEvidence(series, metric, at_us, found_us, 50, calls, calls / 50, 0.12, 0.08, 0.16)

    return AlertFinding(
        kind=AlertKind.RATE,
        change=change,
        series=key,
        metric=metric,
        direction=ChangeDirection.UP,
        since_us=at_us,
        found_us=found_us,
        evidence=evidence(key),
        detail="",
        sureness=9.0,
        false_alarms_a_week=0.01,
        budget_a_week=1.0,
        children=tuple(evidence(child) for child in children),
        listed={"status": "no-answer", "route": key.value},
    )


def unanswered(bench: Bench, step: int, calls: int, *, route: str = "support", name: str = "") -> None:
    """So many calls of a route that were not answered, in one of the five minutes after the tests' start."""
    at_s = (START_US // SECOND_US // STEP_S + step) * STEP_S - START_US // SECOND_US
    told = [
        fact(at_s + number / 10, f"{route}-{step}-{name}{number}", route=route, status="no-answer")
        for number in range(calls)
    ]
    submit(bench, *told)


def after(step: int) -> int:
    """The instant at which a step can be judged."""
    return (START_US // STEP_US + step + 1) * STEP_US + 31 * SECOND_US


def asked(conditions: Conditions = NOTHING) -> ReadConditions:
    """What is so now, for whoever asks."""

    async def conditions_now() -> Conditions:
        return conditions

    return conditions_now


def judge(bench: Bench, now_us: int, conditions: Conditions = NOTHING) -> EvaluationRun:
    """One turn."""
    return bench.run(AlertEvaluator(bench.store, Thresholds()).evaluate(TENANT, now_us, asked(conditions)))


def alerts(bench: Bench, tenant: str = TENANT) -> list[Alert]:
    """All alerts, the newest first."""
    found, total = bench.run(bench.store.read(list_alerts(tenant, EVER)))
    assert total == len(found)
    return found


def history(bench: Bench, alert: Alert, tenant: str = TENANT) -> list[AlertChange]:
    return bench.run(bench.store.read(history_of(tenant, alert.alert)))


class Receiver:
    """Stands where requests arrive, and answers as it is told."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.says = b"as told"
        self.took: list[tuple[str, Mapping[str, str], dict[str, object]]] = []

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> RequestOutcome:
        if self.status == 0:
            return RequestFailure("unreachable", "no connection")
        if self.status < 300:
            self.took.append((url, headers, json.loads(body)))
        return OutgoingResponse(self.status, {}, self.says)


__all__ = ["NOW_US", "TENANT"]
