"""The ledger: the only code that writes a call. Facts in, one transaction, the record out."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from calltally.calls.errors import NotFound
from calltally.calls.events import Fact, IngestOutcome
from calltally.calls.identity import call_uuid
from calltally.calls.lifecycle import FoldedCall, fold
from calltally.calls.model import FINAL, STATUSES, encode_body, record_body
from calltally.calls.sessions import FoldedSession, any_has_session, fold_sessions
from calltally.store.db.fact_codec import pack
from calltally.store.db.interface import Submission, SubmissionResult
from calltally.store.db.operation import Params, StatementMany, StoreOperation
from calltally.store.ledger.change_set import Changes
from calltally.store.ledger.linked_calls import Component, FactKey, StoredCall, gather
from calltally.store.ledger.outbox import Change
from calltally.store.ledger.session_rows import (
    Packed,
    State,
    fetch_packed,
    folded_states,
    missing_turns,
    newly_evaluated,
    spoken_by,
    stored_states,
    turns_of,
)
from calltally.store.ledger.text_index import indexed_words, summary_of

FORGOTTEN: Final = "the call was erased; nothing of it is kept again"


def record(submissions: Sequence[Submission], now_us: int) -> StoreOperation[list[SubmissionResult]]:
    """Record facts, of any number of tenants, as one transaction.

    The tenants' heads are locked by a statement of its own before anything is read (invariant 4).
    A call that several of the facts change has one new revision. Raises NotFound for a tenant that
    does not exist.
    """
    heads, epochs = yield from _lock_heads({submission.tenant for submission in submissions})
    components = yield from gather(submissions)
    changes = Changes(heads, now_us, epochs)
    work: dict[int, CallInHand] = {}
    told = [
        tell(submission, component, work, changes)
        for submission, component in zip(submissions, components, strict=True)
    ]
    yield from settle_all(list(work.values()), changes)
    yield from changes.write()
    return [recorded(call, each) for call, each in told]


def tell(
    submission: Submission, component: Component | None, work: dict[int, "CallInHand"], changes: Changes
) -> tuple["CallInHand | None", "Told"]:
    """Take one fact in; `work` has the calls in hand by the identity of their components."""
    if component is None:
        return None, Told(IngestOutcome.REFUSED, FORGOTTEN)
    call = work.get(id(component))
    if call is None:
        call = work[id(component)] = CallInHand(component)
    return call, call.tell(submission, changes)


def settle_all(calls: Sequence["CallInHand"], changes: Changes) -> StoreOperation[None]:
    """Write each call that changed; what was said before is fetched where a call's words change."""
    pack = yield from fetch_packed([asked for call in calls for asked in call.missing_turns()])
    for call in calls:
        call.settle(changes, pack)


class Told(NamedTuple):
    """What became of one fact, and whether it contradicts the others."""

    outcome: IngestOutcome
    reason: str | None
    conflicting: bool = False


def recorded(call: "CallInHand | None", told: Told) -> SubmissionResult:
    """What is said of one fact, once its call is settled."""
    outcome, reason, conflicting = told
    return SubmissionResult(
        outcome, reason, call.id if call else None, call.revision if call else None, conflicting
    )


def _lock_heads(tenants: set[str]) -> StoreOperation[tuple[dict[str, int], dict[str, str]]]:
    """The revision and the epoch of each ledger."""
    rows = yield StatementMany("lock_heads", [{"tenant": tenant} for tenant in sorted(tenants)])
    heads = {row[0]: row[1] for row in rows}
    if missing := sorted(tenants - set(heads)):
        message = f"there is no tenant {missing[0]!r}; make it with `calltally tenant add`"
        raise NotFound(message)
    return heads, {row[0]: row[2] for row in rows}


