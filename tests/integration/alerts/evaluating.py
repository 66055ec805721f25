"""Helpers to evaluate alerts with a simple, predictable detector."""

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
from calltally.store.alerts.alerts import (
    Alert,
    AlertFilter,
    StoredAlertChange,
    alert_history,
    list_alerts,
)
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.store.probing import submit
from tests.sample_facts import START_US, fact

STEP_S = STEP_US // SECOND_US
NOTHING = Conditions((), ())
EVER = AlertFilter(-(2**62), 2**62, limit=100)
# Number of unanswered calls in five minutes that raises an alarm.
TOO_MANY = 10


class ThresholdDetector:
    """Detector that alarms while steps have at least `TOO_MANY` unanswered calls in a series."""

    def __init__(self, alarmed: set[SeriesKey], last_us: int | None, fed: list[tuple[int, int]]) -> None:
        self.alarmed = alarmed
        self._last_us = last_us
        # Unanswered calls of all series in each step, to check that each counts once.
        self.fed = fed

    def feed(self, step: Step) -> list[AlertFinding]:
        if self._last_us is not None and step.at_us <= self._last_us:
            raise ValueError("a step came twice")
        self._last_us = step.at_us
        submit_unanswered = [row[COLUMN_INDEX[StepColumn.NO_ANSWER]] for row in step.counts]
        self.fed.append((step.at_us // SECOND_US, submit_unanswered[0]))
        return [
            found
            for key, calls in zip(step.table.keys, submit_unanswered, strict=True)
            if (found := self._evaluate(step, key, calls))
        ]

    def _evaluate(self, step: Step, key: SeriesKey, calls: int) -> AlertFinding | None:
        if calls < TOO_MANY:
            if key not in self.alarmed:
                return None
            self.alarmed.discard(key)
            return finding(FindingChange.RECOVERED, key, step.at_us, calls)
        was_alarmed = key in self.alarmed
        self.alarmed.add(key)
        return finding(
            FindingChange.CONTINUES if was_alarmed else FindingChange.BEGAN, key, step.at_us, calls
        )

    def dump(self) -> bytes:
        return msgspec.msgpack.encode((list(self.alarmed), self._last_us, self.fed))


class ThresholdDetectorFactory:
    """Factory of threshold detectors."""

    def new(self, rules: Rules) -> ThresholdDetector:
        del rules
        return ThresholdDetector(set(), None, [])

    def load(self, stored: bytes, rules: Rules) -> ThresholdDetector:
        del rules
        kind = tuple[list[SeriesKey], int | None, list[tuple[int, int]]]
        alarmed, last_us, fed = msgspec.msgpack.decode(stored, type=kind)
        return ThresholdDetector(set(alarmed), last_us, fed)


def finding(
    change: FindingChange, key: SeriesKey, at_us: int, calls: int = 20, children: tuple[SeriesKey, ...] = ()
) -> AlertFinding:
    """Return a finding of unanswered calls in the step that starts at `at_us`."""
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


def submit_unanswered(bench: Bench, step: int, calls: int, *, route: str = "support", name: str = "") -> None:
    """Submit unanswered calls of a route in a step after the tests' start."""
    at_s = (START_US // SECOND_US // STEP_S + step) * STEP_S - START_US // SECOND_US
    facts = [
        fact(at_s + number / 10, f"{route}-{step}-{name}{number}", route=route, status="no-answer")
        for number in range(calls)
    ]
    submit(bench, *facts)


def evaluation_us(step: int) -> int:
    """Return the first instant at which a step can be evaluated."""
    return (START_US // STEP_US + step + 1) * STEP_US + 31 * SECOND_US


def conditions_reader(conditions: Conditions = NOTHING) -> ReadConditions:
    """Return a reader of these conditions."""

    async def conditions_now() -> Conditions:
        return conditions

    return conditions_now


def evaluate(bench: Bench, now_us: int, conditions: Conditions = NOTHING) -> EvaluationRun:
    """Run one evaluation."""
    return bench.run(
        AlertEvaluator(bench.store, ThresholdDetectorFactory()).evaluate(
            TENANT, now_us, conditions_reader(conditions)
        )
    )


def alerts(bench: Bench, tenant: str = TENANT) -> list[Alert]:
    """Return all alerts, newest first."""
    found, total = bench.run(bench.store.read(list_alerts(tenant, EVER)))
    assert total == len(found)
    return found


def history(bench: Bench, alert: Alert, tenant: str = TENANT) -> list[StoredAlertChange]:
    return bench.run(bench.store.read(alert_history(tenant, alert.alert)))


class FakeHttpClient:
    """HTTP client that records requests and answers with a set status."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.response_body = b"as set"
        self.received: list[tuple[str, Mapping[str, str], dict[str, object]]] = []

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> RequestOutcome:
        if self.status == 0:
            return RequestFailure("unreachable", "no connection")
        if self.status < 300:
            self.received.append((url, headers, json.loads(body)))
        return OutgoingResponse(self.status, {}, self.response_body)


__all__ = ["NOW_US", "TENANT"]
