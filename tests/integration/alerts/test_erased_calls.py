"""Alerts do not name erased calls, in either order of alert and erasure."""

from typing import Final

import pytest

from calltally.alerts.conditions.current_conditions import current_conditions
from calltally.alerts.evaluation.alert_lifecycle import read_content
from calltally.alerts.evaluation.evaluator import Conditions
from calltally.alerts.model.finding import AlertKind
from calltally.calls.errors import DamagedStore
from calltally.calls.identity import call_uuid
from calltally.store.alerts.erasure import without_calls
from calltally.store.maintenance.erasure import erase_call
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.alerts.evaluating import alerts, evaluate, evaluation_us
from tests.integration.store.probing import submit
from tests.sample_facts import fact

FIRST: Final = "CA" + "1" * 32
SECOND: Final = "CA" + "2" * 32


def submit_duplicates(bench: Bench, *sids: str) -> Conditions:
    """Submit an inbound and an outbound call under each SID."""
    for sid in sids:
        submit(bench, fact(1, sid, direction="inbound"), fact(2, sid, direction="outbound"))
    return bench.run(bench.store.read(current_conditions(TENANT, evaluation_us(0))))


def erase(bench: Bench, sid: str) -> None:
    bench.run(bench.store.write(erase_call(TENANT, sid, NOW_US)))


def alert_names(bench: Bench) -> tuple[str, tuple[str, ...], dict[str, str]]:
    """Return the message, the SIDs and the filter of the only alert."""
    (alert,) = alerts(bench)
    content = read_content(alert)
    assert content.message == content.finding.detail
    return content.message, content.finding.sids, dict(content.finding.listed)


def test_erasure_removes_a_call_from_alerts(bench: Bench) -> None:
    evaluate(bench, evaluation_us(0), submit_duplicates(bench, FIRST, SECOND))
    words = "is used by more than one call: both directions, and 1 more SID"
    assert alert_names(bench) == (f"Call SID {FIRST} {words}", (FIRST, SECOND), {"call_sid": FIRST})
    erase(bench, FIRST)
    assert alert_names(bench) == (f"Call SID of an erased call {words}", (SECOND,), {})
    erase(bench, SECOND)
    assert alert_names(bench)[1] == ()


def test_findings_from_before_an_erasure_do_not_name_the_call(bench: Bench) -> None:
    conditions = submit_duplicates(bench, FIRST, SECOND)
    erase(bench, FIRST)
    evaluate(bench, evaluation_us(0), conditions)
    assert alert_names(bench)[1:] == ((SECOND,), {})


def test_conditions_without_sids_need_no_erasure(bench: Bench) -> None:
    assert evaluate(bench, evaluation_us(0), Conditions((AlertKind.DUPLICATE_SID,), ())).is_committed


def test_damaged_content_raises_damaged_store() -> None:
    with pytest.raises(DamagedStore):
        without_calls(TENANT, b"{", {call_uuid(TENANT, FIRST)})