class CallInHand:
    """One call in the hands of a commit: folded after each fact, written once."""

    def __init__(self, component: Component) -> None:
        self._component = component
        self._announce = False
        self._folded: FoldedCall | None = None
        self._body: bytes | None = None
        self._sessions: list[FoldedSession] = []
        self._states: dict[str, State] = {}
        self.id = b""
        self.revision = 0
        self._refer_to_stored()
        # The SIDs that lead to it so far: its own, and those that were linked.
        self._nodes = {self.id} | {node for node, call_id in component.linked.items() if call_id == self.id}

    def _refer_to_stored(self) -> None:
        component = self._component
        if component.facts:
            self.id = call_uuid(component.tenant, component.canonical().call_sid)
        stored = component.calls.get(self.id)
        if stored is not None:
            self._body = record_body(stored.record)
            self._states = stored_states(component, self.id)
            self.revision = stored.revision

    def tell(self, submission: Submission, changes: Changes) -> Told:
        """Take one fact in; say what became of it."""
        component, (tenant, fact, announce, ready) = self._component, submission
        node, key = call_uuid(tenant, fact.call_sid), ready.key if ready else fact.key
        if (node, key) in component.facts:
            changes.count_repeat(tenant, node, key)
            return Told(IngestOutcome.DUPLICATE, "already recorded")
        component.facts[node, key] = fact
        conflicts = conflicts_in(self._body)
        is_led_anew = self._is_led_anew_by(fact)
        is_same = not self.refold() and not is_led_anew
        outcome, reason = (
            (IngestOutcome.IGNORED, "says nothing new") if is_same else (IngestOutcome.APPLIED, None)
        )
        # What changed nothing is no news, even beside an import that changed something.
        self._announce = self._announce or (announce and outcome is IngestOutcome.APPLIED)
        told = (fact.received_us, outcome.value, reason)
        changes.put_fact((tenant, node), ready or pack(fact, key), told)
        return Told(outcome, reason, conflicts_in(self._body) > conflicts)

    def _is_led_anew_by(self, fact: Fact) -> bool:
        """Whether a SID leads to it from now on: news even where the record stays."""
        sids = (fact.call_sid, *(link.call_sid for link in fact.links))
        before = len(self._nodes)
        self._nodes.update(call_uuid(self._component.tenant, sid) for sid in sids)
        return len(self._nodes) > before

    def refold(self) -> bool:
        """Fold all that is known; whether that gives something else than before."""
        component, before = self._component, (self._body, self._states)
        canonical, facts = component.canonical(), component.facts.values()
        self._folded = fold(component.tenant, canonical, facts)
        self.id = call_uuid(component.tenant, canonical.call_sid)
        self._body = encode_body(self._folded.call)
        self._sessions = fold_sessions(self._folded, facts) if any_has_session(facts) else []
        self._states = folded_states(component.tenant, self._sessions)
        return (self._body, self._states) != before

    def missing_turns(self) -> list[Params]:
        """What was said before, where the words that the call is found by change."""
        is_asked = self._sessions and self._moves_words()
        return missing_turns(self._component.tenant, self._sessions) if is_asked else []

    def _moves_words(self) -> bool:
        stored, folded = self._component.calls.get(self.id), self._folded
        if folded is None:
            return False
        before = (None, ()) if stored is None else (summary_of(stored.record), self._stored_turns())
        return before != (folded.call.summary, turns_of(self._states))

    def _stored_turns(self) -> tuple[FactKey, ...]:
        return turns_of(stored_states(self._component, self.id))

    def settle(self, changes: Changes, pack: Packed) -> None:
        """Write the call as the last fold left it, if that is not what is stored."""
        component, folded, body = self._component, self._folded, self._body
        if folded is None or body is None:
            return
        for old in component.calls.values():
            if old.id != self.id:
                has_sessions = bool(stored_states(component, old.id))
                changes.replace(old, self.id, has_sessions=has_sessions)
        is_led_anew = len(component.sids) > 1 and changes.put_identities(component, self.id)
        stored = component.calls.get(self.id)
        if stored is not None and not is_led_anew and self._is_as_stored(stored, body):
            self.revision = stored.revision
            changes.remeasure(stored, folded)
            return
        self._write(changes, (folded, body), stored, pack)

    def _is_as_stored(self, stored: StoredCall, body: bytes) -> bool:
        stands = (record_body(stored.record), stored_states(self._component, self.id))
        return stands == (body, self._states)

    def _write(
        self, changes: Changes, last: tuple[FoldedCall, bytes], stored: StoredCall | None, pack: Packed
    ) -> None:
        component, sessions, (folded, body) = self._component, self._sessions, last
        tenant = component.tenant
        self.revision = changes.put_call(tenant, self.id, body, folded, stored)
        before = stored_states(component, self.id)
        for each in sessions:
            if before.get(each.session.id) != self._states[each.session.id]:
                changes.put_session(self.id, each, tenant, self.revision)
        if self._moves_words():
            spoken = spoken_by(component, sessions, pack)
            words = indexed_words(tenant, folded.call.summary or "", spoken)
            changes.put_words((tenant, self.id, self.revision), words, is_new=stored is None)
        if self._announce:
            evaluated = newly_evaluated(component, sessions)
            told = [each.session for each in sessions]
            old = stored or self._known_otherwise()
            changes.announce(tenant, Change(folded, self.revision, old, told, evaluated))

    def _known_otherwise(self) -> StoredCall | None:
        """What was told of a call that lives on under another id: of several, the furthest on."""
        calls = self._component.calls.values()
        if not calls:
            return None
        furthest = max(calls, key=lambda call: (STATUSES[call.place.status] in FINAL, call.revision))
        return furthest._replace(escalated=max(call.escalated for call in calls))


def conflicts_in(body: bytes | None) -> int:
    """How many conflicts a body tells: its last field."""
    return int(body[body.rindex(b":") + 1 :]) if body else 0
