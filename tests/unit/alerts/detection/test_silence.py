"""Detection of silence, and of SIDs with two calls."""

from collections.abc import Iterator

import numpy as np
import pytest

from bench.detection.month.steps import START_US
from calltally.alerts.conditions.duplicate_sids import CallIdentity, contradictions, duplicate_sid_finding
from calltally.alerts.detection.rate_detector import RateDetector
from calltally.alerts.model.finding import AlertFinding, AlertKind, FindingChange
from calltally.alerts.model.rules import Rules
from calltally.alerts.model.series import (
    COLUMN_INDEX,
    STEP_COLUMNS,
    STEP_US,
    TENANT,
    Dimension,
    SeriesKey,
    SeriesTable,
    Step,
    StepColumn,
)
from calltally.calls.times import DAY_US

PROVIDER = SeriesKey(Dimension.PROVIDER, "one")
ROUTES = [SeriesKey(Dimension.ROUTE, name) for name in ("busy", "seldom")]
TABLE = SeriesTable.of([(TENANT, None), (PROVIDER, TENANT), *((key, PROVIDER) for key in ROUTES)])
LEARNED_STEPS = 15 * 288


def steps(count: int, first: int, per_step: tuple[float, float]) -> Iterator[Step]:
    """Yield steps whose calls are all answered."""
    rng = np.random.default_rng([11, first])
    for at in range(first, first + count):
        calls = rng.poisson(per_step)
        counts = np.zeros((4, len(STEP_COLUMNS)), dtype=np.int64)
        for column in (StepColumn.STARTED, StepColumn.FINAL, StepColumn.ANSWERED):
            counts[:, COLUMN_INDEX[column]] = [calls.sum(), calls.sum(), *calls]
        yield Step(START_US + at * STEP_US, TABLE, counts.tolist())


def fed(detector: RateDetector, of: Iterator[Step]) -> list[AlertFinding]:
    return [finding for step in of for finding in detector.feed(step)]


@pytest.fixture(scope="module")
def learned() -> bytes:
    detector = RateDetector.new(Rules())
    assert fed(detector, steps(LEARNED_STEPS, 0, (5.0, 0.05))) == []
    return detector.dump()


def test_silent_route_is_reported_until_its_next_call(learned: bytes) -> None:
    detector = RateDetector.load(learned, Rules())
    found = fed(detector, steps(36, LEARNED_STEPS, (0.0, 3.0)))
    silent = [finding for finding in found if finding.kind is AlertKind.SILENCE]
    assert [finding.series for finding in silent] == [ROUTES[0]]
    assert silent[0].found_us <= START_US + (LEARNED_STEPS + 24) * STEP_US
    assert silent[0].since_us <= START_US + (LEARNED_STEPS + 1) * STEP_US
    assert silent[0].evidence.calls == 0
    assert silent[0].evidence.expected > 15
    again = fed(RateDetector.load(detector.dump(), Rules()), steps(3, LEARNED_STEPS + 36, (5.0, 3.0)))
    assert [finding.change for finding in again if finding.kind is AlertKind.SILENCE] == [
        FindingChange.RECOVERED
    ]


def test_silence_of_all_routes_is_one_tenant_alert(learned: bytes) -> None:
    detector = RateDetector.load(learned, Rules())
    found = fed(detector, steps(60, LEARNED_STEPS, (0.0, 0.0)))
    assert {finding.series for finding in found if finding.kind is AlertKind.SILENCE} == {TENANT}


def test_route_with_one_call_a_day_is_not_silent_without_it(learned: bytes) -> None:
    detector = RateDetector.load(learned, Rules())
    assert fed(detector, steps(288, LEARNED_STEPS, (5.0, 0.0))) == []


def test_excluded_silence_is_not_reported(learned: bytes) -> None:
    detector = RateDetector.load(learned, Rules(kinds=(AlertKind.RATE,)))
    assert fed(detector, steps(60, LEARNED_STEPS, (0.0, 0.0))) == []


@pytest.mark.unmeasured
def test_silence_of_ten_days_is_accepted(learned: bytes) -> None:
    detector = RateDetector.load(learned, Rules())
    found = fed(detector, steps(11 * 288, LEARNED_STEPS, (0.0, 0.05)))
    silent = [
        finding for finding in found if finding.kind is AlertKind.SILENCE and finding.series == ROUTES[0]
    ]
    assert [silent[0].change, silent[-1].change] == [FindingChange.BEGAN, FindingChange.RECOVERED]


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (CallIdentity("CA1", 0, direction="outbound"), "both directions"),
        (CallIdentity("CA1", 0, from_number="+14155550199"), "2 callers"),
        (CallIdentity("CA1", 0, to_number="sip:desk@example.com"), "2 called numbers"),
        (CallIdentity("CA1", 8 * DAY_US), "8 days apart"),
    ],
)
def test_contradicting_facts_of_a_sid_are_found(other: CallIdentity, why: str) -> None:
    first = CallIdentity("CA1", 0, "inbound", "+14155550110", "+14155550120")
    assert contradictions([first, other]) == [why]
    found = duplicate_sid_finding([first, other, CallIdentity("CA2", 0)], 9 * DAY_US)
    assert found is not None
    assert (found.sids, found.evidence.events) == (("CA1",), 1)
    assert why in found.detail


def test_different_notations_of_a_number_are_equal() -> None:
    first = CallIdentity("CA1", 0, "inbound", "+44 20 7946 0018", "+14155550120")
    assert (
        contradictions([first, CallIdentity("CA1", DAY_US, "inbound", "020 7946 0018", "4155550120")]) == []
    )
    assert duplicate_sid_finding([first], DAY_US) is None
