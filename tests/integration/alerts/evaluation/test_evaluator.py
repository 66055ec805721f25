"""What happened is judged once: after restarts, by two workers, and where some of it comes late."""

import asyncio

import msgspec
import pytest

from calltally.alerts.conditions.current_conditions import Occurrences, condition_finding
from calltally.alerts.evaluation.evaluator import AlertEvaluator, Conditions, is_evaluation_due
from calltally.alerts.model.finding import AlertKind
from calltally.alerts.model.series import Dimension, SeriesKey
from calltally.calls.errors import DamagedStore
from calltally.store.alerts.alerts import State, What
from calltally.store.alerts.detector_state import judging_of
from tests.conftest import TENANT, Bench
from tests.integration.alerts.evaluating import (
    Threshold,
    Thresholds,
    after,
    alerts,
    asked,
    history,
    judge,
    unanswered,
)
from tests.integration.store.probing import direct, submit
from tests.telling import fact


def whats(bench: Bench, route: str = "support") -> list[What]:
    """What became of the alert of a route."""
    (alert,) = [each for each in alerts(bench) if each.route == route]
    return [change.what for change in history(bench, alert)]


def fed(bench: Bench) -> dict[int, int]:
    """What the detector was fed, by steps after the first."""
    stored = bench.run(bench.store.read(judging_of(TENANT))).state
    assert stored is not None
    detector: Threshold = Thresholds().load(msgspec.msgpack.decode(stored)[0], None)  # type: ignore[arg-type]
    first = detector.fed[0][0]
    return {(at - first) // 300: calls for at, calls in detector.fed}


def test_an_alert_opens_goes_on_and_ends_by_itself(bench: Bench) -> None:
    unanswered(bench, 0, 3)
    assert judge(bench, after(0)).is_current
    assert alerts(bench) == []
    unanswered(bench, 1, 12)
    judge(bench, after(1))
    names = {(each.cause, each.state) for each in alerts(bench)}
    assert names == {
        ("rate/tenant/-/no_answer_rate/up", State.OPEN),
        ("rate/route/support/no_answer_rate/up", State.OPEN),
    }
    unanswered(bench, 2, 15)
    judge(bench, after(2))
    assert whats(bench) == [What.OPENED]
    judge(bench, after(3))
    assert whats(bench) == [What.OPENED, What.RESOLVED]
    assert {each.state for each in alerts(bench)} == {State.RESOLVED}


def test_what_is_not_over_or_was_judged_is_not_due(bench: Bench) -> None:
    unanswered(bench, 0, 12)
    assert bench.run(bench.store.read(is_evaluation_due(TENANT, after(0))))
    judge(bench, after(0))
    assert not bench.run(bench.store.read(is_evaluation_due(TENANT, after(0))))
    assert judge(bench, after(0)).steps == 0
    assert len(alerts(bench)) == len({each.cause for each in alerts(bench)})


def test_of_two_workers_at_once_one_counts(bench: Bench) -> None:
    """Also where the lease was lost in between: the second comes too late to change anything."""
    unanswered(bench, 0, 3)
    judge(bench, after(0))
    unanswered(bench, 1, 12)

    async def both() -> list[int]:
        """How many steps each turn judged; one that began after another had ended finds none."""
        turns = [
            AlertEvaluator(bench.store, Thresholds()).evaluate(TENANT, after(1), asked()) for _ in range(3)
        ]
        return [turn.steps for turn in await asyncio.gather(*turns) if turn.is_committed]

    assert sum(bench.run(both())) == 1
    assert whats(bench) == [What.OPENED]


def test_what_comes_late_is_judged_with_the_next_step_and_once(bench: Bench) -> None:
    unanswered(bench, 0, 1)
    judge(bench, after(0))
    unanswered(bench, 1, 6)
    judge(bench, after(1))
    unanswered(bench, 1, 7, name="late-")
    unanswered(bench, 2, 5)
    judge(bench, after(2))
    judge(bench, after(3))
    assert fed(bench) == {0: 1, 1: 6, 2: 12, 3: 0}
    assert whats(bench) == [What.OPENED, What.RESOLVED]


def test_a_state_that_is_corrected_later_takes_nothing_below_none(bench: Bench) -> None:
    unanswered(bench, 0, 2)
    judge(bench, after(0))
    submit(bench, fact(61, "support-0-0", route="support", status="completed", talk_seconds=5))
    judge(bench, after(1))
    assert fed(bench) == {0: 2, 1: 0}


def test_an_import_of_old_calls_opens_nothing(bench: Bench) -> None:
    unanswered(bench, 0, 1)
    judge(bench, after(0))
    for step in range(1, 60):
        judge(bench, after(step))
    unanswered(bench, 3, 50)
    judge(bench, after(60))
    assert alerts(bench) == []


def test_the_past_is_learned_day_by_day_and_only_what_lasts_is_told(bench: Bench) -> None:
    unanswered(bench, 0, 1)
    unanswered(bench, 5, 12, route="was")
    for step in range(400, 580):
        unanswered(bench, step, 11, route="lasts") if step > 576 else None
    turns = [judge(bench, after(579))]
    assert not turns[0].is_current
    assert alerts(bench) == []
    while not turns[-1].is_current:
        turns.append(judge(bench, after(579)))
    assert [turn.steps for turn in turns] == [288, 288, 4]
    assert {each.route for each in alerts(bench) if each.route} == {"lasts"}


def test_one_that_began_while_nobody_looked_is_told_once_it_is_reached(bench: Bench) -> None:
    unanswered(bench, 0, 1)
    for step in (287, 288, 289, 290):
        unanswered(bench, step, 11)
    assert not judge(bench, after(290)).is_current
    assert judge(bench, after(290)).is_current
    assert whats(bench) == [What.OPENED]


def test_a_tenant_without_calls_costs_nothing_and_is_judged(bench: Bench) -> None:
    turn = judge(bench, after(0))
    assert (turn.steps, turn.is_current, turn.is_committed) == (0, True, True)


def test_a_memory_that_cannot_be_read_is_told(bench: Bench) -> None:
    unanswered(bench, 0, 1)
    judge(bench, after(0))
    with direct(bench.url) as db:
        db("UPDATE alert_states SET state = ?", b"\xc1")
    with pytest.raises(DamagedStore):
        judge(bench, after(1))


def test_a_condition_opens_an_alert_for_as_long_as_it_holds(bench: Bench) -> None:
    twilio = SeriesKey(Dimension.PROVIDER, "twilio")
    occurrences = Occurrences(3, after(-1), after(0))
    waiting = condition_finding(AlertKind.DEAD_LETTERS, twilio, occurrences, "Unread: 3")
    kinds = (AlertKind.DEAD_LETTERS,)
    for step in (0, 1):
        judge(bench, after(step), Conditions(kinds, (waiting,)))
    (alert,) = alerts(bench)
    assert (alert.provider, alert.state) == ("twilio", State.OPEN)
    judge(bench, after(2), Conditions(kinds, ()))
    (alert,) = alerts(bench)
    assert alert.state is State.RESOLVED
    assert [change.what for change in history(bench, alert)] == [What.OPENED, What.RESOLVED]
