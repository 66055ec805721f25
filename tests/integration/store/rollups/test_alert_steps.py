"""The five-minute steps equal the calls after any facts in any order, and wrong steps are repaired."""

from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calltally.calls.alert_counts import COLUMNS, STEP_S, AlertStepKey
from calltally.calls.events import Channel, Fact
from calltally.calls.times import DAY_US, SECOND_US
from calltally.store.maintenance.erasure import erase_call
from calltally.store.rollups.alert_steps import (
    STEPS_KEPT_S,
    are_steps_old,
    keep_steps_from,
    prune_steps,
    repair_steps,
    step_differences,
    step_sums,
    step_windows,
    steps_between,
)
from tests.conftest import NOW_US, TENANT, Bench
from tests.examples import examples
from tests.integration.store.probing import direct, submit, verdict
from tests.sample_facts import START_US, fact
from tests.strategies import SIDS, facts

_SLOW = settings(max_examples=examples(8), suppress_health_check=[HealthCheck.function_scoped_fixture])
START_S = START_US // SECOND_US
STEP = START_S - START_S % STEP_S


def steps(bench: Bench, tenant: str = TENANT) -> dict[tuple[int, str], dict[str, int]]:
    """Return the counts by step after the tests' start and by route, without zeros."""
    found = bench.run(bench.store.read(steps_between(tenant, 0, 2**40)))
    named = {key: {n: c for n, c in zip(COLUMNS, cells, strict=True) if c} for key, cells in found.items()}
    return {((key.step_s - STEP) // STEP_S, key.route): cells for key, cells in named.items() if cells}


def is_equal(bench: Bench, tenant: str) -> bool:
    windows = bench.run(bench.store.read(step_windows(tenant)))
    return not any(bench.run(bench.store.read(step_differences(tenant, each))).missing for each in windows)


def test_steps_equal_the_calls_after_any_facts_and_erasures(bench: Bench) -> None:
    @_SLOW
    @given(st.lists(facts(), min_size=1, max_size=20), st.sampled_from([*SIDS, ""]))
    def check(reported: list[Fact], erased: str) -> None:
        tenant = bench.new_tenant()
        for at in range(0, len(reported), 3):
            submit(bench, *reported[at : at + 3], tenant=tenant)
        assert is_equal(bench, tenant)
        if any(each.call_sid == erased for each in reported):
            bench.run(bench.store.write(erase_call(tenant, erased, NOW_US)))
            assert is_equal(bench, tenant)

    check()


def test_step_sums_equal_their_rows(bench: Bench) -> None:
    submit(bench, fact(0, route="a", status="ringing"))
    submit(bench, fact(0, "CA2", route="b", status="ringing"))
    sums = bench.run(bench.store.read(step_sums(TENANT, STEP, STEP + STEP_S)))
    assert sums == {STEP: [2, 2, *[0] * (len(COLUMNS) - 1)]}
    assert bench.run(bench.store.read(step_sums(TENANT, STEP + STEP_S, STEP + 2 * STEP_S))) == {}


def test_call_counts_at_its_begin_and_at_its_final_state(bench: Bench) -> None:
    submit(bench, fact(0, route="a", status="ringing"))
    assert steps(bench) == {(0, "a"): {"started": 1}}
    submit(bench, fact(20, route="a", status="in-progress"))
    submit(bench, fact(400, route="a", status="completed"))
    assert steps(bench) == {(0, "a"): {"started": 1}, (2, "a"): {"final": 1, "answered": 1, "completed": 1}}


def test_changed_final_state_moves_its_counts(bench: Bench) -> None:
    submit(bench, fact(0, route="a", status="no-answer", event_id="1"))
    assert steps(bench)[0, "a"] == {"started": 1, "final": 1, "no_answer": 1}
    submit(bench, fact(310, route="b", status="completed", talk_seconds=5, event_id="2"))
    assert steps(bench) == {(0, "b"): {"started": 1}, (1, "b"): {"final": 1, "answered": 1, "completed": 1}}


def test_import_of_last_year_is_not_counted_today(bench: Bench) -> None:
    old = fact(-365 * 86_400, channel=Channel.IMPORT, route="a", status="failed", sip_code=503)
    submit(bench, old)
    (position,) = steps(bench)
    assert position == (-365 * 86_400 // STEP_S, "a")
    assert steps(bench)[position] == {"started": 1, "final": 1, "failed": 1, "provider_failed": 1}


def test_final_state_days_late_is_not_counted_for_the_route(bench: Bench) -> None:
    submit(bench, fact(0, route="a", status="ringing"), fact(2 * 86_400, route="a", status="failed"))
    assert steps(bench) == {(0, "a"): {"started": 1}}


def test_verify_finds_and_repairs_wrong_steps(bench: Bench) -> None:
    submit(bench, fact(0, route="a", status="failed"), fact(0, "other", route="a", status="busy"))
    with direct(bench.url) as db:
        db("UPDATE alert_steps SET failed = failed + 3")
    (finding,) = verdict(bench).findings
    assert (finding.invariant, finding.detail) == (6, "it lacks -3 failed")
    assert "route a" in finding.subject
    assert verdict(bench, repair=True).is_clean
    assert verdict(bench).findings == []


def test_repair_keeps_concurrent_commits_and_only_one_of_two_repairs_applies(bench: Bench) -> None:
    submit(bench, fact(0, route="a", status="ringing"), fact(1, "other", route="a", status="ringing"))
    with direct(bench.url) as db:
        db("DELETE FROM alert_steps")
    window_s = START_S // 86_400 * 86_400
    observed = bench.run(bench.store.read(step_differences(TENANT, window_s)))
    submit(bench, fact(2, route="b", status="failed"), fact(3, "third", route="a", status="ringing"))
    assert bench.run(bench.store.write(repair_steps(TENANT, observed)))
    assert not bench.run(bench.store.write(repair_steps(TENANT, observed)))
    assert is_equal(bench, TENANT)
    assert verdict(bench).is_clean


def test_pruned_steps_are_no_finding(bench: Bench) -> None:
    submit(bench, fact(0, status="busy"), fact(STEPS_KEPT_S, "new", status="busy"))
    now_us = START_US + STEPS_KEPT_S * SECOND_US + 2 * DAY_US
    assert bench.run(bench.store.read(are_steps_old(TENANT, now_us)))
    bench.run(bench.store.write(keep_steps_from(TENANT, now_us)))
    assert bench.run(bench.store.write(prune_steps(TENANT, 100))) == 1
    assert not bench.run(bench.store.read(are_steps_old(TENANT, now_us)))
    assert len(steps(bench)) == 1
    assert verdict(bench).is_clean
    submit(bench, fact(1, "late", status="busy"))
    assert verdict(bench).is_clean


def test_steps_of_one_commit_are_summed(bench: Bench) -> None:
    reported = [fact(second, f"call-{second}", route="a", status="busy") for second in range(60)]
    Random(1).shuffle(reported)
    submit(bench, *reported)
    found = bench.run(bench.store.read(steps_between(TENANT, 0, 2**40)))
    assert list(found) == [AlertStepKey(STEP, "a", "", "", "")]
    assert steps(bench) == {(0, "a"): {"started": 60, "final": 60, "busy": 60}}
