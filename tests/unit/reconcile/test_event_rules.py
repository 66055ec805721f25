"""What the events of one call must be like: each rule by itself."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltally.calls.times import SECOND_US
from calltally.reconcile.call_states import CallState
from calltally.reconcile.event_rules import COMPLETED, ESCALATED, EXPECTABLE, STARTED, Terms, judged
from calltally.reconcile.events import Seen
from calltally.reconcile.findings import Finding, Kind

BEGIN_US = 1_790_812_800 * SECOND_US
DAY_US = 86_400 * SECOND_US
TERMS = Terms(as_of_us=BEGIN_US + DAY_US, expected=EXPECTABLE)
EVALUATED = "voice.session.evaluated"


@dataclass
class Log:
    """Makes events of one call, one after the other."""

    place: int = 0

    def __call__(self, name: str, revision: int | None, status: str | None = None, **more: object) -> Seen:
        """Made a second after the last one, and received at once."""
        self.place += 1
        made_us = BEGIN_US + self.place * SECOND_US
        told = {"received_us": made_us + 1, "call_sid": "CA1", "call_id": "id", "id": f"m{self.place}"} | more
        return Seen(place=self.place, name=name, created_us=made_us, status=status, revision=revision, **told)  # type: ignore[arg-type] # of any field


@pytest.fixture
def log() -> Log:
    return Log()


def call(status: str = "completed", **more: object) -> CallState:
    return CallState("id", "CA1", status, created_us=BEGIN_US, updated_us=BEGIN_US, **more)  # type: ignore[arg-type] # of any field


def kinds(call_state: CallState | None, events: list[Seen], terms: Terms = TERMS) -> list[tuple[str, str]]:
    """Each finding's kind, and the event that it names or, where there is none, what the record says."""
    return [
        (found.kind.value, found.event_ids[-1] if found.event_ids else found.ours or "")
        for found in judged(call_state, events, terms)
    ]


def test_a_call_with_all_of_its_events_is_right(log: Log) -> None:
    events = [log(STARTED, 1), log(ESCALATED, 2), log(COMPLETED, 3, "completed"), log(EVALUATED, 4)]
    assert kinds(call(escalated=True), events) == []


# -------------------------------------------------------------------------------------------- missing


def test_what_is_expected_and_never_came_is_missing(log: Log) -> None:
    assert kinds(call("busy", escalated=True), []) == [
        ("missing-event", "busy"),
        ("missing-event", "started"),
        ("missing-event", "escalated"),
    ]
    assert kinds(call("busy"), [log(STARTED, 1)]) == [("missing-event", "busy")]


def test_by_default_only_the_end_is_expected() -> None:
    assert kinds(call("busy"), [], Terms(TERMS.as_of_us)) == [("missing-event", "busy")]
    assert kinds(call("in-progress", escalated=True), [], Terms(TERMS.as_of_us)) == []


@pytest.mark.parametrize(
    "young",
    [
        CallState("id", "CA1", "busy", created_us=BEGIN_US, updated_us=TERMS.as_of_us - 900 * SECOND_US + 1),
        CallState("id", "CA1", "busy", created_us=TERMS.as_of_us),
    ],
)
def test_the_event_of_a_young_state_may_be_under_way(young: CallState, log: Log) -> None:
    assert kinds(young, []) == []
    assert kinds(young, [log(COMPLETED, 1, "failed")]) == []


def test_a_call_of_no_known_time_is_taken_to_be_old() -> None:
    bare = CallState("id", "CA1", "busy")
    assert kinds(bare, [], Terms(TERMS.as_of_us)) == [("missing-event", "busy")]


def test_a_state_that_is_corrected_and_was_never_said_is_missing(log: Log) -> None:
    started = log(STARTED, 1)
    told = [log(COMPLETED, 2, "failed"), log(COMPLETED, 3, "busy", corrects="failed")]
    last = log(COMPLETED, 4, "completed", corrects="busy")
    assert kinds(call(), [started, *told, last]) == []
    assert kinds(call(), [started, told[0], last]) == [("missing-event", last.id)]
    assert kinds(call(), [started, told[1], last]) == [("missing-event", told[1].id)]


# ---------------------------------------------------------------------------------------- other state


def test_another_final_state_than_the_records_is_found(log: Log) -> None:
    [found] = judged(call("completed", revision=2), [log(COMPLETED, 2, "failed")], Terms(TERMS.as_of_us))
    assert (found.kind, found.ours, found.theirs) == (Kind.OTHER_FINAL_STATE, "completed", "failed")
    assert found.times == {
        "event_created_at": "2026-10-01T00:00:01.000000Z",
        "received_at": "2026-10-01T00:00:01.000001Z",
    }


@pytest.mark.parametrize(
    ("revision", "words"),
    [(None, "the record completed"), (1, "the record is older than it"), (9, "may be missing")],
)
def test_it_is_said_which_side_is_behind(log: Log, revision: int | None, words: str) -> None:
    [found] = judged(
        call("completed", revision=revision), [log(COMPLETED, 2, "failed")], Terms(TERMS.as_of_us)
    )
    assert found.detail.endswith(words)


