"""The detector that is used, over weeks of steps in a store: they are learned from, and a spike is told."""

import asyncio
import shutil
from pathlib import Path
from random import Random

import pytest

from calltally.alerts.detection.factory import RateDetectorFactory
from calltally.alerts.evaluation.alert_payload import read_content
from calltally.alerts.evaluation.evaluator import AlertEvaluator
from calltally.calls.alert_counts import COLUMNS, STEP_S, Key
from calltally.store.alerts.detector_state import Judging, judging_of, keep_judging
from calltally.store.rollups.alert_steps import Differences, Steps, repair_steps
from tests.conftest import TENANT, Bench
from tests.integration.alerts.evaluating import after, alerts, asked
from tests.telling import START_US

FIRST_S = START_US // 1_000_000 // STEP_S * STEP_S
SPIKE = 16 * 288


def weeks(first: int) -> Steps:
    """Sixteen days of two routes with ten calls in five minutes each; then nobody is reached on one.

    From the step `first` on.
    """
    random, steps = Random(4), Steps()
    for step in range(SPIKE + 12):
        for route in ("support", "sales"):
            missed = 0.6 if route == "support" and step >= SPIKE else 0.12
            unanswered = sum(random.random() < missed for _ in range(10))
            said = {"started": 10, "final": 10, "no_answer": unanswered}
            said |= dict.fromkeys(("answered", "completed"), 10 - unanswered)
            key = Key(FIRST_S + step * STEP_S, route, "twilio", "", "")
            if step >= first:
                steps[key] = tuple(said.get(name, 0) for name in COLUMNS)
    return steps


def judged(bench: Bench, step: int) -> int:
    """How many turns it takes until all up to the end of a step is judged."""
    judge, turns, is_current = AlertEvaluator(bench.store, RateDetectorFactory()), 0, False
    while not is_current:
        is_current = bench.run(judge.evaluate(TENANT, after(step), asked())).is_current
        turns += 1
    return turns


@pytest.fixture(scope="module")
def learned(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Judging:
    """What is kept after sixteen days, a day a turn, in which nothing was found: learned once."""
    path = tmp_path_factory.mktemp("learned") / "calltally.db"
    shutil.copy(sqlite_template, path)
    with asyncio.Runner() as runner:
        bench = Bench(f"sqlite:///{path}", runner)
        bench.run(bench.store.write(repair_steps(TENANT, Differences(0, weeks(0), 0))))
        assert (judged(bench, SPIKE - 1), alerts(bench)) == (16, [])
        kept = bench.run(bench.store.read(judging_of(TENANT)))
        bench.close()
    return kept


def test_weeks_are_learned_from_and_a_spike_is_told(bench: Bench, learned: Judging) -> None:
    assert learned.state is not None
    begun = bench.run(bench.store.read(judging_of(TENANT)))
    keep = keep_judging(TENANT, begun, learned.judged_us, learned.state)
    assert bench.run(bench.store.write(keep))
    bench.run(bench.store.write(repair_steps(TENANT, Differences(0, weeks(SPIKE - 288), 0))))
    assert judged(bench, SPIKE + 8) == 1
    told = [alert for alert in alerts(bench) if alert.route == "support"]
    assert len(told) == 1
    content = read_content(told[0])
    assert content.message.startswith("No-answer on support: ")
    assert content.finding.listed["route"] == "support"
    assert abs(told[0].since_us - (FIRST_S + SPIKE * STEP_S) * 1_000_000) <= 2 * STEP_S * 1_000_000
