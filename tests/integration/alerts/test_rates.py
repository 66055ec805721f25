"""The real detector over weeks of steps in a store: it learns, and reports a spike."""

import asyncio
import shutil
from pathlib import Path
from random import Random

import pytest

from calltally.alerts.detection.factory import RateDetectorFactory
from calltally.alerts.evaluation.alert_lifecycle import read_content
from calltally.alerts.evaluation.evaluator import AlertEvaluator
from calltally.calls.alert_counts import COLUMNS, STEP_S, AlertStepKey
from calltally.store.alerts.detector_state import StoredEvaluation, read_evaluation, save_evaluation
from calltally.store.rollups.alert_steps import StepDifferences, Steps, repair_steps
from tests.conftest import TENANT, Bench
from tests.integration.alerts.evaluating import alerts, conditions_reader, evaluation_us
from tests.sample_facts import START_US

FIRST_S = START_US // 1_000_000 // STEP_S * STEP_S
SPIKE = 16 * 288


def weeks(first: int) -> Steps:
    """Return sixteen days of two routes with ten calls per step, then a spike of no-answers on one.

    From the step `first` on.
    """
    random, steps = Random(4), Steps()
    for step in range(SPIKE + 12):
        for route in ("support", "sales"):
            missed = 0.6 if route == "support" and step >= SPIKE else 0.12
            unanswered = sum(random.random() < missed for _ in range(10))
            counts = {"started": 10, "final": 10, "no_answer": unanswered}
            counts |= dict.fromkeys(("answered", "completed"), 10 - unanswered)
            key = AlertStepKey(FIRST_S + step * STEP_S, route, "twilio", "", "")
            if step >= first:
                steps[key] = tuple(counts.get(name, 0) for name in COLUMNS)
    return steps


def evaluate_until(bench: Bench, step: int) -> int:
    """Return the number of evaluations until a step is evaluated."""
    evaluator, runs, is_current = AlertEvaluator(bench.store, RateDetectorFactory()), 0, False
    while not is_current:
        is_current = bench.run(
            evaluator.evaluate(TENANT, evaluation_us(step), conditions_reader())
        ).is_current
        runs += 1
    return runs


@pytest.fixture(scope="module")
def learned(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> StoredEvaluation:
    """Return the state after sixteen days without findings, learned once at a day per evaluation."""
    path = tmp_path_factory.mktemp("learned") / "calltally.db"
    shutil.copy(sqlite_template, path)
    with asyncio.Runner() as runner:
        bench = Bench(f"sqlite:///{path}", runner)
        bench.run(bench.store.write(repair_steps(TENANT, StepDifferences(0, weeks(0), 0))))
        assert (evaluate_until(bench, SPIKE - 1), alerts(bench)) == (16, [])
        stored = bench.run(bench.store.read(read_evaluation(TENANT)))
        bench.close()
    return stored


def test_spike_after_learned_weeks_opens_one_alert(bench: Bench, learned: StoredEvaluation) -> None:
    assert learned.state is not None
    stored_now = bench.run(bench.store.read(read_evaluation(TENANT)))
    write_state = save_evaluation(TENANT, stored_now, learned.judged_us, learned.state)
    assert bench.run(bench.store.write(write_state))
    bench.run(bench.store.write(repair_steps(TENANT, StepDifferences(0, weeks(SPIKE - 288), 0))))
    assert evaluate_until(bench, SPIKE + 8) == 1
    opened = [alert for alert in alerts(bench) if alert.route == "support"]
    assert len(opened) == 1
    content = read_content(opened[0])
    assert content.message.startswith("No-answer on support: ")
    assert content.finding.listed["route"] == "support"
    assert abs(opened[0].since_us - (FIRST_S + SPIKE * STEP_S) * 1_000_000) <= 2 * STEP_S * 1_000_000
