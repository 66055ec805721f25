"""Tables of series, and steps from sparse rows."""

from calltally.alerts.evaluation.series_rollup import SeriesRollup
from calltally.alerts.model.finding import (
    AlertFinding,
    AlertKind,
    ChangeDirection,
    FindingChange,
    FindingEvidence,
)
from calltally.alerts.model.series import (
    COLUMN_INDEX,
    STEP_US,
    TENANT,
    Dimension,
    Metric,
    SeriesKey,
    SeriesTable,
    StepColumn,
)
from calltally.calls.alert_counts import COLUMNS, AlertStepKey

TWILIO = SeriesKey(Dimension.PROVIDER, "twilio")
SUPPORT = SeriesKey(Dimension.ROUTE, "support")
TABLE = SeriesTable.of([(SUPPORT, TWILIO), (TWILIO, TENANT), (TENANT, None)])


def test_table_has_the_index_of_each_parent() -> None:
    assert TABLE.parents == (1, 2, -1)
    assert SeriesTable.of([(SUPPORT, TWILIO)]).parents == (-1,)


def test_step_has_the_sums_of_each_series_and_zeros_for_silent_ones() -> None:
    roll = SeriesRollup()
    cells = tuple(int(name == "final") for name in COLUMNS)
    roll.step(0, {AlertStepKey(0, route, "twilio", "", ""): cells for route in ("support", "sales")})
    step = roll.step(300, {AlertStepKey(0, "support", "twilio", "", agent): cells for agent in ("", "ada")})
    finals = [row[COLUMN_INDEX[StepColumn.FINAL]] for row in step.counts]
    assert {key.value: count for key, count in zip(step.table.keys, finals, strict=True)} == {
        "": 2,
        "twilio": 2,
        "support": 2,
        "sales": 0,
        "ada": 1,
    }
    assert sum(map(sum, step.counts)) == sum(finals)


def test_key_of_a_finding_names_kind_series_metric_and_direction() -> None:
    evidence = FindingEvidence(SUPPORT, Metric.FAILURE_RATE, 0, STEP_US, 40, 30, 0.75, 0.1, 0.05, 0.2)
    finding = AlertFinding(
        kind=AlertKind.RATE,
        change=FindingChange.BEGAN,
        series=SUPPORT,
        metric=Metric.FAILURE_RATE,
        direction=ChangeDirection.UP,
        since_us=0,
        found_us=STEP_US,
        evidence=evidence,
        detail="",
        sureness=12.0,
        false_alarms_a_week=0.1,
        budget_a_week=1.0,
    )
    assert finding.key == "rate/route/support/failure_rate/up"


def test_agents_of_a_route_are_those_of_its_calls() -> None:
    roll = SeriesRollup()
    rows = {
        AlertStepKey(0, "support", "twilio", "", agent): (1,) * len(COLUMNS) for agent in ("", "ada", "bob")
    }
    roll.step(0, rows)
    table = SeriesRollup(roll.tracked()).step(300, {}).table
    pairs = {(table.keys[route].value, table.keys[agent].value) for route, agent in table.agents}
    assert pairs == {("support", "ada"), ("support", "bob")}
