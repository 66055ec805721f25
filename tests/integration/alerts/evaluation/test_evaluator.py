"""Each step is evaluated once: after restarts, by two workers, and with late arrivals."""

import asyncio

import msgspec
import pytest

from calltally.alerts.evaluation.evaluator import AlertEvaluator, Conditions, is_evaluation_due
from calltally.alerts.model.finding import AlertKind, condition_finding, counted_evidence
from calltally.alerts.model.series import Dimension, SeriesKey
from calltally.calls.errors import DamagedStore
from calltally.store.alerts.alerts import AlertEvent, AlertState
from calltally.store.alerts.detector_state import read_evaluation
from tests.conftest import TENANT, Bench
from tests.integration.alerts.evaluating import (
    ThresholdDetector,
    ThresholdDetectorFactory,
    alerts,
    conditions_reader,
    evaluate,
    evaluation_us,
    history,
    submit_unanswered,
)
from tests.integration.store.probing import direct, submit
from tests.sample_facts import fact


def change_kinds(bench: Bench, route: str = "support") -> list[AlertEvent]:
    """Return the changes of the alert of a route."""
    (alert,) = [each for each in alerts(bench) if each.route == route]
    return [change.what for change in history(bench, alert)]


def fed_calls(bench: Bench) -> dict[int, int]:
    """Return the calls that the detector was fed, by steps after the first."""
    stored = bench.run(bench.store.read(read_evaluation(TENANT))).state
    assert stored is not None
    detector: ThresholdDetector = ThresholdDetectorFactory().load(msgspec.msgpack.decode(stored)[0], None)  # type: ignore[arg-type]
    first = detector.fed[0][0]
    return {(at - first) // 300: calls for at, calls in detector.fed}


def test_alert_opens_continues_and_resolves_by_itself(bench: Bench) -> None:
    submit_unanswered(bench, 0, 3)
    assert evaluate(bench, evaluation_us(0)).is_current
    assert alerts(bench) == []
    submit_unanswered(bench, 1, 12)
    evaluate(bench, evaluation_us(1))
    names = {(each.cause, each.state) for each in alerts(bench)}
    assert names == {
        ("rate/tenant/-/no_answer_rate/up", AlertState.OPEN),
        ("rate/route/support/no_answer_rate/up", AlertState.OPEN),
    }
    submit_unanswered(bench, 2, 15)
    evaluate(bench, evaluation_us(2))
    assert change_kinds(bench) == [AlertEvent.OPENED]
    evaluate(bench, evaluation_us(3))
    assert change_kinds(bench) == [AlertEvent.OPENED, AlertEvent.RESOLVED]
    assert {each.state for each in alerts(bench)} == {AlertState.RESOLVED}


def test_evaluated_steps_are_not_due(bench: Bench) -> None:
    submit_unanswered(bench, 0, 12)
    assert bench.run(bench.store.read(is_evaluation_due(TENANT, evaluation_us(0))))
    evaluate(bench, evaluation_us(0))
    assert not bench.run(bench.store.read(is_evaluation_due(TENANT, evaluation_us(0))))
    assert evaluate(bench, evaluation_us(0)).steps == 0
    assert len(alerts(bench)) == len({each.cause for each in alerts(bench)})


def test_one_of_several_concurrent_evaluations_commits(bench: Bench) -> None:
    """Also without a lease: the later evaluations change nothing."""
    submit_unanswered(bench, 0, 3)
    evaluate(bench, evaluation_us(0))
    submit_unanswered(bench, 1, 12)

    async def both() -> list[int]:
        """Return the steps of each evaluation; one that starts after the end of another finds none."""
        runs = [
            AlertEvaluator(bench.store, ThresholdDetectorFactory()).evaluate(
                TENANT, evaluation_us(1), conditions_reader()
            )
            for _ in range(3)
        ]
        return [run.steps for run in await asyncio.gather(*runs) if run.is_committed]

    assert sum(bench.run(both())) == 1
    assert change_kinds(bench) == [AlertEvent.OPENED]


def test_late_calls_are_evaluated_once_with_the_next_step(bench: Bench) -> None:
    submit_unanswered(bench, 0, 1)
    evaluate(bench, evaluation_us(0))
    submit_unanswered(bench, 1, 6)
    evaluate(bench, evaluation_us(1))
    submit_unanswered(bench, 1, 7, name="late-")
    submit_unanswered(bench, 2, 5)
    evaluate(bench, evaluation_us(2))
    evaluate(bench, evaluation_us(3))
    assert fed_calls(bench) == {0: 1, 1: 6, 2: 12, 3: 0}
    assert change_kinds(bench) == [AlertEvent.OPENED, AlertEvent.RESOLVED]


def test_corrected_state_makes_no_count_negative(bench: Bench) -> None:
    submit_unanswered(bench, 0, 2)
    evaluate(bench, evaluation_us(0))
    submit(bench, fact(61, "support-0-0", route="support", status="completed", talk_seconds=5))
    evaluate(bench, evaluation_us(1))
    assert fed_calls(bench) == {0: 2, 1: 0}


def test_import_of_old_calls_opens_no_alert(bench: Bench) -> None:
    submit_unanswered(bench, 0, 1)
    evaluate(bench, evaluation_us(0))
    for step in range(1, 60):
        evaluate(bench, evaluation_us(step))
    submit_unanswered(bench, 3, 50)
    evaluate(bench, evaluation_us(60))
    assert alerts(bench) == []


def test_history_is_learned_day_by_day_and_only_lasting_alerts_open(bench: Bench) -> None:
    submit_unanswered(bench, 0, 1)
    submit_unanswered(bench, 5, 12, route="was")
    for step in range(400, 580):
        submit_unanswered(bench, step, 11, route="lasts") if step > 576 else None
    runs = [evaluate(bench, evaluation_us(579))]
    assert not runs[0].is_current
    assert alerts(bench) == []
    while not runs[-1].is_current:
        runs.append(evaluate(bench, evaluation_us(579)))
    assert [run.steps for run in runs] == [288, 288, 4]
    assert {each.route for each in alerts(bench) if each.route} == {"lasts"}


def test_alert_that_began_in_the_past_and_lasts_is_opened(bench: Bench) -> None:
    submit_unanswered(bench, 0, 1)
    for step in (287, 288, 289, 290):
        submit_unanswered(bench, step, 11)
    assert not evaluate(bench, evaluation_us(290)).is_current
    assert evaluate(bench, evaluation_us(290)).is_current
    assert change_kinds(bench) == [AlertEvent.OPENED]


def test_tenant_without_calls_is_evaluated_without_steps(bench: Bench) -> None:
    run = evaluate(bench, evaluation_us(0))
    assert (run.steps, run.is_current, run.is_committed) == (0, True, True)


def test_unreadable_state_raises_damaged_store(bench: Bench) -> None:
    submit_unanswered(bench, 0, 1)
    evaluate(bench, evaluation_us(0))
    with direct(bench.url) as db:
        db("UPDATE alert_states SET state = ?", b"\xc1")
    with pytest.raises(DamagedStore):
        evaluate(bench, evaluation_us(1))


def test_condition_opens_an_alert_while_it_holds(bench: Bench) -> None:
    twilio = SeriesKey(Dimension.PROVIDER, "twilio")
    evidence = counted_evidence(twilio, evaluation_us(-1), evaluation_us(0), 3, 3)
    waiting = condition_finding(AlertKind.DEAD_LETTERS, evidence, "Unread: 3")
    kinds = (AlertKind.DEAD_LETTERS,)
    for step in (0, 1):
        evaluate(bench, evaluation_us(step), Conditions(kinds, (waiting,)))
    (alert,) = alerts(bench)
    assert (alert.provider, alert.state) == ("twilio", AlertState.OPEN)
    evaluate(bench, evaluation_us(2), Conditions(kinds, ()))
    (alert,) = alerts(bench)
    assert alert.state is AlertState.RESOLVED
    assert [change.what for change in history(bench, alert)] == [AlertEvent.OPENED, AlertEvent.RESOLVED]
