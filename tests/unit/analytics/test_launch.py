"""Verdict on a launch: rarely wrong for any number of looks, and early after a change."""

from random import Random

import pytest

from calltally.analytics.launch import (
    HourlyRate,
    JudgedRate,
    LaunchVerdict,
    RateEvidence,
    evaluate_rate,
    overall_verdict,
    verdict_of,
)
from calltally.calls.intervals import Proportion

ANSWERED = JudgedRate("answer_rate", more_is_better=True)
FAILED = JudgedRate("failure_rate", more_is_better=False)
HOURS = 48


def hour(rng: Random, rate: float, calls: int, *, spread: float = 0.0) -> Proportion:
    """Return an hour of calls; with a `spread` its rate is drawn from a beta distribution about `rate`."""
    own = rng.betavariate(rate / spread, (1 - rate) / spread) if spread else rate
    return Proportion(sum(rng.random() < own for _ in range(calls)), calls)


def hourly_evidence(rng: Random, since: float, before: float, spread: float = 0.0) -> list[RateEvidence]:
    """Return the evidence at the end of each hour since a launch, 20 calls each."""
    past = HourlyRate(hour(rng, before, 20, spread=spread) for _ in range(7 * 24))
    since_launch, evidence_by_hour = HourlyRate(), []
    for _ in range(HOURS):
        since_launch.add(hour(rng, since, 20, spread=spread))
        evidence_by_hour.append(evaluate_rate(ANSWERED, since_launch, past))
    return evidence_by_hour


@pytest.mark.unmeasured
@pytest.mark.parametrize("spread", [0.0, 0.1])
def test_hourly_looks_rarely_give_a_false_verdict(spread: float) -> None:
    """For one rate of six at most one launch in 120 may have a false verdict; here hardly one of 60."""
    rng = Random(5)
    wrong = sum(
        any(
            evidence.verdict is not LaunchVerdict.NO_DIFFERENCE_YET
            for evidence in hourly_evidence(rng, 0.7, 0.7, spread)
        )
        for _ in range(60)
    )
    assert wrong <= 2


def test_fixed_sample_test_errs_where_confidence_sequence_does_not() -> None:
    """Wilson's intervals at 95 % with hourly looks: the problem that the method solves."""
    rng, wrong = Random(6), 0
    for _ in range(100):
        events = calls = 0
        for _ in range(HOURS):
            found = hour(rng, 0.7, 20)
            events, calls = events + found.numerator, calls + found.denominator
            if abs(events - 0.7 * calls) > 1.96 * (0.7 * 0.3 * calls) ** 0.5:
                wrong += 1
                break
    assert wrong > 20


@pytest.mark.parametrize(("since", "verdict"), [(0.5, LaunchVerdict.WORSE), (0.9, LaunchVerdict.BETTER)])
def test_large_change_is_detected_within_a_day(since: float, verdict: LaunchVerdict) -> None:
    rng = Random(7)
    for _ in range(5):
        evidence_by_hour = hourly_evidence(rng, since, 0.7)
        assert evidence_by_hour[23].verdict is verdict
        assert evidence_by_hour[23].more_calls == 0


@pytest.mark.parametrize("judged", [ANSWERED, FAILED])
@pytest.mark.parametrize("since", [0.4, 0.7, 0.95])
def test_verdict_alone_equals_verdict_with_evidence(judged: JudgedRate, since: float) -> None:
    rng = Random(8)
    past, since_launch = HourlyRate(hour(rng, 0.7, 20) for _ in range(7 * 24)), HourlyRate()
    for calls in (0, 3, *[20] * HOURS):
        since_launch.add(hour(rng, since, calls))
        assert verdict_of(judged, since_launch, past) is evaluate_rate(judged, since_launch, past).verdict
    assert verdict_of(judged, since_launch, HourlyRate()) is LaunchVerdict.NO_BASELINE


