"""What is written about a final state, from what is known of its call: a table, without a database."""

import pytest

from calltally.client.once import FinalState, Outcome, Progress, Promise, Turn
from calltally.client.once.decision import Known, Move, choose, once_corrected, once_failed
from calltally.client.once.statements import schema_statements, statement

LEAST, MOST = Promise.AT_LEAST_ONCE, Promise.AT_MOST_ONCE


def told(status: str, revision: int | None) -> FinalState:
    return FinalState(tenant="acme", call_id="call-1", status=status, revision=revision)


def known(
    progress: Progress = Progress.DONE,
    promise: Promise = LEAST,
    status: str = "completed",
    revision: int | None = 5,
    *,
    is_over: bool = False,
) -> Known:
    return Known(0, status, revision, promise, progress, 1, is_over)


@pytest.mark.parametrize(
    ("last", "same", "newer"),
    [
        (known(), Move.REPEAT, Move.CORRECT),
        (known(Progress.CLAIMED, LEAST), Move.BUSY, Move.BUSY),
        (known(Progress.CLAIMED, LEAST, is_over=True), Move.AGAIN, Move.CORRECT),
        (known(Progress.CLAIMED, MOST), Move.BUSY, Move.BUSY),
        (known(Progress.CLAIMED, MOST, is_over=True), Move.UNCERTAIN, Move.CORRECT),
        (known(Progress.FAILED, LEAST), Move.AGAIN, Move.CORRECT),
        (known(Progress.FAILED, MOST), Move.AGAIN, Move.CORRECT),
        (known(Progress.UNCERTAIN, MOST), Move.UNCERTAIN, Move.CORRECT),
    ],
)
def test_what_is_done_about_the_same_state_and_about_a_newer_one(
    last: Known, same: Move, newer: Move
) -> None:
    assert choose(told("completed", 5), [last]) is same
    assert choose(told("failed", 6), [last]) is newer
    assert choose(told("failed", 4), [last]) is Move.STALE


@pytest.mark.parametrize(
    ("revision", "last_revision", "move"),
    [
        (5, 5, Move.STALE),
        (6, 5, Move.CORRECT),
        (None, 5, Move.STALE),
        (6, None, Move.STALE),
        (None, None, Move.STALE),
    ],
)
def test_a_state_that_was_in_force_comes_back_by_a_later_revision_alone(
    revision: int | None, last_revision: int | None, move: Move
) -> None:
    before = [known(revision=3), known(status="failed", revision=last_revision)]
    assert choose(told("completed", revision), before) is move


@pytest.mark.parametrize(
    ("progress", "promise", "left"),
    [
        (Progress.DONE, LEAST, Progress.DONE),
        (Progress.CLAIMED, LEAST, Progress.SUPERSEDED),
        (Progress.CLAIMED, MOST, Progress.UNCERTAIN),
        (Progress.FAILED, MOST, Progress.SUPERSEDED),
        (Progress.UNCERTAIN, MOST, Progress.UNCERTAIN),
    ],
)
def test_what_is_left_of_an_effect_once_its_state_is_corrected(
    progress: Progress, promise: Promise, left: Progress
) -> None:
    assert once_corrected(known(progress, promise, is_over=True)) is left


def test_only_what_may_have_happened_and_must_not_happen_twice_is_uncertain() -> None:
    assert once_failed(MOST, certainly_not_done=False) is Progress.UNCERTAIN
    assert once_failed(MOST, certainly_not_done=True) is Progress.FAILED
    assert once_failed(LEAST, certainly_not_done=False) is Progress.FAILED


def test_a_key_is_of_one_effect_and_the_same_for_each_attempt() -> None:
    turn = Turn(Outcome.RUN, told("completed", 5), "mail", LEAST)
    same = turn._replace(attempt=2, told=told("completed", 6))
    others = [turn._replace(effect="sms"), turn._replace(correction=1)]
    assert turn.idempotency_key == same.idempotency_key
    assert len({turn.idempotency_key, *(other.idempotency_key for other in others)}) == 3
    assert len(turn.idempotency_key) == 32


def test_statements_are_in_the_words_of_their_database() -> None:
    assert "%(tenant)s" in statement("postgres", "lock_call")
    assert "FOR UPDATE" in statement("postgres", "lock_call")
    assert ":tenant" in statement("sqlite", "lock_call")
    assert "FOR UPDATE" not in statement("sqlite", "lock_call")
    assert len(schema_statements()) == 4
