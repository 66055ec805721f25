"""An erased call is named by no alert, whichever came first."""

from typing import Final

import pytest

from calltally.alerts.conditions.current_conditions import current_conditions
from calltally.alerts.evaluation.alert_payload import read_content
from calltally.alerts.evaluation.evaluator import Conditions
from calltally.alerts.model.finding import AlertKind
from calltally.calls.errors import DamagedStore
from calltally.calls.identity import call_uuid
from calltally.store.alerts.erasure import without_calls
from calltally.store.maintenance.erasure import erase_call
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.alerts.evaluating import after, alerts, judge
from tests.integration.store.probing import submit
from tests.telling import fact

FIRST: Final = "CA" + "1" * 32
SECOND: Final = "CA" + "2" * 32


def told_of_two_calls(bench: Bench, *sids: str) -> Conditions:
    """Each SID is told of a call in and of a call out."""
    for sid in sids:
        submit(bench, fact(1, sid, direction="inbound"), fact(2, sid, direction="outbound"))
    return bench.run(bench.store.read(current_conditions(TENANT, after(0))))


def erase(bench: Bench, sid: str) -> None:
    bench.run(bench.store.write(erase_call(TENANT, sid, NOW_US)))


def named(bench: Bench) -> tuple[str, tuple[str, ...], dict[str, str]]:
    """What the one alert says: its sentence, its SIDs and its filter."""
    (alert,) = alerts(bench)
    content = read_content(alert)
    assert content.message == content.finding.detail
    return content.message, content.finding.sids, dict(content.finding.listed)


def test_what_an_alert_says_of_a_call_goes_with_the_call(bench: Bench) -> None:
    judge(bench, after(0), told_of_two_calls(bench, FIRST, SECOND))
    words = "is used by more than one call: both directions, and 1 more SIDs"
    assert named(bench) == (f"Call SID {FIRST} {words}", (FIRST, SECOND), {"call_sid": FIRST})
    erase(bench, FIRST)
    assert named(bench) == (f"Call SID of an erased call {words}", (SECOND,), {})
    erase(bench, SECOND)
    assert named(bench)[1] == ()


def test_what_was_found_before_the_erasure_and_is_kept_after_it_names_nobody(bench: Bench) -> None:
    conditions = told_of_two_calls(bench, FIRST, SECOND)
    erase(bench, FIRST)
    judge(bench, after(0), conditions)
    assert named(bench)[1:] == ((SECOND,), {})


def test_where_nobody_is_named_there_is_nothing_to_forget(bench: Bench) -> None:
    assert judge(bench, after(0), Conditions((AlertKind.DUPLICATE_SID,), ())).is_committed


def test_content_that_is_none_is_told() -> None:
    with pytest.raises(DamagedStore):
        without_calls(TENANT, b"{", {call_uuid(TENANT, FIRST)})
