"""Operations that claim, finish and fail an effect. Each operation is one transaction."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from calltally.client.once.connections import LedgerConnection
from calltally.client.once.decision import (
    Claim,
    ClaimAction,
    Corrected,
    EffectState,
    Outcome,
    Progress,
    Promise,
    choose_action,
    progress_after_correction,
    progress_after_failure,
)
from calltally.client.once.errors import NotDone, OtherPromise, Overtaken
from calltally.client.once.final_state import FinalState

MAX_REASON_CHARS: Final = 500


class ClaimRequest(NamedTuple):
    """Request to run an effect for a final state. Inside the effect's own transaction it has no lease."""

    state: FinalState
    effect: str
    promise: Promise
    now_us: int | None
    lease_us: int | None = None

    @property
    def params(self) -> dict[str, Any]:
        state = self.state
        # In the effect's own transaction, claim and effect become visible together.
        is_done = self.promise is Promise.SAME_TRANSACTION
        first_progress = Progress.DONE if is_done else Progress.CLAIMED
        return {
            "tenant": state.tenant,
            "call_id": state.call_id,
            "effect": self.effect,
            "call_sid": state.call_sid,
            "status": str(state.status),
            "revision": state.revision,
            "event_id": state.event_id,
            "told_us": state.told_us,
            "promise": self.promise.value,
            "progress": first_progress.value,
            "now_us": self.now_us,
            "lease_us": self.lease_us,
        }

    def claim(self, outcome: Outcome, states: Sequence[EffectState]) -> Claim:
        """Return the decision on this request, with the current state of the ledger."""
        last = states[-1]
        corrects = _corrected_state(states[-2]) if last.correction else None
        return Claim(outcome, self.state, self.effect, last.promise, last.correction, last.attempts, corrects)


async def claim_effect(ledger: LedgerConnection, request: ClaimRequest) -> Claim:
    """Claim the effect, or return the reason against it.

    On PostgreSQL it waits for another transaction on the same call and effect.
    """
    params = request.params
    if request.state.event_id is not None:
        await ledger.execute("record_event", params)
    is_first = await ledger.execute("insert_effect", {**params, "correction": 0, "corrects": None})
    if is_first:
        return Claim(Outcome.RUN, request.state, request.effect, request.promise)
    states = await read_effect_states(ledger, params)
    action = choose_action(request.state, states)
    await _raise_revision(ledger, request, states[-1])
    return await _apply_action(ledger, action, request, states)


async def read_effect_states(ledger: LedgerConnection, params: dict[str, Any]) -> list[EffectState]:
    """Return the states of one effect of a call, and lock them until the transaction ends."""
    await ledger.execute("lock_call", params)
    rows = await ledger.execute("read_effect_states", params)
    return [
        EffectState._make((*key, Promise(promise), Progress(progress), attempts, bool(is_expired)))
        for *key, promise, progress, attempts, is_expired in rows
    ]


async def _raise_revision(ledger: LedgerConnection, request: ClaimRequest, last: EffectState) -> None:
    """Store a higher revision of the current state, so that revisions in between become stale."""
    state = request.state
    if (
        state.status == last.status
        and state.revision is not None
        and (last.revision is None or state.revision > last.revision)
    ):
        await ledger.execute("raise_revision", {**request.params, "correction": last.correction})


async def _apply_action(
    ledger: LedgerConnection, action: ClaimAction, request: ClaimRequest, states: Sequence[EffectState]
) -> Claim:
    last = states[-1]
    if action is ClaimAction.RETRY:
        if request.promise is Promise.SAME_TRANSACTION:
            raise OtherPromise(
                f"{request.effect!r} of call {request.state.call_id} started as {last.promise} and is not "
                "done; use the same promise, or another name for this effect"
            )
        await ledger.execute("reclaim_effect", {**request.params, "correction": last.correction})
        return request.claim(Outcome.RUN, [*states[:-1], last._replace(attempts=last.attempts + 1)])
    if action is ClaimAction.CORRECT:
        return await _claim_correction(ledger, request, last)
    if action is ClaimAction.UNCERTAIN and last.progress is not Progress.UNCERTAIN:
        await _close_effect(ledger, request, last, Progress.UNCERTAIN)
    return request.claim(Outcome(action.value), states)


async def _claim_correction(ledger: LedgerConnection, request: ClaimRequest, last: EffectState) -> Claim:
    progress = progress_after_correction(last)
    if progress is not last.progress:
        await _close_effect(ledger, request, last, progress)
    correction = last.correction + 1
    params = {**request.params, "correction": correction, "corrects": last.status}
    await ledger.execute("insert_effect", params)
    corrects = _corrected_state(last._replace(progress=progress))
    return Claim(Outcome.RUN, request.state, request.effect, request.promise, correction, corrects=corrects)


def _corrected_state(before: EffectState) -> Corrected:
    return Corrected(before.status, before.revision, before.correction, before.progress)


async def _close_effect(
    ledger: LedgerConnection, request: ClaimRequest, last: EffectState, progress: Progress
) -> None:
    params = {**request.params, "correction": last.correction, "progress": progress.value}
    await ledger.execute("close_effect", params)


def _claim_params(claim: Claim, now_us: int | None) -> dict[str, Any]:
    return {
        "tenant": claim.final_state.tenant,
        "call_id": claim.final_state.call_id,
        "effect": claim.effect,
        "correction": claim.correction,
        "attempt": claim.attempt,
        "now_us": now_us,
    }


async def finish_effect(ledger: LedgerConnection, claim: Claim, now_us: int | None) -> None:
    """Record the effect as done. Raises Overtaken if another process has the claim."""
    await _update_held_claim(ledger, "finish_effect", claim, _claim_params(claim, now_us))


async def extend_lease(ledger: LedgerConnection, claim: Claim, lease_us: int, now_us: int | None) -> None:
    """Extend the lease to `lease_us` from now. Raises Overtaken if another process has the claim."""
    params = {**_claim_params(claim, now_us), "lease_us": lease_us}
    await _update_held_claim(ledger, "extend_lease", claim, params)


async def fail_effect(
    ledger: LedgerConnection, claim: Claim, fault: BaseException, now_us: int | None
) -> None:
    """Record the exception of an effect. If another process has the claim, nothing is recorded."""
    progress = progress_after_failure(claim.promise, certainly_not_done=isinstance(fault, NotDone))
    reason = f"{type(fault).__name__}: {fault}".replace("\0", "")[:MAX_REASON_CHARS]
    params = {**_claim_params(claim, now_us), "progress": progress.value, "reason": reason}
    await ledger.execute("fail_effect", params)


async def _update_held_claim(
    ledger: LedgerConnection, name: str, claim: Claim, params: dict[str, Any]
) -> None:
    rows = await ledger.execute(name, params)
    if not rows:
        raise Overtaken(
            f"attempt {claim.attempt} at {claim.effect!r} of call {claim.final_state.call_id} took longer"
            " than its lease, and another process has claimed the effect, so it may have run twice. Use a"
            " longer lease, or extend it"
        )
