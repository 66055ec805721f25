"""Detector of one tenant on simulated steps: start, duration and end of findings, and stored state."""

from collections.abc import Iterator
from datetime import date

import numpy as np
import pytest

from bench.detection.month.steps import START_US
from calltally.alerts.detection.detector_state import unpack_arrays
from calltally.alerts.detection.rate_detector import RateDetector
from calltally.alerts.model.finding import AlertFinding, AlertKind, ChangeDirection, FindingChange
from calltally.alerts.model.rules import Campaign, Mute, Rules
from calltally.alerts.model.series import (
    COLUMN_INDEX,
    STEP_US,
    TENANT,
    Dimension,
    Metric,
    SeriesKey,
    SeriesTable,
    Step,
    StepColumn,
)
from calltally.calls.times import DAY_US, utc_text

PROVIDERS = [SeriesKey(Dimension.PROVIDER, name) for name in ("one", "two")]
ROUTES = [SeriesKey(Dimension.ROUTE, f"route-{number}") for number in range(6)]
PAIRS = [
    (TENANT, None),
    *((key, TENANT) for key in PROVIDERS),
    *((key, PROVIDERS[number // 3]) for number, key in enumerate(ROUTES)),
]
TABLE = SeriesTable.of(PAIRS)
LEARNED_STEPS = 16 * 288
CALLS = 20
FAILS = 0.05


def counts_of(routes: np.ndarray, failed: np.ndarray) -> np.ndarray:
    """Return a step's counts of all series from the calls and failures of routes; the rest are answered."""
    by_route = np.zeros((len(routes), len(COLUMN_INDEX)), dtype=np.int64)
    by_route[:, COLUMN_INDEX[StepColumn.FINAL]] = by_route[:, COLUMN_INDEX[StepColumn.STARTED]] = routes
    by_route[:, COLUMN_INDEX[StepColumn.FAILED]] = failed
    by_route[:, COLUMN_INDEX[StepColumn.ANSWERED]] = routes - failed
    providers = np.stack([by_route[:3].sum(axis=0), by_route[3:].sum(axis=0)])
    return np.concatenate([by_route.sum(axis=0)[None], providers, by_route])


def steps(count: int, broken: dict[int, float] | None = None, *, first: int = 0) -> Iterator[Step]:
    """Yield steps of usual calls; `broken` routes fail at their own rate."""
    rng = np.random.default_rng([7, first])
    rates = np.array([(broken or {}).get(route, FAILS) for route in range(len(ROUTES))])
    for at in range(first, first + count):
        calls = rng.poisson(CALLS, len(ROUTES))
        yield Step(START_US + at * STEP_US, TABLE, counts_of(calls, rng.binomial(calls, rates)).tolist())


def fed(detector: RateDetector, of: Iterator[Step]) -> list[AlertFinding]:
    return [finding for step in of for finding in detector.feed(step)]


@pytest.fixture(scope="module")
def learned() -> bytes:
    """Return the state after sixteen usual days without findings."""
    detector = RateDetector.new(Rules())
    assert fed(detector, steps(LEARNED_STEPS)) == []
    return detector.dump()


def test_route_collapse_is_found_in_minutes_and_recovers(
    learned: bytes,
) -> None:
    detector = RateDetector.load(learned, Rules())
    found = fed(detector, steps(24, {4: 0.6}, first=LEARNED_STEPS))
    began = found[0]
    assert (began.change, began.series, began.direction) == (
        FindingChange.BEGAN,
        ROUTES[4],
        ChangeDirection.UP,
    )
    assert began.found_us <= START_US + (LEARNED_STEPS + 4) * STEP_US
    assert began.since_us >= START_US + (LEARNED_STEPS - 1) * STEP_US
    assert {finding.key for finding in found} == {began.key}
    assert [finding.change for finding in found[1:]] == [FindingChange.CONTINUES] * 2
    evidence = found[-1].evidence
    assert 0.5 < evidence.observed < 0.7
    assert evidence.low < evidence.expected < evidence.high < 0.2
    assert evidence.events / evidence.calls == evidence.observed
    assert began.listed["route"] == "route-4"
    assert began.sureness > 5
    assert began.false_alarms_a_week <= began.budget_a_week == 1.0
    over = fed(detector, steps(36, first=LEARNED_STEPS + 24))
    assert over[-1].change is FindingChange.RECOVERED
    assert over[-1].key == began.key
    assert "again" in over[-1].detail


def test_provider_outage_is_one_alert_with_its_routes_as_evidence(learned: bytes) -> None:
    detector = RateDetector.load(learned, Rules())
    found = fed(detector, steps(12, {3: 0.5, 4: 0.5, 5: 0.5}, first=LEARNED_STEPS))
    assert {finding.series for finding in found} == {PROVIDERS[1]}
    children = {child.series for child in found[-1].children}
    assert {*ROUTES[3:]} <= children
    assert not children & {*ROUTES[:3]}


def test_route_collapse_inside_a_mild_provider_alert_is_reported(learned: bytes) -> None:
    detector = RateDetector.load(learned, Rules())
    little = dict.fromkeys((3, 4, 5), 0.13)
    before = fed(detector, steps(36, little, first=LEARNED_STEPS))
    assert {finding.series for finding in before} == {PROVIDERS[1]}
    found = fed(detector, steps(11, {**little, 4: 0.9}, first=LEARNED_STEPS + 36))
    assert [finding.series for finding in found if finding.change is FindingChange.BEGAN] == [ROUTES[4]]


def test_reported_route_that_collapses_is_reported_as_worsened(learned: bytes) -> None:
    detector = RateDetector.load(learned, Rules())
    fed(detector, steps(36, {4: 0.15}, first=LEARNED_STEPS))
    found = fed(detector, steps(11, {4: 0.9}, first=LEARNED_STEPS + 36))
    assert [each.change for each in found] == [FindingChange.WORSENED]
    assert found[0].evidence.observed > 0.7
    over = fed(detector, steps(36, first=LEARNED_STEPS + 47))
    assert over[-1].change is FindingChange.RECOVERED


def test_outage_of_all_providers_is_one_tenant_alert(learned: bytes) -> None:
    detector = RateDetector.load(learned, Rules())
    found = fed(detector, steps(12, dict.fromkeys(range(6), 0.4), first=LEARNED_STEPS))
    assert {finding.series for finding in found} == {TENANT}
    assert found[0].detail.partition(":")[0].endswith("of all calls")


def test_findings_are_the_same_if_stored_at_every_step(learned: bytes) -> None:
    whole = RateDetector.load(learned, Rules())
    expected = fed(whole, steps(30, {1: 0.4}, first=LEARNED_STEPS))
    parts = RateDetector.load(learned, Rules())
    found = []
    for step in steps(30, {1: 0.4}, first=LEARNED_STEPS):
        found += parts.feed(step)
        parts = RateDetector.load(parts.dump(), Rules())
    assert found == expected != []
    with pytest.raises(ValueError, match="after the last one"):
        parts.feed(step)


def test_new_route_is_not_judged_before_its_baseline_is_learned(learned: bytes) -> None:
    detector = RateDetector.load(learned, Rules())
    table = SeriesTable.of([*PAIRS[::-1], (SeriesKey(Dimension.ROUTE, "new"), PROVIDERS[0])])
    for step in steps(24, first=LEARNED_STEPS):
        counts = np.array([*step.counts[::-1], step.counts[3]])
        counts[-1, COLUMN_INDEX[StepColumn.FAILED]] = counts[-1, COLUMN_INDEX[StepColumn.FINAL]]
        assert detector.feed(Step(step.at_us, table, counts.tolist())) == []
    # The route disappears again: a series without calls.
    assert fed(detector, steps(6, first=LEARNED_STEPS + 24)) == []


@pytest.mark.parametrize(
    "rules",
    [
        Rules(metrics=(Metric.TRANSFER_RATE,)),
        Rules(dimensions=(Dimension.AGENT,)),
        Rules(kinds=(AlertKind.SILENCE,)),
        Rules(mutes=(Mute(kind=AlertKind.RATE),)),
        Rules(
            campaigns=(
                Campaign(
                    utc_text(START_US + 16 * DAY_US),
                    utc_text(START_US + 17 * DAY_US),
                    Dimension.ROUTE,
                    "route-4",
                ),
            )
        ),
        Rules(least_calls=1_000_000),
    ],
)
def test_findings_excluded_by_rules_are_not_reported(learned: bytes, rules: Rules) -> None:
    detector = RateDetector.load(learned, rules)
    assert fed(detector, steps(24, {4: 0.6}, first=LEARNED_STEPS)) == []


def test_collapse_on_a_holiday_is_found(learned: bytes) -> None:
    # Sixteen days after the first, a Wednesday.
    start = date(1970, 1, 1).fromordinal(date(1970, 1, 1).toordinal() + START_US // DAY_US)
    rules = Rules(holidays=(start.fromordinal(start.toordinal() + 16),))
    detector = RateDetector.load(learned, rules)
    assert fed(detector, steps(24, {4: 0.6}, first=LEARNED_STEPS))[0].series == ROUTES[4]


@pytest.mark.unmeasured
def test_change_of_ten_days_is_accepted(learned: bytes) -> None:
    detector = RateDetector.load(learned, Rules())
    found = fed(detector, steps(11 * 288, {0: 0.3}, first=LEARNED_STEPS))
    assert found[-1].change is FindingChange.RECOVERED
    assert found[-1].found_us < START_US + (LEARNED_STEPS + 11 * 288) * STEP_US


def test_other_rules_keep_the_learned_state(learned: bytes) -> None:
    detector = RateDetector.load(RateDetector.load(learned, Rules()).dump(), Rules(false_alarms_a_week=0.1))
    found = fed(detector, steps(12, {4: 0.6}, first=LEARNED_STEPS))
    assert found[0].budget_a_week == 0.1


def test_step_out_of_order_raises_value_error(learned: bytes) -> None:
    detector = RateDetector.load(learned, Rules())
    [step] = steps(1, first=LEARNED_STEPS - 1)
    with pytest.raises(ValueError, match="after the last one"):
        detector.feed(step)
    with pytest.raises(ValueError, match="multiple of five minutes"):
        detector.feed(step._replace(at_us=step.at_us + STEP_US + 1))


@pytest.mark.parametrize("stored", [b"", b"nothing of ours", b"\x28\xb5\x2f\xfd, and no more of it"])
def test_unreadable_state_raises_value_error(stored: bytes) -> None:
    with pytest.raises(ValueError, match="the detectors cannot be read"):
        RateDetector.load(stored, Rules())


def test_arrays_are_stored_under_stable_names(learned: bytes) -> None:
    assert {"worse.told", "silence.told", "silence.means", "seen.calls"} <= unpack_arrays(learned).keys()
