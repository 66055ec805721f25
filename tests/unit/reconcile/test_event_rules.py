"""Rules for the events of one call, each by itself."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltally.calls.event_types import COMPLETED, ESCALATED, STARTED
from calltally.calls.times import SECOND_US
from calltally.reconcile.call_states import CallState
from calltally.reconcile.event_rules import EXPECTABLE, EventTerms, event_findings
from calltally.reconcile.events import ReceivedEvent
from calltally.reconcile.findings import Finding, FindingKind

BEGIN_US = 1_790_812_800 * SECOND_US
DAY_US = 86_400 * SECOND_US
TERMS = EventTerms(as_of_us=BEGIN_US + DAY_US, expected=EXPECTABLE)
EVALUATED = "voice.session.evaluated"


@dataclass
class Log:
    """Makes consecutive events of one call."""

    index: int = 0

    def __call__(
        self, name: str, revision: int | None, status: str | None = None, **more: object
    ) -> ReceivedEvent:
        """Return an event made a second after the last one and received at once."""
        self.index += 1
        made_us = BEGIN_US + self.index * SECOND_US
        fields = {"received_us": made_us + 1, "call_sid": "CA1", "call_id": "id", "id": f"m{self.index}"}
        fields |= {"index": self.index, "name": name, "created_us": made_us, "status": status} | more
        return ReceivedEvent(revision=revision, **fields)  # type: ignore[arg-type] # of any field


@pytest.fixture
def log() -> Log:
    return Log()


def call(status: str = "completed", **more: object) -> CallState:
    return CallState("id", "CA1", status, created_us=BEGIN_US, updated_us=BEGIN_US, **more)  # type: ignore[arg-type] # of any field


def kinds(
    call_state: CallState | None, events: list[ReceivedEvent], terms: EventTerms = TERMS
) -> list[tuple[str, str]]:
    """Return each finding's kind with its event, or else with the record's state."""
    return [
        (found.kind.value, found.event_ids[-1] if found.event_ids else found.ours or "")
        for found in event_findings(call_state, events, terms)
    ]


def test_call_with_all_events_has_no_finding(log: Log) -> None:
    events = [log(STARTED, 1), log(ESCALATED, 2), log(COMPLETED, 3, "completed"), log(EVALUATED, 4)]
    assert kinds(call(escalated=True), events) == []


# -------------------------------------------------------------------------------------------- missing


def test_expected_event_that_never_arrived_is_missing(log: Log) -> None:
    assert kinds(call("busy", escalated=True), []) == [
        ("missing-event", "busy"),
        ("missing-event", "started"),
        ("missing-event", "escalated"),
    ]
    assert kinds(call("busy"), [log(STARTED, 1)]) == [("missing-event", "busy")]


def test_only_the_completed_event_is_expected_by_default() -> None:
    assert kinds(call("busy"), [], EventTerms(TERMS.as_of_us)) == [("missing-event", "busy")]
    assert kinds(call("in-progress", escalated=True), [], EventTerms(TERMS.as_of_us)) == []


@pytest.mark.parametrize(
    "young",
    [
        CallState("id", "CA1", "busy", created_us=BEGIN_US, updated_us=TERMS.as_of_us - 900 * SECOND_US + 1),
        CallState("id", "CA1", "busy", created_us=TERMS.as_of_us),
    ],
)
def test_event_of_a_recent_state_may_be_in_flight(young: CallState, log: Log) -> None:
    assert kinds(young, []) == []
    assert kinds(young, [log(COMPLETED, 1, "failed")]) == []


def test_call_without_time_counts_as_old() -> None:
    bare = CallState("id", "CA1", "busy")
    assert kinds(bare, [], EventTerms(TERMS.as_of_us)) == [("missing-event", "busy")]


def test_corrected_state_without_event_is_missing(log: Log) -> None:
    started = log(STARTED, 1)
    completed = [log(COMPLETED, 2, "failed"), log(COMPLETED, 3, "busy", corrects="failed")]
    last = log(COMPLETED, 4, "completed", corrects="busy")
    assert kinds(call(), [started, *completed, last]) == []
    assert kinds(call(), [started, completed[0], last]) == [("missing-event", last.id)]
    assert kinds(call(), [started, completed[1], last]) == [("missing-event", completed[1].id)]


# ---------------------------------------------------------------------------------------- other state


def test_other_final_state_than_the_record_is_a_finding(log: Log) -> None:
    [found] = event_findings(
        call("completed", revision=2), [log(COMPLETED, 2, "failed")], EventTerms(TERMS.as_of_us)
    )
    assert (found.kind, found.ours, found.theirs) == (FindingKind.OTHER_FINAL_STATE, "completed", "failed")
    assert found.times == {
        "event_created_at": "2026-10-01T00:00:01.000000Z",
        "received_at": "2026-10-01T00:00:01.000001Z",
    }


@pytest.mark.parametrize(
    ("revision", "words"),
    [(None, "that of the record completed"), (1, "so the record is older"), (9, "may be missing")],
)
def test_detail_names_the_older_side(log: Log, revision: int | None, words: str) -> None:
    [found] = event_findings(
        call("completed", revision=revision), [log(COMPLETED, 2, "failed")], EventTerms(TERMS.as_of_us)
    )
    assert found.detail.endswith(words)


def test_correction_counts_in_any_order_of_receipt(log: Log) -> None:
    first, second = log(COMPLETED, 2, "failed"), log(COMPLETED, 3, "completed", corrects="failed")
    assert kinds(call(), [first, second], EventTerms(TERMS.as_of_us)) == []
    assert kinds(call("failed"), [first, second], EventTerms(TERMS.as_of_us)) == [
        ("other-final-state", second.id)
    ]


# -------------------------------------------------------------------------------------------- repeats


def test_repeated_id_is_one_finding(log: Log) -> None:
    started, ended = log(STARTED, 1), log(COMPLETED, 2, "completed")
    again = log(STARTED, 1, id=started.id, received_us=BEGIN_US + DAY_US)
    assert kinds(call(), [started, ended, again, again]) == [("repeated-event", started.id)]


@pytest.mark.parametrize("name", EXPECTABLE)
def test_same_state_with_another_id_is_only_a_repeat(log: Log, name: str) -> None:
    started, escalated, ended = log(STARTED, 1), log(ESCALATED, 2), log(COMPLETED, 3, "completed")
    revision = {STARTED: 1, ESCALATED: 2, COMPLETED: 3}[name]
    copy = log(name, revision, "completed", received_us=BEGIN_US + DAY_US)
    events = [started, escalated, ended, log(EVALUATED, 4), copy]
    assert kinds(call(escalated=True), events) == [("repeated-event", copy.id)]


def test_repeated_session_evaluation_is_no_repeat(log: Log) -> None:
    events = [log(STARTED, 1), log(COMPLETED, 2, "completed"), log(EVALUATED, 3), log(EVALUATED, 3)]
    assert kinds(call(), events) == []


def test_state_that_returned_is_no_repeat(log: Log) -> None:
    events = [
        log(STARTED, 1),
        log(COMPLETED, 2, "completed"),
        log(COMPLETED, 3, "failed", corrects="completed"),
        log(COMPLETED, 4, "completed", corrects="failed"),
    ]
    assert kinds(call(), events) == []


def test_joined_calls_have_two_started_events(log: Log) -> None:
    events = [log(STARTED, 1), log(STARTED, 2, call_id="other"), log(COMPLETED, 3, "completed")]
    assert kinds(call(), events) == []


# --------------------------------------------------------------------------------------- order and time


def test_event_after_a_later_revision_is_out_of_order(log: Log) -> None:
    started = log(STARTED, 1, received_us=BEGIN_US + 5 * SECOND_US)
    ended = log(COMPLETED, 2, "completed")
    assert kinds(call(), [started, ended]) == [("wrong-order", ended.id)]
    [found] = event_findings(call(), [started, ended], TERMS)
    assert found.event_ids == (started.id, ended.id)


def test_events_of_one_revision_have_no_order(log: Log) -> None:
    started = log(STARTED, 1, received_us=BEGIN_US + 5 * SECOND_US)
    assert kinds(call(), [started, log(COMPLETED, 1, "completed")]) == []


def test_event_after_a_later_event_without_revisions_is_out_of_order(log: Log) -> None:
    started, ended = log(STARTED, None), log(COMPLETED, None, "completed", received_us=BEGIN_US)
    assert kinds(call(), [started, ended]) == [("wrong-order", ended.id)]


def test_position_in_the_log_counts_without_receipt_times(log: Log) -> None:
    ended, started = log(COMPLETED, 2, "completed", received_us=None), log(STARTED, 1)
    assert kinds(call(), [started, ended]) == [("wrong-order", ended.id)]


@pytest.mark.parametrize(("after_s", "is_late"), [(300, False), (301, True)])
def test_event_is_late_above_the_limit(log: Log, after_s: int, *, is_late: bool) -> None:
    ended = log(COMPLETED, 2, "completed", received_us=BEGIN_US + (1 + after_s) * SECOND_US)
    found: list[Finding] = list(event_findings(call(), [ended], EventTerms(TERMS.as_of_us)))
    assert [each.kind for each in found] == [FindingKind.LATE_EVENT] * is_late
    assert all(f"{after_s} s after" in each.detail for each in found)


# ------------------------------------------------------------------------------------------ properties

STATES = st.sampled_from(["completed", "busy", "failed", "in-progress", "?", None])


@st.composite
def events(draw: st.DrawFn) -> ReceivedEvent:
    return ReceivedEvent(
        draw(st.integers(0, 9)),
        draw(st.sampled_from("abcd")),
        draw(st.sampled_from([STARTED, ESCALATED, COMPLETED, EVALUATED, "voice.other"])),
        BEGIN_US + draw(st.integers(0, 9)) * SECOND_US,
        draw(st.none() | st.just(BEGIN_US)),
        call_sid="CA1",
        status=draw(STATES),
        revision=draw(st.none() | st.integers(1, 4)),
        corrects=draw(STATES),
    )


@settings(deadline=None)
@given(many=st.lists(events(), max_size=6), has_record=st.booleans())
def test_any_set_of_events_is_evaluated(many: list[ReceivedEvent], *, has_record: bool) -> None:
    found = list(event_findings(call() if has_record else None, many, TERMS))
    assert all(each.call_sid == "CA1" for each in found)
    if has_record and not any(event.name == COMPLETED for event in many):
        assert ("missing-event", "completed") in kinds(call(), many)
    assert any(each.kind == FindingKind.UNKNOWN_CALL for each in found) == (bool(many) and not has_record)
