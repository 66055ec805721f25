"""The verdict on a launch: seldom wrong however often one looks, and soon there where something changed."""

from random import Random

import pytest

from calltally.analytics.launch import JUDGED, Evidence, Hours, Judged, Verdict, judge, overall, verdict_on
from calltally.calls.intervals import Share

ANSWERED = Judged("answer_rate", more_is_better=True)
FAILED = Judged("failure_rate", more_is_better=False)
LOOKS = 48


def hour(rng: Random, rate: float, calls: int, *, spread: float = 0.0) -> Share:
    """An hour of calls; with a `spread` its own rate is drawn from a beta distribution about `rate`."""
    own = rng.betavariate(rate / spread, (1 - rate) / spread) if spread else rate
    return Share(sum(rng.random() < own for _ in range(calls)), calls)


def watched(rng: Random, since: float, before: float, spread: float = 0.0) -> list[Evidence]:
    """The evidence at the end of each hour since a launch, 20 calls each."""
    past = Hours(hour(rng, before, 20, spread=spread) for _ in range(7 * 24))
    seen, looks = Hours(), []
    for _ in range(LOOKS):
        seen.add(hour(rng, since, 20, spread=spread))
        looks.append(judge(ANSWERED, seen, past))
    return looks


@pytest.mark.parametrize("spread", [0.0, 0.1])
def test_looking_every_hour_makes_no_false_verdict_likely(spread: float) -> None:
    """Of one rate of six at most one in 120 launches may have any; here of 60 hardly one."""
    rng = Random(5)
    wrong = sum(
        any(look.verdict is not Verdict.NO_DIFFERENCE_YET for look in watched(rng, 0.7, 0.7, spread))
        for _ in range(60)
    )
    assert wrong <= 2


def test_a_test_that_is_made_for_one_look_errs_where_this_one_does_not() -> None:
    """Wilson's intervals at 95 %, looked at every hour: what the method is for."""
    rng, wrong = Random(6), 0
    for _ in range(100):
        events = calls = 0
        for _ in range(LOOKS):
            found = hour(rng, 0.7, 20)
            events, calls = events + found.numerator, calls + found.denominator
            if abs(events - 0.7 * calls) > 1.96 * (0.7 * 0.3 * calls) ** 0.5:
                wrong += 1
                break
    assert wrong > 20


@pytest.mark.parametrize(("since", "verdict"), [(0.5, Verdict.WORSE), (0.9, Verdict.BETTER)])
def test_a_great_change_is_told_within_a_day(since: float, verdict: Verdict) -> None:
    rng = Random(7)
    for _ in range(5):
        looks = watched(rng, since, 0.7)
        assert looks[23].verdict is verdict
        assert looks[23].more_calls == 0


@pytest.mark.parametrize("judged", [ANSWERED, FAILED])
@pytest.mark.parametrize("since", [0.4, 0.7, 0.95])
def test_the_verdict_alone_is_that_of_the_whole_evidence(judged: Judged, since: float) -> None:
    rng = Random(8)
    past, seen = Hours(hour(rng, 0.7, 20) for _ in range(7 * 24)), Hours()
    for calls in (0, 3, *[20] * LOOKS):
        seen.add(hour(rng, since, calls))
        assert verdict_on(judged, seen, past) is judge(judged, seen, past).verdict
    assert verdict_on(judged, seen, Hours()) is Verdict.NO_DIFFERENCE_YET


def test_how_many_more_calls_would_tell_is_about_right() -> None:
    past = Hours([Share(70_000, 100_000)])
    early = judge(ANSWERED, Hours([Share(62, 100)]), past)
    assert early.verdict is Verdict.NO_DIFFERENCE_YET
    assert early.more_calls is not None
    enough = 100 + early.more_calls + 20
    assert judge(ANSWERED, Hours([Share(round(0.62 * enough), enough)]), past).verdict is Verdict.WORSE
    fewer = 100 + early.more_calls // 2
    assert judge(ANSWERED, Hours([Share(round(0.62 * fewer), fewer)]), past).verdict != Verdict.WORSE
    assert judge(ANSWERED, Hours([Share(700, 1_000)]), past).more_calls is None


def test_bounds_hold_what_was_seen_and_grow_narrower() -> None:
    past = Hours([Share(700, 1_000)])
    widths = []
    for calls in (10, 100, 1_000, 10_000):
        since = judge(ANSWERED, Hours([Share(calls * 7 // 10, calls)]), past).since
        assert since is not None
        assert 0 <= since.low < 0.7 < since.high <= 1
        widths.append(since.high - since.low)
    assert widths == sorted(widths, reverse=True)


def test_rates_of_all_or_nothing_have_bounds_too() -> None:
    past = Hours([Share(0, 1_000)])
    none = judge(FAILED, Hours([Share(0, 500)]), past)
    assert (none.verdict, none.since is not None and none.since.low) == (Verdict.NO_DIFFERENCE_YET, 0.0)
    assert judge(FAILED, Hours([Share(500, 500)]), past).verdict is Verdict.WORSE


def test_without_calls_on_either_side_there_is_no_verdict() -> None:
    some = Hours([Share(70, 100)])
    for since, before in ((Hours(), some), (some, Hours())):
        evidence = judge(ANSWERED, since, before)
        assert (evidence.verdict, evidence.more_calls) == (Verdict.NO_DIFFERENCE_YET, None)


def test_hours_that_differ_more_than_chance_make_calls_count_for_less() -> None:
    rng = Random(8)
    calm = Hours(hour(rng, 0.7, 50) for _ in range(200))
    wild = Hours(hour(rng, 0.7, 50, spread=0.1) for _ in range(200))
    assert calm.over_dispersion() < 1.3
    assert 3 < wild.over_dispersion() < 9
    assert Hours([Share(1, 2)] * 9).over_dispersion() == 1


def test_worse_weighs_more_than_better() -> None:
    assert overall([Verdict.BETTER, Verdict.WORSE]) is Verdict.WORSE
    assert overall([Verdict.NO_DIFFERENCE_YET, Verdict.BETTER]) is Verdict.BETTER
    assert overall([Verdict.NO_DIFFERENCE_YET] * len(JUDGED)) is Verdict.NO_DIFFERENCE_YET
