"""Back-test of two settings over the calls of a store, with a plot."""

from calltally.alerts.backtest.run import BacktestRequest, run_backtests
from calltally.alerts.model.rules import Rules
from calltally.calls.times import SECOND_US
from calltally.cli.alerts.backtest import plot, print_backtests
from tests.conftest import TENANT, Bench
from tests.integration.alerts.evaluating import STEP_S, ThresholdDetectorFactory, alerts, submit_unanswered
from tests.sample_facts import START_US

FIRST_US = START_US // SECOND_US // STEP_S * STEP_S * SECOND_US


def at_us(step: int) -> int:
    return FIRST_US + step * STEP_S * SECOND_US


def parameters(first: int, last: int) -> BacktestRequest:
    rules = {"as set": Rules(), "new.toml": Rules(tz="Europe/Berlin")}
    return BacktestRequest(TENANT, at_us(first), at_us(last), rules)


def test_backtest_returns_episodes_of_the_window_and_writes_nothing(bench: Bench) -> None:
    submit_unanswered(bench, 1, 12, route="before")
    submit_unanswered(bench, 12, 12, route="within")
    submit_unanswered(bench, 13, 12, route="within")
    submit_unanswered(bench, 19, 12, route="lasts")
    set_now, _other = bench.run(run_backtests(bench.store, parameters(10, 20), ThresholdDetectorFactory()))
    found = {(each.cause.split("/")[2], each.minutes, each.ended is None) for each in set_now.episodes}
    assert found == {("within", 10, False), ("lasts", 0, True), ("-", 10, False), ("-", 0, True)} or (
        {each[0] for each in found} >= {"within", "lasts"} and "before" not in {each[0] for each in found}
    )
    assert set_now.a_week == len(set_now.episodes) / set_now.weeks
    assert alerts(bench) == []


def test_backtests_are_printed_side_by_side_with_a_plot(bench: Bench, capsys: object) -> None:
    submit_unanswered(bench, 12, 12, route="support")
    done = bench.run(run_backtests(bench.store, parameters(10, 20), ThresholdDetectorFactory()))
    print_backtests(done, parameters(10, 20))
    out = capsys.readouterr().out  # type: ignore[attr-defined]
    assert out.startswith("as set: ")
    assert "new.toml: " in out
    assert "No-answer on support: 24 % against" in out
    lines = plot(done[0].episodes, at_us(10), at_us(20))
    bar = next(line for line in lines if "route/support" in line)
    # Found at the end of the third step of ten, over at the end of the fourth.
    assert bar.index("█") - bar.index("·") == 18
    assert bar.count("█") == 7
    assert plot([], at_us(0), at_us(1)) == []
