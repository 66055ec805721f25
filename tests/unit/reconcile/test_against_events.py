"""Calls joined with events, in memory and not: who belongs to whom, and what is told of those that do not."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.errors import Erased
from calltally.calls.times import SECOND_US
from calltally.reconcile.against_events import AgainstEvents
from calltally.reconcile.call_states import CallState
from calltally.reconcile.event_rules import COMPLETED, STARTED, Terms
from calltally.reconcile.events import Seen, Unread
from calltally.reconcile.findings import Finding, Kind
from calltally.reconcile.merge_join import Joined, joined

HOUR_US = 3_600 * SECOND_US
BEGIN_US = 1_790_812_800 * SECOND_US
TERMS = Terms(as_of_us=BEGIN_US + 100 * HOUR_US, from_us=BEGIN_US, to_us=BEGIN_US + 24 * HOUR_US)


def call(sid: str, status: str = "completed", **more: object) -> CallState:
    told = {"created_us": BEGIN_US + HOUR_US, "updated_us": BEGIN_US + 2 * HOUR_US, "revision": 5} | more
    return CallState(f"id-{sid}", sid, status, **told)  # type: ignore[arg-type] # of any field


def event(sid: str | None, status: str = "completed", **more: object) -> Seen:
    told = {"call_sid": sid, "call_id": f"id-{sid}", "status": status, "revision": 5} | more
    return Seen(1, f"msg-{sid}", COMPLETED, BEGIN_US + 2 * HOUR_US, **told)  # type: ignore[arg-type] # the same


def found(
    calls: Iterable[CallState], events: Iterable[Seen | Unread], terms: Terms = TERMS, find: object = None
) -> list[Finding]:
    with AgainstEvents(terms) as comparison:
        comparison.take_calls(calls)
        return [*comparison.take_events(events), *comparison.findings(find)]  # type: ignore[arg-type] # a function


def kinds(findings: Iterable[Finding]) -> list[tuple[Kind, str | None]]:
    return [(finding.kind, finding.call_sid) for finding in findings]


@given(left=st.lists(st.binary(max_size=1)), right=st.lists(st.binary(max_size=1)))
def test_a_join_has_each_key_once_with_all_its_values(left: list[bytes], right: list[bytes]) -> None:
    sides = [sorted((key, b"%d" % number) for number, key in enumerate(keys)) for keys in (left, right)]
    assert list(joined(*map(iter, sides))) == [
        Joined(key, *([value for each, value in side if each == key] for side in sides))
        for key in sorted({*left, *right})
    ]


def test_calls_and_events_that_agree_are_no_finding() -> None:
    calls = [call(f"CA{number}") for number in range(20)]
    events = [event(f"CA{number}") for number in reversed(range(20))]
    assert found(calls, events) == []


def test_what_only_one_side_has_is_found() -> None:
    findings = found([call("CA1"), call("CA2")], [event("CA2"), event("CA3")])
    assert kinds(findings) == [(Kind.MISSING_EVENT, "CA1"), (Kind.UNKNOWN_CALL, "CA3")]
    assert (findings[0].ours, findings[0].call_id) == ("completed", "id-CA1")
    assert findings[1].event_ids == ("msg-CA3",)


@pytest.mark.parametrize("begun_us", [BEGIN_US - 1, BEGIN_US + 24 * HOUR_US])
def test_an_event_of_a_call_that_would_be_outside_of_the_window_is_none(begun_us: int) -> None:
    outside = Seen(1, "m", COMPLETED, begun_us + 60 * SECOND_US, call_sid="CA1", duration_seconds=60)
    assert found([], [outside]) == []


def test_a_call_beside_the_window_is_matched_and_lacks_nothing() -> None:
    assert found([call("CA1", beside=True), call("CA2", beside=True)], [event("CA1")]) == []


def test_events_of_no_call_are_looked_at_each_by_itself() -> None:
    failed = Seen(1, "m1", "voice.webhook.delivery_failed", BEGIN_US)
    findings = found([], [failed, failed, Seen(3, "m2", "voice.webhook.delivery_failed", BEGIN_US)])
    assert kinds(findings) == [(Kind.REPEATED_EVENT, None)]


def test_a_line_that_is_no_event_and_one_of_another_tenant_are_told_at_once() -> None:
    events: list[Seen | Unread] = [
        Unread("log:3", "truncated"),
        event("CA1", tenant="other"),
        event("CA1", tenant="acme"),
    ]
    unreadable, other = found([call("CA1")], events, TERMS._replace(tenant="acme"))
    assert (unreadable.kind, unreadable.detail) == (Kind.UNREADABLE, "log:3: truncated")
    assert (other.kind, other.ours, other.theirs) == (Kind.OTHER_TENANT, "acme", "other")


def test_an_event_that_was_made_after_the_calls_were_read_is_not_looked_at() -> None:
    late = Seen(1, "m", COMPLETED, TERMS.as_of_us + 1, call_sid="CA9", status="busy")
    behind = event("CA1", "busy", revision=8)
    with AgainstEvents(TERMS._replace(revision=7)) as comparison:
        comparison.take_calls([call("CA1", "in-progress")])
        assert list(comparison.take_events([late, behind])) == []
        assert list(comparison.findings()) == []
    assert comparison.looked_at == {"calls": 1, "events": 2, "made_later": 2, "asked": 0}


def test_two_records_of_one_sid_are_told_and_each_is_judged_by_its_own_events() -> None:
    other = CallState("id-other", "CA1", "busy", updated_us=BEGIN_US)
    findings = found([call("CA1"), other], [event("CA1"), event("CA1", "failed", call_id="id-other")])
    assert kinds(findings)[0] == (Kind.DUPLICATE_SID, "CA1")
    assert "id-CA1, id-other" in findings[0].detail
    assert [(each.kind, each.call_id) for each in findings[1:]] == [(Kind.OTHER_FINAL_STATE, "id-other")]


def test_one_record_that_was_listed_twice_is_one() -> None:
    assert kinds(found([call("CA1"), call("CA1", beside=True)], [])) == [(Kind.MISSING_EVENT, "CA1")]


def test_a_sid_that_is_another_calls_now_is_asked_for() -> None:
    listed = [call("CA2"), call("CA4")]
    known = {"CA1": call("CA2"), "CA3": call("CA3", created_us=BEGIN_US - HOUR_US)}
    events = [event(sid) for sid in ("CA1", "CA3", "CA4", "CA5")]
    assert kinds(found(listed, events, find=known.get)) == [(Kind.UNKNOWN_CALL, "CA5")]


def test_an_erased_call_is_not_unknown() -> None:
    def find(_sid: str) -> None:
        raise Erased("it was erased")

    assert found([], [event("CA1")], find=find) == []


def test_no_more_than_a_thousand_are_asked_for() -> None:
    asked: list[str] = []
    events = [event(f"CA{number}") for number in range(1_200)]
    findings = found([], events, find=asked.append)
    assert len(asked) == 1_000
    assert len(findings) == 1_200


def test_nobody_is_asked_for_what_would_be_outside_of_the_window() -> None:
    asked: list[str] = []
    assert found([], [Seen(1, "m", STARTED, BEGIN_US - 1, call_sid="CA1")], find=asked.append) == []
    assert asked == []
