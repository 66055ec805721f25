"""Frames between a service and its recorder: whole again however they are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.events import Outcome
from calltally.calls.identity import Node
from calltally.store.backends.recorder.frames import (
    Frames,
    asking,
    frame,
    hello,
    read_answers,
    read_questions,
)
from calltally.store.db.fact_codec import packed
from calltally.store.db.interface import Recorded, Submission
from tests.telling import fact, own

SUBMISSIONS = (
    Submission("acme", fact(1, status="completed", talk_seconds=4.5, cost={"price": "-0.0085"}, sequence=3)),
    Submission(
        "other", own(2, "own-1", links=(Node("CA1", is_carrier=True),), tags=["a", "b"]), announce=False
    ),
)
RECORDED = (
    Recorded(Outcome.APPLIED, None, b"\0" * 16, 2**53),
    Recorded(Outcome.REFUSED, "the call was erased; nothing of it is kept again", None, None),
    Recorded(Outcome.IGNORED, "says nothing new", b"\xff" * 16, 1, conflicting=True),
)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places} | {len(data)})
    return [data[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]


@given(st.lists(st.integers(0, 3), max_size=5), st.lists(st.integers(0, 10_000), max_size=20))
def test_questions_come_as_they_were_asked(sizes: list[int], places: list[int]) -> None:
    asked = [(number, list(SUBMISSIONS[:size])) for number, size in enumerate(sizes)]
    sent = hello() + frame(asked) + frame(asked[:1])
    frames = Frames()
    bodies = [body for piece in cut(sent, places) for body in frames.feed(piece)]
    assert [list(read_questions(body)) for body in bodies] == [[], asked, asked[:1]]


@pytest.mark.parametrize(("facts", "is_ready"), [(1, True), (8, True), (9, False)])
def test_what_can_be_made_of_a_few_facts_before_comes_with_them(facts: int, *, is_ready: bool) -> None:
    asked = [Submission("acme", fact(second, status="ringing", raw=b"?" * second)) for second in range(facts)]
    [body] = Frames().feed(asking([(1, asked)]))
    [(_, come)] = read_questions(body)
    assert [each._replace(packed=None) for each in come] == asked
    made = [packed(each.fact, each.fact.key) for each in asked]
    assert [each.packed for each in come] == (made if is_ready else [None] * facts)


def test_answers_come_as_they_were_given() -> None:
    answers = [(7, list(RECORDED)), (8, None), (9, [])]
    [body] = Frames().feed(frame(answers))
    assert read_answers(body) == answers
    assert isinstance(read_answers(body)[0][1], list)
