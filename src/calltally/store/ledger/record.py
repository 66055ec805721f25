"""Recording of facts: the only code that writes calls, one transaction per batch of facts."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from calltally.calls.events import Fact, IngestOutcome
from calltally.calls.fold import FoldedCall, fold
from calltally.calls.identity import call_uuid
from calltally.calls.model import FINAL, STATUSES, encode_body, record_body
from calltally.calls.sessions import FoldedSession, any_has_session, fold_sessions
from calltally.store.db.fact_codec import pack
from calltally.store.db.interface import Submission, SubmissionResult
from calltally.store.db.operation import Params, StatementMany, StoreOperation
from calltally.store.ledger.change_set import ChangeSet, StoredOutcome
from calltally.store.ledger.linked_calls import LinkedCall, StoredCall, gather
from calltally.store.ledger.outbox import CallChange
from calltally.store.ledger.session_rows import (
    PackedConversations,
    SessionState,
    fetch_conversations,
    folded_states,
    missing_turns,
    newly_evaluated,
    stored_states,
    transcript_of,
    turns_of,
)
from calltally.store.ledger.text_index import indexed_words, summary_of
from calltally.store.tenants.tenants import unknown_tenant

ERASED_REASON: Final = "the call was erased; new facts of it are refused"


def record(submissions: Sequence[Submission], now_us: int) -> StoreOperation[list[SubmissionResult]]:
    """Record facts of any number of tenants in one transaction.

    A separate statement locks the tenants' heads before anything is read (invariant 4). A call that several
    of the facts change has one new revision. Raises NotFound for an unknown tenant.
    """
    heads, epochs = yield from _lock_heads({submission.tenant for submission in submissions})
    linked_calls = yield from gather(submissions)
    changes = ChangeSet(heads, now_us, epochs)
    updates: dict[int, CallUpdate] = {}
    outcomes: list[tuple[CallUpdate | None, FactOutcome]] = []
    for submission, linked_call in zip(submissions, linked_calls, strict=True):
        if linked_call is None:
            outcomes.append((None, FactOutcome(IngestOutcome.REFUSED, ERASED_REASON)))
            continue
        call = updates.get(id(linked_call))
        if call is None:
            call = updates[id(linked_call)] = CallUpdate(linked_call)
        outcomes.append((call, call.apply(submission, changes)))
    yield from write_calls(list(updates.values()), changes)
    yield from changes.write()
    return [
        SubmissionResult(outcome, reason, call.id, call.revision, conflicting)
        if call
        else SubmissionResult(outcome, reason, None, None)
        for call, (outcome, reason, conflicting) in outcomes
    ]


def write_calls(calls: Sequence["CallUpdate"], changes: ChangeSet) -> StoreOperation[None]:
    """Write each call that changed; fetch earlier conversations of calls whose words change."""
    pack = yield from fetch_conversations([fact for call in calls for fact in call.missing_turns()])
    for call in calls:
        call.write_changes(changes, pack)


class FactOutcome(NamedTuple):
    """Outcome of one fact; `conflicting`: it contradicts other facts of the call."""

    outcome: IngestOutcome
    reason: str | None
    conflicting: bool = False


def _lock_heads(tenants: set[str]) -> StoreOperation[tuple[dict[str, int], dict[str, str]]]:
    rows = yield StatementMany("lock_heads", [{"tenant": tenant} for tenant in sorted(tenants)])
    heads = {row[0]: row[1] for row in rows}
    if missing := sorted(tenants - set(heads)):
        raise unknown_tenant(missing[0])
    return heads, {row[0]: row[2] for row in rows}


class CallUpdate:
    """Update of one call within a commit: folded after each fact, written once."""

    def __init__(self, linked_call: LinkedCall) -> None:
        self._linked_call = linked_call
        self._announce = False
        self._folded: FoldedCall | None = None
        self._body: bytes | None = None
        self._sessions: list[FoldedSession] = []
        self._states: dict[str, SessionState] = {}
        self.id = b""
        self.revision = 0
        if linked_call.facts:
            self.id = call_uuid(linked_call.tenant, linked_call.canonical().call_sid)
        stored = linked_call.calls.get(self.id)
        if stored is not None:
            self._body = record_body(stored.record)
            self._states = stored_states(linked_call, self.id)
            self.revision = stored.revision
        # The nodes of the call so far: its own, and the linked ones.
        self._nodes = {self.id} | {node for node, call_id in linked_call.linked.items() if call_id == self.id}

    def apply(self, submission: Submission, changes: ChangeSet) -> FactOutcome:
        linked_call, (tenant, fact, announce, ready) = self._linked_call, submission
        node, key = call_uuid(tenant, fact.call_sid), ready.key if ready else fact.key
        if (node, key) in linked_call.facts:
            changes.count_repeat(tenant, node, key)
            return FactOutcome(IngestOutcome.DUPLICATE, "already recorded")
        linked_call.facts[node, key] = fact
        conflicts = conflicts_in(self._body)
        has_new_sid = self._has_new_sid(fact)
        is_same = not self.refold() and not has_new_sid
        outcome, reason = (
            (IngestOutcome.IGNORED, "changes nothing") if is_same else (IngestOutcome.APPLIED, None)
        )
        # A fact without a change has no event, even together with an import that changed something.
        self._announce = self._announce or (announce and outcome is IngestOutcome.APPLIED)
        stored = StoredOutcome(fact.received_us, outcome.value, reason)
        changes.put_fact(tenant, node, ready or pack(fact, key), stored)
        return FactOutcome(outcome, reason, conflicts_in(self._body) > conflicts)

    def _has_new_sid(self, fact: Fact) -> bool:
        """Return whether a fact adds a SID to the call: a change even if the record stays the same."""
        sids = (fact.call_sid, *(link.call_sid for link in fact.links))
        before = len(self._nodes)
        self._nodes.update(call_uuid(self._linked_call.tenant, sid) for sid in sids)
        return len(self._nodes) > before

    def refold(self) -> bool:
        """Fold all facts; return whether the result has changed."""
        linked_call, before = self._linked_call, (self._body, self._states)
        canonical, facts = linked_call.canonical(), linked_call.facts.values()
        self._folded = fold(linked_call.tenant, canonical, facts)
        self.id = call_uuid(linked_call.tenant, canonical.call_sid)
        self._body = encode_body(self._folded.call)
        self._sessions = fold_sessions(self._folded, facts) if any_has_session(facts) else []
        self._states = folded_states(linked_call.tenant, self._sessions)
        return (self._body, self._states) != before

    def missing_turns(self) -> list[Params]:
        """Return the facts with earlier conversations, if the words of the call change."""
        is_needed = self._sessions and self._changes_words()
        return missing_turns(self._linked_call.tenant, self._sessions) if is_needed else []

    def _changes_words(self) -> bool:
        stored, folded = self._linked_call.calls.get(self.id), self._folded
        if folded is None:
            return False
        turns = turns_of(stored_states(self._linked_call, self.id))
        before = (None, ()) if stored is None else (summary_of(stored.record), turns)
        return before != (folded.call.summary, turns_of(self._states))

    def write_changes(self, changes: ChangeSet, pack: PackedConversations) -> None:
        """Write the result of the last fold, if it differs from the stored call."""
        linked_call, folded, body = self._linked_call, self._folded, self._body
        if folded is None or body is None:
            return
        for old in linked_call.calls.values():
            if old.id != self.id:
                changes.merge(old, self.id, has_sessions=bool(stored_states(linked_call, old.id)))
        has_new_sid = len(linked_call.sids) > 1 and changes.put_identities(linked_call, self.id)
        stored = linked_call.calls.get(self.id)
        states = stored_states(linked_call, self.id)
        is_same = stored is not None and (record_body(stored.record), states) == (body, self._states)
        if stored is not None and is_same and not has_new_sid:
            self.revision = stored.revision
            changes.remeasure(stored, folded)
            return
        self._write(changes, folded, body, stored, pack)

    def _write(
        self,
        changes: ChangeSet,
        folded: FoldedCall,
        body: bytes,
        stored: StoredCall | None,
        pack: PackedConversations,
    ) -> None:
        linked_call, sessions = self._linked_call, self._sessions
        tenant = linked_call.tenant
        self.revision = changes.put_call(tenant, self.id, body, folded, stored)
        before = stored_states(linked_call, self.id)
        for each in sessions:
            if before.get(each.session.id) != self._states[each.session.id]:
                changes.put_session(self.id, each, tenant, self.revision)
        if self._changes_words():
            spoken = transcript_of(linked_call, sessions, pack)
            words = indexed_words(tenant, folded.call.summary or "", spoken)
            changes.put_words(tenant, self.id, self.revision, words, is_new=stored is None)
        if self._announce:
            evaluated = newly_evaluated(linked_call, sessions)
            old = stored or self._merged_call()
            change = CallChange(folded, self.revision, old, [each.session for each in sessions], evaluated)
            changes.announce(tenant, change)

    def _merged_call(self) -> StoredCall | None:
        """Return the stored call that continues under the new id; of several, the most advanced."""
        calls = self._linked_call.calls.values()
        if not calls:
            return None
        furthest = max(calls, key=lambda call: (STATUSES[call.dimensions.status] in FINAL, call.revision))
        return furthest._replace(escalated=max(call.escalated for call in calls))


def conflicts_in(body: bytes | None) -> int:
    """Return the number of conflicts of a body: its last field."""
    return int(body[body.rindex(b":") + 1 :]) if body else 0