def test_number_of_further_calls_is_about_right() -> None:
    past = HourlyRate([Proportion(70_000, 100_000)])
    early = evaluate_rate(ANSWERED, HourlyRate([Proportion(62, 100)]), past)
    assert early.verdict is LaunchVerdict.NO_DIFFERENCE_YET
    assert early.more_calls is not None
    enough = 100 + early.more_calls + 20
    assert (
        evaluate_rate(ANSWERED, HourlyRate([Proportion(round(0.62 * enough), enough)]), past).verdict
        is LaunchVerdict.WORSE
    )
    fewer = 100 + early.more_calls // 2
    assert (
        evaluate_rate(ANSWERED, HourlyRate([Proportion(round(0.62 * fewer), fewer)]), past).verdict
        != LaunchVerdict.WORSE
    )
    assert evaluate_rate(ANSWERED, HourlyRate([Proportion(700, 1_000)]), past).more_calls is None


def test_bounds_contain_the_observed_rate_and_narrow() -> None:
    past = HourlyRate([Proportion(700, 1_000)])
    widths = []
    for calls in (10, 100, 1_000, 10_000):
        since = evaluate_rate(ANSWERED, HourlyRate([Proportion(calls * 7 // 10, calls)]), past).since
        assert since is not None
        assert 0 <= since.low < 0.7 < since.high <= 1
        widths.append(since.high - since.low)
    assert widths == sorted(widths, reverse=True)


def test_bounds_of_few_uneven_calls_contain_their_rate() -> None:
    for calls in range(1, 40):
        for events in range(calls + 1):
            before = HourlyRate([(events, calls), (0, 30), (30, 30), (5, 5)])
            since = HourlyRate([(events, calls)])
            evidence = evaluate_rate(ANSWERED, since, before)
            assert evidence.since is not None
            assert evidence.since.low <= since.rate <= evidence.since.high
            assert evidence.before is not None
            assert evidence.before.low <= before.rate <= evidence.before.high


def test_rates_of_0_and_1_have_bounds() -> None:
    past = HourlyRate([Proportion(0, 1_000)])
    none = evaluate_rate(FAILED, HourlyRate([Proportion(0, 500)]), past)
    assert (none.verdict, none.since is not None and none.since.low) == (LaunchVerdict.NO_DIFFERENCE_YET, 0.0)
    assert evaluate_rate(FAILED, HourlyRate([Proportion(500, 500)]), past).verdict is LaunchVerdict.WORSE


def test_no_verdict_without_calls_on_either_side() -> None:
    some = HourlyRate([Proportion(70, 100)])
    for since, before, verdict in (
        (HourlyRate(), some, LaunchVerdict.NO_DIFFERENCE_YET),
        (some, HourlyRate(), LaunchVerdict.NO_BASELINE),
    ):
        evidence = evaluate_rate(ANSWERED, since, before)
        assert (evidence.verdict, evidence.more_calls) == (verdict, None)


def test_over_dispersed_hours_make_calls_count_for_less() -> None:
    rng = Random(8)
    calm = HourlyRate(hour(rng, 0.7, 50) for _ in range(200))
    wild = HourlyRate(hour(rng, 0.7, 50, spread=0.1) for _ in range(200))
    assert calm.over_dispersion() < 1.3
    assert 3 < wild.over_dispersion() < 9
    assert HourlyRate([Proportion(1, 2)] * 9).over_dispersion() == 1


def test_worse_outranks_better() -> None:
    assert overall_verdict([LaunchVerdict.BETTER, LaunchVerdict.WORSE]) is LaunchVerdict.WORSE
    assert overall_verdict([LaunchVerdict.NO_DIFFERENCE_YET, LaunchVerdict.BETTER]) is LaunchVerdict.BETTER
    assert (
        overall_verdict([LaunchVerdict.NO_BASELINE, LaunchVerdict.NO_DIFFERENCE_YET])
        is LaunchVerdict.NO_DIFFERENCE_YET
    )
