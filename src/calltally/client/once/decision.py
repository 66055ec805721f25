"""Decision on a final state, given the ledger's states of its call. Pure."""

from collections.abc import Sequence
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from calltally.client.once.final_state import FinalState


class Promise(StrEnum):
    """Guarantee for the number of runs of an effect for one final state."""

    SAME_TRANSACTION = "same-transaction"
    AT_LEAST_ONCE = "at-least-once"
    AT_MOST_ONCE = "at-most-once"


class Progress(StrEnum):
    """Progress of an effect.

    `uncertain`: an at-most-once effect that started and was never recorded as done; a person decides.
    `superseded`: the state was corrected before the effect was recorded as done, which does not run again.
    """

    CLAIMED = "claimed"
    DONE = "done"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    SUPERSEDED = "superseded"


class Outcome(StrEnum):
    """Outcome of a request to run an effect. Only `run` means that the caller must run it now."""

    RUN = "run"
    REPEAT = "repeat"
    STALE = "stale"
    BUSY = "busy"
    UNCERTAIN = "uncertain"


class Corrected(NamedTuple):
    """Final state that an effect corrects, with the progress of the same effect for it.

    `progress` is done, uncertain or superseded; in the last two cases the effect may have happened or not.
    """

    status: str
    revision: int | None
    correction: int
    progress: Progress


class Claim(NamedTuple):
    """The ledger's decision on one effect. It is true exactly when the effect must run now.

    `promise` is the one of the first claim. `correction` is 0 for a call's first final state; then `corrects`
    is None. `attempt` is 1 for the first run and serves as fencing token: a smaller number than the ledger's
    means that the claim is lost.
    """

    outcome: Outcome
    final_state: FinalState
    effect: str
    promise: Promise
    correction: int = 0
    attempt: int = 1
    corrects: Corrected | None = None

    def __bool__(self) -> bool:
        return self.outcome is Outcome.RUN

    @property
    def idempotency_key(self) -> str:
        """Key of 32 characters that all attempts at this effect share, and no other effect has.

        A service that accepts idempotency keys ignores a second attempt with the same key.
        """
        parts = (self.final_state.tenant, self.final_state.call_id, self.effect, str(self.correction))
        return sha256("\0".join(parts).encode()).hexdigest()[:32]


class EffectState(NamedTuple):
    """State of one effect for one final state in the ledger. `is_expired` refers to its lease."""

    correction: int
    status: str
    revision: int | None
    promise: Promise
    progress: Progress
    attempts: int
    is_expired: bool

    @property
    def is_running(self) -> bool:
        return self.progress is Progress.CLAIMED and not self.is_expired

    @property
    def is_abandoned(self) -> bool:
        """True if the lease of the claim expired."""
        return self.progress is Progress.CLAIMED and self.is_expired


class ClaimAction(StrEnum):
    """Action of the ledger on a request. The first four are outcomes, and do not start the effect."""

    REPEAT = "repeat"
    STALE = "stale"
    BUSY = "busy"
    UNCERTAIN = "uncertain"
    RETRY = "retry"
    CORRECT = "correct"


def choose_action(state: FinalState, states: Sequence[EffectState]) -> ClaimAction:
    """Return the action for a final state, given the ledger's states of its call, the current one last."""
    last = states[-1]
    if state.status == last.status:
        return _action_for_repeated_state(last)
    if state.revision is not None and last.revision is not None:
        is_newer = state.revision > last.revision
    else:
        # A state that was current before is a late repeat.
        is_newer = state.status not in {each.status for each in states}
    if not is_newer:
        return ClaimAction.STALE
    return ClaimAction.BUSY if last.is_running else ClaimAction.CORRECT


def _action_for_repeated_state(last: EffectState) -> ClaimAction:
    if last.progress is Progress.DONE:
        return ClaimAction.REPEAT
    if last.is_running:
        return ClaimAction.BUSY
    uncertain = last.is_abandoned and last.promise is Promise.AT_MOST_ONCE
    return ClaimAction.UNCERTAIN if uncertain or last.progress is Progress.UNCERTAIN else ClaimAction.RETRY


def progress_after_correction(last: EffectState) -> Progress:
    """Return the final progress of the effect for the current state after a correction of that state."""
    if last.is_abandoned and last.promise is Promise.AT_MOST_ONCE:
        return Progress.UNCERTAIN
    if last.progress in (Progress.CLAIMED, Progress.FAILED):
        return Progress.SUPERSEDED
    return last.progress


def progress_after_failure(promise: Promise, *, certainly_not_done: bool) -> Progress:
    is_uncertain = promise is Promise.AT_MOST_ONCE and not certainly_not_done
    return Progress.UNCERTAIN if is_uncertain else Progress.FAILED
