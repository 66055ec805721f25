"""Peculiarities of Bland: calls without an end."""

import pytest

from calltally.calls.identity import Node
from calltally.calls.lifecycle import fold
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
