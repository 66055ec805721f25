"""Join of calls with events, in memory and on disk, and the findings of unmatched ones."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.errors import Erased
from calltally.calls.event_types import COMPLETED, STARTED
from calltally.calls.times import SECOND_US
from calltally.reconcile.against_events import EventComparison, JoinedGroup, merge_join
from calltally.reconcile.call_states import CallState
from calltally.reconcile.event_rules import EventTerms
from calltally.reconcile.events import ReceivedEvent, UnreadableLine
from calltally.reconcile.findings import Finding, FindingKind

HOUR_US = 3_600 * SECOND_US
BEGIN_US = 1_790_812_800 * SECOND_US
TERMS = EventTerms(as_of_us=BEGIN_US + 100 * HOUR_US, from_us=BEGIN_US, to_us=BEGIN_US + 24 * HOUR_US)


def call(sid: str, status: str = "completed", **more: object) -> CallState:
    fields = {"created_us": BEGIN_US + HOUR_US, "updated_us": BEGIN_US + 2 * HOUR_US, "revision": 5} | more
    return CallState(f"id-{sid}", sid, status, **fields)  # type: ignore[arg-type] # of any field


def event(sid: str | None, status: str = "completed", **more: object) -> ReceivedEvent:
    fields = {"call_sid": sid, "call_id": f"id-{sid}", "status": status, "revision": 5} | more
    return ReceivedEvent(1, f"msg-{sid}", COMPLETED, BEGIN_US + 2 * HOUR_US, **fields)  # type: ignore[arg-type] # the same


def found(
    calls: Iterable[CallState],
    events: Iterable[ReceivedEvent | UnreadableLine],
    terms: EventTerms = TERMS,
    find: object = None,
) -> list[Finding]:
    with EventComparison(terms) as comparison:
        comparison.add_calls(calls)
        return [*comparison.add_events(events), *comparison.findings(find)]  # type: ignore[arg-type] # a function


def kinds(findings: Iterable[Finding]) -> list[tuple[FindingKind, str | None]]:
    return [(finding.kind, finding.call_sid) for finding in findings]


@given(left=st.lists(st.binary(max_size=1)), right=st.lists(st.binary(max_size=1)))
def test_join_returns_each_key_once_with_all_values(left: list[bytes], right: list[bytes]) -> None:
    sides = [sorted((key, b"%d" % number) for number, key in enumerate(keys)) for keys in (left, right)]
    assert list(merge_join(*map(iter, sides))) == [
        JoinedGroup(key, *([value for each, value in side if each == key] for side in sides))
        for key in sorted({*left, *right})
    ]


def test_matching_calls_and_events_give_no_finding() -> None:
    calls = [call(f"CA{number}") for number in range(20)]
    events = [event(f"CA{number}") for number in reversed(range(20))]
    assert found(calls, events) == []


def test_call_or_event_on_one_side_only_is_a_finding() -> None:
    findings = found([call("CA1"), call("CA2")], [event("CA2"), event("CA3")])
    assert kinds(findings) == [(FindingKind.MISSING_EVENT, "CA1"), (FindingKind.UNKNOWN_CALL, "CA3")]
    assert (findings[0].ours, findings[0].call_id) == ("completed", "id-CA1")
    assert findings[1].event_ids == ("msg-CA3",)


@pytest.mark.parametrize("started_us", [BEGIN_US - 1, BEGIN_US + 24 * HOUR_US])
def test_event_of_a_call_outside_the_window_is_no_finding(started_us: int) -> None:
    outside = ReceivedEvent(
        1, "m", COMPLETED, started_us + 60 * SECOND_US, call_sid="CA1", duration_seconds=60
    )
    assert found([], [outside]) == []


def test_call_outside_the_window_matches_and_has_no_missing_event() -> None:
    assert found([call("CA1", is_outside=True), call("CA2", is_outside=True)], [event("CA1")]) == []


def test_events_without_call_are_checked_separately() -> None:
    failed = ReceivedEvent(1, "m1", "voice.webhook.delivery_failed", BEGIN_US)
    findings = found([], [failed, failed, ReceivedEvent(3, "m2", "voice.webhook.delivery_failed", BEGIN_US)])
    assert kinds(findings) == [(FindingKind.REPEATED_EVENT, None)]


def test_unreadable_line_and_other_tenant_are_reported_at_once() -> None:
    events: list[ReceivedEvent | UnreadableLine] = [
        UnreadableLine("log:3", "truncated"),
        event("CA1", tenant="other"),
        event("CA1", tenant="acme"),
    ]
    unreadable, other = found([call("CA1")], events, TERMS._replace(tenant="acme"))
    assert (unreadable.kind, unreadable.detail) == (FindingKind.UNREADABLE, "log:3: truncated")
    assert (other.kind, other.ours, other.theirs) == (FindingKind.OTHER_TENANT, "acme", "other")


def test_event_made_after_the_read_is_ignored() -> None:
    late = ReceivedEvent(1, "m", COMPLETED, TERMS.as_of_us + 1, call_sid="CA9", status="busy")
    behind = event("CA1", "busy", revision=8)
    with EventComparison(TERMS._replace(revision=7)) as comparison:
        comparison.add_calls([call("CA1", "in-progress")])
        assert list(comparison.add_events([late, behind])) == []
        assert list(comparison.findings()) == []
    assert comparison.examined == {"calls": 1, "events": 2, "made_later": 2, "asked": 0}


def test_two_records_of_one_sid_are_reported_and_checked_separately() -> None:
    other = CallState("id-other", "CA1", "busy", updated_us=BEGIN_US)
    findings = found([call("CA1"), other], [event("CA1"), event("CA1", "failed", call_id="id-other")])
    assert kinds(findings)[0] == (FindingKind.DUPLICATE_SID, "CA1")
    assert "id-CA1, id-other" in findings[0].detail
    assert [(each.kind, each.call_id) for each in findings[1:]] == [
        (FindingKind.OTHER_FINAL_STATE, "id-other")
    ]


def test_record_listed_twice_counts_once() -> None:
    assert kinds(found([call("CA1"), call("CA1", is_outside=True)], [])) == [
        (FindingKind.MISSING_EVENT, "CA1")
    ]


def test_sid_that_moved_to_another_call_is_searched() -> None:
    listed = [call("CA2"), call("CA4")]
    sids = {"CA1": call("CA2"), "CA3": call("CA3", created_us=BEGIN_US - HOUR_US)}
    events = [event(sid) for sid in ("CA1", "CA3", "CA4", "CA5")]
    assert kinds(found(listed, events, find=sids.get)) == [(FindingKind.UNKNOWN_CALL, "CA5")]


def test_erased_call_is_not_unknown() -> None:
    def find(_sid: str) -> None:
        raise Erased("it was erased")

    assert found([], [event("CA1")], find=find) == []


def test_searches_are_limited_to_a_thousand() -> None:
    searched: list[str] = []
    events = [event(f"CA{number}") for number in range(1_200)]
    findings = found([], events, find=searched.append)
    assert len(searched) == 1_000
    assert len(findings) == 1_200


def test_call_outside_the_window_is_not_searched() -> None:
    searched: list[str] = []
    assert (
        found([], [ReceivedEvent(1, "m", STARTED, BEGIN_US - 1, call_sid="CA1")], find=searched.append) == []
    )
    assert searched == []
