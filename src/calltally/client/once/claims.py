"""How an effect is claimed, finished and failed, statement by statement. Each step is one transaction."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from calltally.client.once.decision import (
    Corrected,
    Known,
    Move,
    Outcome,
    Progress,
    Promise,
    Turn,
    choose,
    once_corrected,
    once_failed,
)
from calltally.client.once.errors import NotDone, OtherPromise, Overtaken
from calltally.client.once.final_state import FinalState
from calltally.client.once.sans_io import Statement, Step

LONGEST_REASON: Final = 500
_OUTCOMES: Final = {
    Move.REPEAT: Outcome.REPEAT,
    Move.STALE: Outcome.STALE,
    Move.BUSY: Outcome.BUSY,
    Move.UNCERTAIN: Outcome.UNCERTAIN,
}


class Wish(NamedTuple):
    """An effect that somebody would run for a final state; in the ledger's transaction without a lease."""

    told: FinalState
    effect: str
    promise: Promise
    now_us: int | None
    lease_us: int | None = None

    @property
    def params(self) -> dict[str, Any]:
        """What its statements need."""
        told = self.told
        return {
            "tenant": told.tenant,
            "call_id": told.call_id,
            "effect": self.effect,
            "call_sid": told.call_sid,
            "status": str(told.status),
            "revision": told.revision,
            "event_id": told.event_id,
            "told_us": told.told_us,
            "promise": self.promise.value,
            "progress": self._first_progress.value,
            "now_us": self.now_us,
            "lease_us": self.lease_us,
        }

    @property
    def _first_progress(self) -> Progress:
        # Inside the effect's own transaction nobody sees the claim before the effect.
        return Progress.DONE if self.promise is Promise.SAME_TRANSACTION else Progress.CLAIMED

    def turn(self, outcome: Outcome, known: Sequence[Known]) -> Turn:
        """The ledger's word on it, about the state in force."""
        last = known[-1]
        corrects = _corrected(known[-2]) if last.correction else None
        return Turn(outcome, self.told, self.effect, last.promise, last.correction, last.attempts, corrects)


def take(wish: Wish) -> Step[Turn]:
    """Claim the effect, or say why not. On PostgreSQL it waits for whoever is at the same call and effect."""
    params = wish.params
    if wish.told.event_id is not None:
        yield Statement("see_event", params)
    begun = yield Statement("begin_effect", {**params, "correction": 0, "corrects": None})
    if begun:
        return Turn(Outcome.RUN, wish.told, wish.effect, wish.promise)
    known = yield from read_call(params)
    move = choose(wish.told, known)
    yield from _note_revision(wish, known[-1])
    return (yield from _make(move, wish, known))


def read_call(params: dict[str, Any]) -> Step[list[Known]]:
    """What the ledger has of one effect of a call. Others are kept from it until the transaction ends."""
    yield Statement("lock_call", params)
    rows = yield Statement("read_call", params)
    return [
        Known(correction, status, revision, Promise(promise), Progress(progress), attempts, bool(is_over))
        for correction, status, revision, promise, progress, attempts, is_over in rows
    ]


def _note_revision(wish: Wish, last: Known) -> Step[None]:
    """The state in force was told again, by a later revision: what is older is stale from here on."""
    told = wish.told
    if (
        told.status == last.status
        and told.revision is not None
        and (last.revision is None or told.revision > last.revision)
    ):
        yield Statement("note_revision", {**wish.params, "correction": last.correction})


def _make(move: Move, wish: Wish, known: Sequence[Known]) -> Step[Turn]:
    last = known[-1]
    if move is Move.AGAIN:
        yield from _claim_again(wish, last)
        return wish.turn(Outcome.RUN, [*known[:-1], last._replace(attempts=last.attempts + 1)])
    if move is Move.CORRECT:
        return (yield from _correct(wish, last))
    if move is Move.UNCERTAIN and last.progress is not Progress.UNCERTAIN:
        yield from _close(wish, last, Progress.UNCERTAIN)
    return wish.turn(_OUTCOMES[move], known)


def _claim_again(wish: Wish, last: Known) -> Step[None]:
    if wish.promise is Promise.SAME_TRANSACTION:
        raise OtherPromise(
            f"{wish.effect!r} of call {wish.told.call_id} was begun {last.promise.replace('-', ' ')} and is "
            "not done; ask for it in the same way, or give this one another name"
        )
    yield Statement("claim_again", {**wish.params, "correction": last.correction})


def _correct(wish: Wish, last: Known) -> Step[Turn]:
    progress = once_corrected(last)
    if progress is not last.progress:
        yield from _close(wish, last, progress)
    correction = last.correction + 1
    yield Statement("begin_effect", {**wish.params, "correction": correction, "corrects": last.status})
    corrects = _corrected(last._replace(progress=progress))
    return Turn(Outcome.RUN, wish.told, wish.effect, wish.promise, correction, corrects=corrects)


def _corrected(before: Known) -> Corrected:
    return Corrected(before.status, before.revision, before.correction, before.progress)


def _close(wish: Wish, last: Known, progress: Progress) -> Step[None]:
    params = {**wish.params, "correction": last.correction, "progress": progress.value}
    yield Statement("close_effect", params)


def _holding(turn: Turn, now_us: int | None) -> dict[str, Any]:
    return {
        "tenant": turn.told.tenant,
        "call_id": turn.told.call_id,
        "effect": turn.effect,
        "correction": turn.correction,
        "attempt": turn.attempt,
        "now_us": now_us,
    }


def finish(turn: Turn, now_us: int | None) -> Step[None]:
    """The effect is done. Raises Overtaken where the claim is another's by now."""
    yield from _holding_on("finish_effect", turn, _holding(turn, now_us))


def extend(turn: Turn, lease_us: int, now_us: int | None) -> Step[None]:
    """Hold the claim for so long from now. Raises Overtaken where it is another's by now."""
    yield from _holding_on("extend_lease", turn, {**_holding(turn, now_us), "lease_us": lease_us})


def fail(turn: Turn, fault: BaseException, now_us: int | None) -> Step[None]:
    """The effect ended in an exception. Of a claim that is another's by now there is nothing to say."""
    progress = once_failed(turn.promise, certainly_not_done=isinstance(fault, NotDone))
    said = f"{type(fault).__name__}: {fault}".replace("\0", "")[:LONGEST_REASON]
    yield Statement("fail_effect", {**_holding(turn, now_us), "progress": progress.value, "reason": said})


def _holding_on(name: str, turn: Turn, params: dict[str, Any]) -> Step[None]:
    rows = yield Statement(name, params)
    if not rows:
        raise Overtaken(
            f"attempt {turn.attempt} at {turn.effect!r} of call {turn.told.call_id} took longer than its "
            "lease, and the effect is another's by now: it may have been run twice. Give it a longer lease, "
            "or extend it"
        )
