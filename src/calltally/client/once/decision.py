"""Whose turn it is: what to do about a final state, given what the ledger has of its call. Pure."""

from collections.abc import Sequence
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from calltally.client.once.final_state import FinalState


class Promise(StrEnum):
    """How often an effect is run for one final state."""

    SAME_TRANSACTION = "same-transaction"
    AT_LEAST_ONCE = "at-least-once"
    AT_MOST_ONCE = "at-most-once"


class Progress(StrEnum):
    """How far an effect has come.

    `uncertain`: promised at most once, begun, and never said to be done; a person finds out. `superseded`: it
    was begun and not known to be done when the call's state was corrected, and is not run any more.
    """

    CLAIMED = "claimed"
    DONE = "done"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    SUPERSEDED = "superseded"


class Outcome(StrEnum):
    """What came of asking for an effect; only `run` means that it is to be run now, by who asked."""

    RUN = "run"
    REPEAT = "repeat"
    STALE = "stale"
    BUSY = "busy"
    UNCERTAIN = "uncertain"


class Corrected(NamedTuple):
    """What an effect corrects: the final state before, and what became of the same effect for it.

    `progress` is done, uncertain or superseded; after the last two it may have happened or not.
    """

    status: str
    revision: int | None
    correction: int
    progress: Progress


class Turn(NamedTuple):
    """The ledger's word on one effect. It is true exactly when the effect is to be run now.

    `promise` is the one that was made when the effect was first claimed. `correction` is 0 for a call's first
    final state; then `corrects` is None. `attempt` is 1 for the first run and is the fencing token: whoever
    has a smaller one than the ledger does not hold the claim any more.
    """

    outcome: Outcome
    told: FinalState
    effect: str
    promise: Promise
    correction: int = 0
    attempt: int = 1
    corrects: Corrected | None = None

    def __bool__(self) -> bool:
        return self.outcome is Outcome.RUN

    @property
    def idempotency_key(self) -> str:
        """32 characters that are the same for each attempt at this effect, and for no other effect.

        Sent along to a service that takes such keys, it makes a second attempt harmless there.
        """
        parts = (self.told.tenant, self.told.call_id, self.effect, str(self.correction))
        return sha256("\0".join(parts).encode()).hexdigest()[:32]


class Known(NamedTuple):
    """What the ledger has of one effect for one final state. `is_over`: its lease ran out."""

    correction: int
    status: str
    revision: int | None
    promise: Promise
    progress: Progress
    attempts: int
    is_over: bool

    @property
    def is_running(self) -> bool:
        """Somebody is at it, as far as one can tell."""
        return self.progress is Progress.CLAIMED and not self.is_over

    @property
    def is_lost(self) -> bool:
        """Somebody was at it and never came back."""
        return self.progress is Progress.CLAIMED and self.is_over


class Move(StrEnum):
    """What to write. The first four write nothing of the effect."""

    REPEAT = "repeat"
    STALE = "stale"
    BUSY = "busy"
    UNCERTAIN = "uncertain"
    AGAIN = "again"
    CORRECT = "correct"


def choose(told: FinalState, known: Sequence[Known]) -> Move:
    """What to do about `told`, where the ledger has `known` of its call, the state in force last."""
    last = known[-1]
    if told.status == last.status:
        return _of_the_same(last)
    if not _is_newer(told, known):
        return Move.STALE
    return Move.BUSY if last.is_running else Move.CORRECT


def _of_the_same(last: Known) -> Move:
    if last.progress is Progress.DONE:
        return Move.REPEAT
    if last.is_running:
        return Move.BUSY
    uncertain = last.is_lost and last.promise is Promise.AT_MOST_ONCE
    return Move.UNCERTAIN if uncertain or last.progress is Progress.UNCERTAIN else Move.AGAIN


def _is_newer(told: FinalState, known: Sequence[Known]) -> bool:
    """By revision, where both have one. Else a state that was in force before is a late repeat."""
    if told.revision is not None and known[-1].revision is not None:
        return told.revision > known[-1].revision
    return told.status not in {each.status for each in known}


def once_corrected(last: Known) -> Progress:
    """How far the effect for the state in force has come for good, once another state takes its place."""
    if last.is_lost and last.promise is Promise.AT_MOST_ONCE:
        return Progress.UNCERTAIN
    if last.progress in (Progress.CLAIMED, Progress.FAILED):
        return Progress.SUPERSEDED
    return last.progress


def once_failed(promise: Promise, *, certainly_not_done: bool) -> Progress:
    """How far an effect has come that ended in an exception."""
    is_open = promise is Promise.AT_MOST_ONCE and not certainly_not_done
    return Progress.UNCERTAIN if is_open else Progress.FAILED
