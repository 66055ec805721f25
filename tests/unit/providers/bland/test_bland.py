"""Peculiarities of Bland: calls without an end or a status, times without an offset, and unanswered calls."""

import pytest

from calltally.calls.fold import fold
from calltally.calls.identity import Node
from calltally.calls.model import Call
from calltally.providers.bland import normalise
from calltally.providers.callback import Callback
from tests.unit.providers.bland.samples import TALK, call, sent
from tests.unit.providers.sampling import NOW_US


def record(**changes: object) -> Call:
    body = sent({name: value for name, value in call(TALK, **changes).items() if value is not ...}).body
    [fact] = normalise.facts_of(Callback("POST", "https://calls.example/", {}, body, NOW_US))
    return fold("acme", Node(TALK, is_carrier=False), [fact]).call


@pytest.mark.parametrize("end_at", [None, ...])
def test_calls_without_an_end_end_with_their_talk(end_at: object) -> None:
    found = record(end_at=end_at)
    assert (found.created_at, found.answered_at) == (
        *("2026-08-22T08:00:00.000000Z", "2026-08-22T08:00:10.000000Z"),
    )
    assert (found.ended_at, found.duration_seconds) == ("2026-08-22T08:00:52.000000Z", 42)


def test_calls_without_end_and_answer_end_after_their_duration() -> None:
    found = record(end_at=None, started_at=None)
    assert found.created_at == found.answered_at == "2026-08-22T08:00:00.000000Z"
    assert found.ended_at == "2026-08-22T08:00:42.000000Z"


def test_completed_calls_without_a_status_are_completed() -> None:
    found = record(status=...)
    assert (found.status, found.duration_seconds) == ("completed", 42)
    assert record(status=None, completed=False, end_at=None).status == "queued"


def test_calls_with_an_error_and_no_start_are_failed() -> None:
    found = record(status=..., started_at=None, error_message="Invalid number", corrected_duration="0")
    assert (found.status, found.duration_seconds, found.created_at[:19]) == (
        *("failed", 0, "2026-08-22T08:00:00"),
    )


@pytest.mark.parametrize("status", ["completed", ..., "complete_error"])
def test_calls_answered_by_nobody_are_not_completed(status: object) -> None:
    found = record(status=status, answered_by="no-answer", call_ended_by=None)
    assert (found.status, found.duration_seconds, found.answered_at) == ("no-answer", 0, None)
    assert found.end_reason == "no-answer"


def test_an_undetermined_answer_keeps_its_talk() -> None:
    assert record(answered_by="unknown").duration_seconds == 42


@pytest.mark.parametrize("separator", ["T", " "])
def test_times_without_an_offset_are_utc(separator: str) -> None:
    found = record(
        created_at=f"2026-08-22{separator}08:00:00",
        started_at=f"2026-08-22{separator}08:00:10.25",
        end_at=f"2026-08-22{separator}10:00:52+02:00",
    )
    assert found.created_at == "2026-08-22T08:00:00.000000Z"
    assert found.answered_at == "2026-08-22T08:00:10.250000Z"
    assert found.ended_at == "2026-08-22T08:00:52.000000Z"


def test_unreadable_secondary_values_keep_the_final_state() -> None:
    found = record(recording_url="/recordings/1.mp3", price="free", transferred_to="x" * 300)
    assert (found.status, found.duration_seconds) == ("completed", 42)
    assert (found.recording_url, found.cost, found.transfer) == (None, None, None)


def test_metadata_and_variables_are_kept() -> None:
    found = record(metadata={"order": 7}, variables={"name": "Ada"})
    assert found.metadata == {"order": 7, "variables": {"name": "Ada"}}