def test_a_correction_that_came_is_the_last_word_in_whatever_order(log: Log) -> None:
    first, second = log(COMPLETED, 2, "failed"), log(COMPLETED, 3, "completed", corrects="failed")
    assert kinds(call(), [first, second], Terms(TERMS.as_of_us)) == []
    assert kinds(call("failed"), [first, second], Terms(TERMS.as_of_us)) == [("other-final-state", second.id)]


# -------------------------------------------------------------------------------------------- repeats


def test_one_id_that_came_twice_is_one_finding_and_no_other(log: Log) -> None:
    started, ended = log(STARTED, 1), log(COMPLETED, 2, "completed")
    again = log(STARTED, 1, id=started.id, received_us=BEGIN_US + DAY_US)
    assert kinds(call(), [started, ended, again, again]) == [("repeated-event", started.id)]


@pytest.mark.parametrize("name", EXPECTABLE)
def test_the_same_news_under_another_id_is_a_repeat_and_nothing_else(log: Log, name: str) -> None:
    started, escalated, ended = log(STARTED, 1), log(ESCALATED, 2), log(COMPLETED, 3, "completed")
    revision = {STARTED: 1, ESCALATED: 2, COMPLETED: 3}[name]
    copy = log(name, revision, "completed", received_us=BEGIN_US + DAY_US)
    events = [started, escalated, ended, log(EVALUATED, 4), copy]
    assert kinds(call(escalated=True), events) == [("repeated-event", copy.id)]


def test_a_session_may_be_evaluated_more_than_once(log: Log) -> None:
    events = [log(STARTED, 1), log(COMPLETED, 2, "completed"), log(EVALUATED, 3), log(EVALUATED, 3)]
    assert kinds(call(), events) == []


def test_a_state_that_came_back_is_no_repeat(log: Log) -> None:
    events = [
        log(STARTED, 1),
        log(COMPLETED, 2, "completed"),
        log(COMPLETED, 3, "failed", corrects="completed"),
        log(COMPLETED, 4, "completed", corrects="failed"),
    ]
    assert kinds(call(), events) == []


def test_calls_that_were_joined_have_two_beginnings(log: Log) -> None:
    events = [log(STARTED, 1), log(STARTED, 2, call_id="other"), log(COMPLETED, 3, "completed")]
    assert kinds(call(), events) == []


# --------------------------------------------------------------------------------------- order and time


def test_an_event_after_one_of_a_later_revision_is_in_the_wrong_order(log: Log) -> None:
    started = log(STARTED, 1, received_us=BEGIN_US + 5 * SECOND_US)
    ended = log(COMPLETED, 2, "completed")
    assert kinds(call(), [started, ended]) == [("wrong-order", ended.id)]
    [found] = judged(call(), [started, ended], TERMS)
    assert found.event_ids == (started.id, ended.id)


def test_events_of_one_revision_have_no_order(log: Log) -> None:
    started = log(STARTED, 1, received_us=BEGIN_US + 5 * SECOND_US)
    assert kinds(call(), [started, log(COMPLETED, 1, "completed")]) == []


def test_without_revisions_an_event_after_one_that_was_made_later_is(log: Log) -> None:
    started, ended = log(STARTED, None), log(COMPLETED, None, "completed", received_us=BEGIN_US)
    assert kinds(call(), [started, ended]) == [("wrong-order", ended.id)]


def test_without_times_of_receipt_the_place_in_the_log_counts(log: Log) -> None:
    ended, started = log(COMPLETED, 2, "completed", received_us=None), log(STARTED, 1)
    assert kinds(call(), [started, ended]) == [("wrong-order", ended.id)]


@pytest.mark.parametrize(("after_s", "is_late"), [(300, False), (301, True)])
def test_an_event_is_late_from_a_limit_on(log: Log, after_s: int, *, is_late: bool) -> None:
    ended = log(COMPLETED, 2, "completed", received_us=BEGIN_US + (1 + after_s) * SECOND_US)
    found: list[Finding] = list(judged(call(), [ended], Terms(TERMS.as_of_us)))
    assert [each.kind for each in found] == [Kind.LATE_EVENT] * is_late
    assert all(f"{after_s} s after" in each.detail for each in found)


# ------------------------------------------------------------------------------------------ properties

STATES = st.sampled_from(["completed", "busy", "failed", "in-progress", "?", None])


@st.composite
def events(draw: st.DrawFn) -> Seen:
    return Seen(
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
@given(many=st.lists(events(), max_size=6), is_known=st.booleans())
def test_whatever_was_received_is_judged(many: list[Seen], *, is_known: bool) -> None:
    found = list(judged(call() if is_known else None, many, TERMS))
    assert all(each.call_sid == "CA1" for each in found)
    if is_known and not any(event.name == COMPLETED for event in many):
        assert ("missing-event", "completed") in kinds(call(), many)
    assert any(each.kind == Kind.UNKNOWN_CALL for each in found) == (bool(many) and not is_known)
