"""Scores of the detectors: the same for the same seed, and a small score that the detectors must reach."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from bench.detection.commands import detection, print_report
from bench.detection.feeding import marked, series_counts, steps_of, table_of
from bench.detection.incidents import LEAST_CALLS_AN_HOUR, Trouble
from bench.detection.labelled import LabelledMonth, labelled_month
from bench.detection.month.events import events_of
from bench.detection.month.steps import START_US
from bench.detection.month.tenant import Size
from bench.detection.replaying import replayed
from bench.detection.score_run import OURS, Report, scored
from bench.detection.scoring import Tally, TroubleScore
from calltally.alerts.detection.rate_detector import RateDetector
from calltally.alerts.model.finding import FindingChange
from calltally.alerts.model.rules import Rules
from calltally.alerts.model.series import COLUMN_INDEX, Dimension, Metric, StepColumn
from calltally.calls.times import DAY_US
from calltally.ingest.event_body import parse_body

# A busy small tenant and a short month: seconds, and still an incident of each kind.
SMALL = Size(routes=24, providers=2, agents=3, calls_an_hour=90.0, history_days=21, days=14)
pytestmark = pytest.mark.unmeasured
SEED = 90_001


@pytest.fixture(scope="module")
def report() -> Report:
    return scored(range(SEED, SEED + 3), SMALL, Rules(), lambda _report: None)


@pytest.fixture(scope="module")
def made() -> LabelledMonth:
    return labelled_month(SEED, SMALL)


def of_kind(report: Report, name: str, trouble: Trouble) -> TroubleScore:
    [score] = [each for each in report.scores if each.name == name]
    [found] = [each for each in score.troubles if each.trouble is trouble]
    return found


def test_the_same_seed_gives_the_same_month(made: LabelledMonth) -> None:
    again = labelled_month(SEED, SMALL)
    assert np.array_equal(made.steps, again.steps)
    assert made.incidents == again.incidents
    assert not np.array_equal(made.steps, labelled_month(SEED + 1, SMALL).steps)


def test_how_calls_end_adds_up(made: LabelledMonth) -> None:
    columns = {count: made.steps[:, COLUMN_INDEX[count]].astype(int) for count in StepColumn}
    ended = [
        StepColumn.COMPLETED,
        StepColumn.NO_ANSWER,
        StepColumn.FAILED,
        StepColumn.BUSY,
        StepColumn.CANCELED,
    ]
    assert np.array_equal(sum(columns[count] for count in ended), columns[StepColumn.FINAL])
    assert (columns[StepColumn.PROVIDER_FAILED] <= columns[StepColumn.FAILED]).all()
    assert (columns[StepColumn.TRANSFERRED] <= columns[StepColumn.ANSWERED]).all()
    whole = series_counts(made.tenant, made.steps)
    assert np.array_equal(whole[..., 0], made.steps.sum(axis=-1, dtype=np.int64))


def test_incidents_are_where_there_are_calls_enough_and_on_a_route_each(made: LabelledMonth) -> None:
    routes = [incident.routes[0] for incident in made.incidents if len(incident.routes) == 1]
    assert len(routes) == len(set(routes))
    for incident in made.incidents:
        assert incident.first_step >= made.first_step
        if (
            incident.trouble in {Trouble.SHIFT, Trouble.COLLAPSE}
            and incident.metric is not Metric.TRANSFER_RATE
        ):
            hours = slice(int(incident.first_step) // 12, int(incident.last_step) // 12)
            assert made.hours.calls[hours, incident.routes[0]].min() >= LEAST_CALLS_AN_HOUR


def test_the_detectors_find_what_they_should_within_their_budget(report: Report) -> None:
    ours = report.scores[0]
    assert ours.name == OURS
    assert ours.low <= report.budget_a_week
    assert of_kind(report, OURS, Trouble.SHIFT).recall >= 0.9
    assert of_kind(report, OURS, Trouble.COLLAPSE).in_time >= 0.9
    assert of_kind(report, OURS, Trouble.PROVIDER_DOWN).in_time == 1.0


def test_a_collapse_of_a_route_during_an_outage_of_its_provider_is_separate_and_counts() -> None:
    made = labelled_month(SEED, SMALL)
    [outage] = [each for each in made.incidents if each.trouble is Trouble.PROVIDER_DOWN]
    collapse = next(each for each in made.incidents if each.trouble is Trouble.COLLAPSE)
    inside = collapse._replace(first_step=outage.first_step + 1, routes=outage.routes[:1])
    before = inside._replace(first_step=outage.first_step - 1)
    elsewhere = inside._replace(routes=tuple({*range(SMALL.routes)} - {*outage.routes})[:1])
    tally = Tally(OURS)
    tally.add([replace(made, incidents=(outage, inside, before, elsewhere))], [])
    counted = {each.trouble: each.incidents for each in tally.score().troubles}
    assert counted == {Trouble.PROVIDER_DOWN: 1, Trouble.COLLAPSE: 3, Trouble.COLLAPSE_IN_OUTAGE: 1}


def test_several_processes_score_as_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.detection.score_run._AT_ONCE", 1)
    tiny, months = Size(routes=6, history_days=15, days=7), [SEED, SEED + 1]
    heard: list[int] = []
    one = scored(months, tiny, Rules(), lambda report: heard.append(report.months))
    assert scored(months, tiny, Rules(), lambda _report: None, 2) == one
    assert (one.months, heard) == (2, [1, 2])


def test_the_others_find_less_and_later(report: Report) -> None:
    ours = of_kind(report, OURS, Trouble.SHIFT)
    for other in report.scores[1:]:
        theirs = of_kind(report, other.name, Trouble.SHIFT)
        assert theirs.recall < ours.recall
        assert theirs.in_time < ours.in_time


def test_the_detector_of_one_tenant_finds_what_the_score_counts() -> None:
    """Many months side by side and one tenant with names, marks and bytes are one arithmetic."""
    made = labelled_month(SEED, SMALL._replace(history_days=15, days=7))
    alerts = replayed([made], Rules())
    detector = RateDetector.new(marked(made, Rules()))
    keys = table_of(made.tenant).keys
    began = [
        (finding.series, (finding.found_us - START_US) // 300_000_000)
        for step in steps_of(made)
        for finding in detector.feed(step)
        if finding.change is FindingChange.BEGAN
    ]
    routes = [each for each in began if each[0].dimension is Dimension.ROUTE]
    counted = [(keys[alert.series], alert.opened) for alert in alerts]
    assert len(routes) >= 3
    assert len(set(routes) & set(counted)) >= 0.8 * len(routes)


def test_a_month_of_calls_is_events_that_the_service_takes(made: LabelledMonth) -> None:
    lines = list(events_of(made, 1))
    finals = made.steps[made.first_step : made.first_step + 12, COLUMN_INDEX[StepColumn.FINAL]].sum()
    assert len(lines) == 2 * finals
    assert len({json.loads(line)["id"] for line in lines}) == len(lines)
    reported = parse_body("\n".join(lines[:500]).encode(), ndjson=True, now_us=START_US + 400 * DAY_US)
    assert [each.faults for each in reported if each.fact is None] == []


def scores(*arguments: str) -> str:
    ran = CliRunner().invoke(detection, [*arguments], catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    return ran.stdout


@pytest.fixture(params=[80, 140])
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("COLUMNS", str(request.param))
    return int(request.param)


def test_the_table_fits_the_terminal(report: Report, width: int, capsys: pytest.CaptureFixture[str]) -> None:
    print_report(report)
    displayed = capsys.readouterr().out
    assert max(map(len, displayed.splitlines())) <= width
    assert "same weekday" in displayed


def test_the_command_scores_and_writes_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.detection.commands.Size", partial(Size, history_days=15, days=7))
    rules = tmp_path / "rules.toml"
    rules.write_text("false_alarms_a_week = 2.0")
    reported = msgspec.json.decode(
        scores("score", "--months", "1", "--routes", "6", "--rules", str(rules), "--json"), type=Report
    )
    assert (reported.months, reported.routes, reported.budget_a_week) == (1, 6, 2.0)
    assert scores("traffic", "--hours", "1").count("\n") > 100
    single = [json.loads(line) for line in scores("traffic", "--hours", "1", "--single").splitlines()]
    assert {"ringing", "completed"} <= {event["status"] for event in single}
