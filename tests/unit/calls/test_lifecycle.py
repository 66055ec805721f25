"""Precedence of the states of a call."""

import pytest

from calltally.calls.lifecycle import contradicts, resolve_status
from calltally.calls.model import FINAL, UNANSWERED

RINGING = "ringing"


def test_open_state_stays_without_a_final_one() -> None:
    assert resolve_status(RINGING, [], is_answered=False) == RINGING
    assert resolve_status("in-progress", [], is_answered=True) == "in-progress"


@pytest.mark.parametrize("final", sorted(FINAL))
def test_final_state_beats_an_open_one(final: str) -> None:
    assert resolve_status(RINGING, [final], is_answered=False) == final


@pytest.mark.parametrize("final", sorted(UNANSWERED))
def test_answer_makes_any_final_state_completed(final: str) -> None:
    assert resolve_status(RINGING, [final], is_answered=True) == "completed"


@pytest.mark.parametrize("final", sorted(UNANSWERED))
def test_unanswered_end_beats_completed_in_either_order(final: str) -> None:
    for stated in ([final, "completed"], ["completed", final]):
        assert resolve_status(RINGING, stated, is_answered=False) == final


def test_last_unanswered_end_wins() -> None:
    assert resolve_status(RINGING, ["busy", "failed"], is_answered=False) == "failed"


def test_other_final_state_contradicts_except_completed() -> None:
    assert contradicts("busy", "completed")
    assert not contradicts("completed", "busy")
    assert not contradicts("ringing", "busy")
    assert not contradicts(None, "busy")
