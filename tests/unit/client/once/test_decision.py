"""Decisions on final states as tables, without a database."""

import pytest

from calltally.client.once import Claim, FinalState, Outcome, Progress, Promise
from calltally.client.once.decision import (
    ClaimAction,
    EffectState,
    choose_action,
    progress_after_correction,
    progress_after_failure,
)
from calltally.client.once.statements import schema_statements, statement

LEAST, MOST = Promise.AT_LEAST_ONCE, Promise.AT_MOST_ONCE


def final_state(status: str, revision: int | None) -> FinalState:
    return FinalState(tenant="acme", call_id="call-1", status=status, revision=revision)


def effect_state(
    progress: Progress = Progress.DONE,
    promise: Promise = LEAST,
    status: str = "completed",
    revision: int | None = 5,
    *,
    is_expired: bool = False,
) -> EffectState:
    return EffectState(0, status, revision, promise, progress, 1, is_expired)


@pytest.mark.parametrize(
    ("last", "same", "newer"),
    [
        (effect_state(), ClaimAction.REPEAT, ClaimAction.CORRECT),
        (effect_state(Progress.CLAIMED, LEAST), ClaimAction.BUSY, ClaimAction.BUSY),
        (effect_state(Progress.CLAIMED, LEAST, is_expired=True), ClaimAction.RETRY, ClaimAction.CORRECT),
        (effect_state(Progress.CLAIMED, MOST), ClaimAction.BUSY, ClaimAction.BUSY),
        (effect_state(Progress.CLAIMED, MOST, is_expired=True), ClaimAction.UNCERTAIN, ClaimAction.CORRECT),
        (effect_state(Progress.FAILED, LEAST), ClaimAction.RETRY, ClaimAction.CORRECT),
        (effect_state(Progress.FAILED, MOST), ClaimAction.RETRY, ClaimAction.CORRECT),
        (effect_state(Progress.UNCERTAIN, MOST), ClaimAction.UNCERTAIN, ClaimAction.CORRECT),
    ],
)
def test_action_for_the_same_state_and_for_a_newer_one(
    last: EffectState, same: ClaimAction, newer: ClaimAction
) -> None:
    assert choose_action(final_state("completed", 5), [last]) is same
    assert choose_action(final_state("failed", 6), [last]) is newer
    assert choose_action(final_state("failed", 4), [last]) is ClaimAction.STALE


@pytest.mark.parametrize(
    ("revision", "last_revision", "action"),
    [
        (5, 5, ClaimAction.STALE),
        (6, 5, ClaimAction.CORRECT),
        (None, 5, ClaimAction.STALE),
        (6, None, ClaimAction.STALE),
        (None, None, ClaimAction.STALE),
    ],
)
def test_former_state_returns_only_with_a_later_revision(
    revision: int | None, last_revision: int | None, action: ClaimAction
) -> None:
    before = [effect_state(revision=3), effect_state(status="failed", revision=last_revision)]
    assert choose_action(final_state("completed", revision), before) is action


@pytest.mark.parametrize(
    ("progress", "promise", "expected"),
    [
        (Progress.DONE, LEAST, Progress.DONE),
        (Progress.CLAIMED, LEAST, Progress.SUPERSEDED),
        (Progress.CLAIMED, MOST, Progress.UNCERTAIN),
        (Progress.FAILED, MOST, Progress.SUPERSEDED),
        (Progress.UNCERTAIN, MOST, Progress.UNCERTAIN),
    ],
)
def test_progress_of_an_effect_after_a_correction(
    progress: Progress, promise: Promise, expected: Progress
) -> None:
    assert progress_after_correction(effect_state(progress, promise, is_expired=True)) is expected


def test_only_an_at_most_once_effect_that_may_have_happened_is_uncertain() -> None:
    assert progress_after_failure(MOST, certainly_not_done=False) is Progress.UNCERTAIN
    assert progress_after_failure(MOST, certainly_not_done=True) is Progress.FAILED
    assert progress_after_failure(LEAST, certainly_not_done=False) is Progress.FAILED


def test_idempotency_key_identifies_an_effect_over_all_attempts() -> None:
    claim = Claim(Outcome.RUN, final_state("completed", 5), "mail", LEAST)
    same = claim._replace(attempt=2, final_state=final_state("completed", 6))
    others = [claim._replace(effect="sms"), claim._replace(correction=1)]
    assert claim.idempotency_key == same.idempotency_key
    assert len({claim.idempotency_key, *(other.idempotency_key for other in others)}) == 3
    assert len(claim.idempotency_key) == 32


def test_statements_use_the_dialect_of_the_database() -> None:
    assert "%(tenant)s" in statement("postgres", "lock_call")
    assert "FOR UPDATE" in statement("postgres", "lock_call")
    assert ":tenant" in statement("sqlite", "lock_call")
    assert "FOR UPDATE" not in statement("sqlite", "lock_call")
    assert len(schema_statements()) == 4
