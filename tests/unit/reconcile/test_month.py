"""A month with planted faults: each is found, and no other."""

import io
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import reconciling
from bench.month import EVENTS_A_CALL, Fault, in_order_of_receipt, month, record_of
from calltally.reconcile.against_events import EventComparison
from calltally.reconcile.call_states import chunk_states
from calltally.reconcile.events import read_events
from tests.examples import examples

CALLS = int(os.environ.get("CALLTALLY_TEST_MONTH_CALLS", "3000"))


def found_and_planted(seed: int, calls: int, memory_bytes: int) -> tuple[list[Fault], list[Fault]]:
    planted: list[Fault] = []
    planned_calls = list(month(seed, calls))
    log = io.BytesIO(b"".join(in_order_of_receipt(iter(planned_calls), planted)))
    with EventComparison(reconciling.TERMS, memory_bytes=memory_bytes) as comparison:
        comparison.add_calls(each.call for each in planned_calls)
        findings = [*comparison.add_events(read_events(log, "log")), *comparison.findings()]
    named = [
        (each.kind.value, each.call_sid or "", each.event_ids[0] if each.event_ids else each.ours or "")
        for each in findings
    ]
    return sorted(named), sorted(planted)


def test_all_faults_of_a_month_are_found_and_no_others() -> None:
    found, planted = found_and_planted(1, CALLS, 2_000_000)
    assert found == planted
    kinds = {kind for kind, _, _ in planted}
    assert kinds == {"missing-event", "other-final-state", "repeated-event", "wrong-order"}
    # 2 % lost, 3 % repeated, 1 % in the wrong order, 0.1 % contradictory.
    assert 0.05 < len(planted) / (CALLS * EVENTS_A_CALL) < 0.07


@settings(max_examples=examples(10))
@given(seed=st.integers(0, 2**32), calls=st.integers(1, 40))
def test_faults_of_any_month_are_found(seed: int, calls: int) -> None:
    found, planted = found_and_planted(seed, calls, 4_000)
    assert found == planted


def test_call_and_its_record_agree() -> None:
    for each in month(2, 50):
        [state] = chunk_states(record_of(each.call))
        assert state.status == each.call.status
        assert (state.id, state.call_sid, state.revision) == (
            each.call.id,
            each.call.call_sid,
            each.call.revision,
        )
        assert (state.created_us, state.updated_us) == (each.call.created_us, each.call.updated_us)


def test_measured_process_finds_the_same_faults(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planted: list[Fault] = []
    planned_calls = list(month(3, 200))
    calls, events, found = (tmp_path / name for name in ("calls", "events", "found"))
    calls.write_bytes(b"".join(record_of(each.call) for each in planned_calls))
    events.write_bytes(b"".join(in_order_of_receipt(iter(planned_calls), planted)))
    reconciling.main(calls, events, found)
    assert sorted(found.read_text().splitlines()) == sorted(" ".join(fault) for fault in planted)
    assert '"peak_bytes"' in capsys.readouterr().out
