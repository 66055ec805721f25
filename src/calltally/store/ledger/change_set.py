"""Rows and counters of one commit: collected, then written with one statement per table."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from calltally.calls.alert_counts import alert_counts_of_call
from calltally.calls.fold import FoldedCall
from calltally.calls.measures import encode_measures
from calltally.calls.model import finish_record
from calltally.calls.sessions import FoldedSession
from calltally.store.db.fact_codec import PackedFact, body_codec
from calltally.store.db.operation import Params, ParamsTable, Row, StatementMany, StoreOperation
from calltally.store.ledger.linked_calls import LinkedCall, StoredCall
from calltally.store.ledger.outbox import CallChange, CommitInstant, events_of_change
from calltally.store.ledger.session_rows import session_row
from calltally.store.ledger.sqlite_rowids import segment_of
from calltally.store.ledger.text_index import summary_of
from calltally.store.rollups.alert_steps import StepDeltas, alert_counts_of_stored
from calltally.store.rollups.call_counters import CallDimensions, CounterDeltas, counter_statements
from calltally.store.rollups.quality_rows import MeasuredCall, QualityDeltas

_SEALED: Final = ("revision", "updated_us", "record", "measured")
_VALID: Final = ("valid_from", "valid_to")
_PARTIES: Final = ("escalated", "from_number", "to_number", "parent_call_sid")
_FACTS: Final = (
    *("tenant", "node", "key", "received_us", "outcome", "reason", "repeats", "content", "raw", "revision"),
    "conversation",
)
# Columns of the most frequent rows, in the order in which the statements name them.
_NAMES: Final = {
    "put_calls": ("segment", "tenant", "id", "call_sid", *CallDimensions._fields[1:], *_PARTIES, *_SEALED),
    "move_calls": ("status", *_SEALED, "tenant", "id"),
    "put_outbox": (
        *("tenant", "revision", "event", "event_id", "call_id", "created_us", "body"),
        *("direction", "route", "agent"),
    ),
    "put_versions": (
        *CallDimensions._fields[:2],
        "id",
        *_VALID,
        *CallDimensions._fields[2:],
        *_PARTIES,
        "updated_us",
    ),
}


class StoredOutcome(NamedTuple):
    """Columns of a fact's row: when it was received, its outcome, and the reason for it."""

    received_us: int
    outcome: str
    reason: str | None


class ChangeSet:
    """Rows of one commit over any number of tenants. Only a commit with events needs `epochs`."""

    def __init__(self, heads: dict[str, int], now_us: int, epochs: Mapping[str, str] | None = None) -> None:
        self._epochs = epochs or {}
        self.heads = heads
        self._before = dict(heads)
        self._now_us = now_us
        self.call_counters = CounterDeltas()
        self._steps = StepDeltas()
        self.quality = QualityDeltas()
        self._rows: dict[str, list[Params]] = {}
        self._tuples: dict[str, list[Row]] = {}
        self._facts: dict[tuple[str, bytes, bytes], tuple[StoredOutcome, PackedFact]] = {}
        self._repeats: dict[tuple[str, bytes, bytes], int] = {}

    def put_fact(self, tenant: str, node: bytes, fact: PackedFact, outcome: StoredOutcome) -> None:
        self._facts[tenant, node, fact.key] = outcome, fact

    def count_repeat(self, tenant: str, node: bytes, key: bytes) -> None:
        """Count a repeated fact, whether an earlier commit or this one recorded it."""
        row = (tenant, node, key)
        if row in self._facts:
            self._repeats[row] = self._repeats.get(row, 0) + 1
        else:
            self.put("count_repeats", tenant=tenant, node=node, key=key)

    def put_identities(self, component: LinkedCall, call_id: bytes) -> bool:
        """Store the call of each linked SID permanently; return whether a SID is new to the call."""
        new = [node for node in component.sids if component.linked.get(node) != call_id]
        for node in new:
            row = {"tenant": component.tenant, "node": node, "call_sid": component.sids[node], "id": call_id}
            self.put("put_identities", **row)
        return bool(new)

    def merge(self, old: StoredCall, merged_into: bytes, *, has_sessions: bool) -> None:
        """Remove a call that was merged into another: a tombstone takes a revision."""
        self.call_counters.add(old.dimensions, -1)
        self.quality.remove(old.dimensions, old.measured)
        revision = self.end_call(old, "merged", merged_into)
        if has_sessions:
            self.put("drop_sessions", tenant=old.dimensions.tenant, id=old.id)
        if has_sessions or summary_of(old.record):
            self.put("end_texts", tenant=old.dimensions.tenant, id=old.id, revision=revision)

    def end_call(self, old: StoredCall, reason: str, merged_into: bytes | None) -> int:
        """Replace the call by a tombstone and return its revision. The caller updates the totals."""
        tenant = old.dimensions.tenant
        self._steps.move(tenant, alert_counts_of_stored(old.record, old.measured), ())
        revision = self._next_revision(tenant)
        self._supersede(old, revision)
        self.put("drop_calls", tenant=tenant, id=old.id)
        ending = {"reason": reason, "merged_into": merged_into, "created_us": self._now_us}
        self.put("put_tombstones", tenant=tenant, revision=revision, id=old.id, **ending)
        return revision

    def put_call(
        self, tenant: str, call_id: bytes, body: bytes, folded: FoldedCall, old: StoredCall | None
    ) -> int:
        revision = self._next_revision(tenant)
        if old is not None:
            self._supersede(old, revision)
        call, dimensions = folded.call, CallDimensions.of(tenant, folded)
        # Unchanged dimensions change no counter; only then may the row of a bucket stay as it is.
        if old is None or old.dimensions != dimensions:
            self.call_counters.add(dimensions, 1)
            if old is not None:
                self.call_counters.add(old.dimensions, -1)
        counted = alert_counts_of_stored(old.record, old.measured) if old is not None else ()
        self._steps.move(tenant, counted, alert_counts_of_call(call, knows_transfers=folded.knows_transfers))
        measured = encode_measures(folded)
        before = MeasuredCall(old.dimensions, old.measured) if old is not None else None
        self.quality.move(before, MeasuredCall(dimensions, measured))
        sealed = (revision, self._now_us, finish_record(body, revision, self._now_us), measured)
        parties = (int(call.escalated), call.from_number, call.to_number, call.parent_call_sid)
        if old is not None and _only_status_changes(old, dimensions, parties):
            self._put_row("move_calls", (dimensions.status, *sealed, tenant, call_id))
        else:
            named = (segment_of(tenant, dimensions.created_us), tenant, call_id, call.call_sid)
            self._put_row("put_calls", (*named, *dimensions[1:], *parties, *sealed))
        return revision

    def remeasure(self, old: StoredCall, folded: FoldedCall) -> None:
        """Update measures that changed although the record did not; this takes no revision."""
        if old.parent_call_sid != folded.call.parent_call_sid:
            self._put_parent(old, folded.call.parent_call_sid)
        measured = encode_measures(folded)
        if measured != old.measured:
            before = MeasuredCall(old.dimensions, old.measured)
            self.quality.move(before, before._replace(measured=measured))
            counted, recounted = (
                alert_counts_of_stored(old.record, each) for each in (old.measured, measured)
            )
            self._steps.move(old.dimensions.tenant, counted, recounted)
            row = {"id": old.id, "measured": measured, "revision": old.revision}
            self.put("remeasure_calls", tenant=old.dimensions.tenant, **row)

    def _put_parent(self, old: StoredCall, parent_call_sid: str | None) -> None:
        """Store the parent that a release without this column left out; cached totals of legs end."""
        tenant = old.dimensions.tenant
        self.put("put_parents", tenant=tenant, id=old.id, parent_call_sid=parent_call_sid)
        self.put("add_erasures", tenant=tenant, erased=1)

    def put_words(self, tenant: str, call_id: bytes, revision: int, words: str, *, is_new: bool) -> None:
        """Set the words of a call from a revision on; older snapshots keep the earlier words."""
        if not is_new:
            self.put("end_texts", tenant=tenant, id=call_id, revision=revision)
        if words:
            self.put("put_texts", tenant=tenant, id=call_id, valid_from=revision, words=words)

    def put_session(self, call_id: bytes, folded: FoldedSession, tenant: str, revision: int) -> None:
        self.put("put_sessions", id=call_id, **session_row(tenant, folded, (revision, self._now_us)))

    def announce(self, tenant: str, change: CallChange) -> None:
        """Add the events of a change to the outbox, with their final bytes."""
        call, revision = change.folded.call, change.revision
        at = CommitInstant(tenant, self._epochs[tenant], revision, self._now_us)
        for event in events_of_change(at, change):
            named = (tenant, revision, event.name, event.id, event.call_id)
            frozen = (self._now_us, body_codec.compress(event.body))
            self._put_row("put_outbox", (*named, *frozen, call.direction, call.route, call.agent))

    def write(self) -> StoreOperation[None]:
        if self._facts:
            rows = [
                (*key, *outcome, self._repeats.get(key, 0), *fact[1:3], self.heads[key[0]], fact.conversation)
                for key, (outcome, fact) in self._facts.items()
            ]
            yield StatementMany("put_facts", ParamsTable(_FACTS, rows))
        for name, tuples in self._tuples.items():
            yield StatementMany(name, ParamsTable(_NAMES[name], tuples))
        for name, named_rows in self._rows.items():
            yield StatementMany(name, named_rows)
        if counted := self.call_counters.rows():
            yield from counter_statements(counted, self.heads)
        yield from self._steps.statements()
        yield from self.quality.write()
        moved = [{"tenant": t, "revision": r} for t, r in sorted(self.heads.items()) if r != self._before[t]]
        if moved:
            yield StatementMany("move_heads", moved)

    def _next_revision(self, tenant: str) -> int:
        self.heads[tenant] += 1
        return self.heads[tenant]

    def _supersede(self, old: StoredCall, revision: int) -> None:
        tenant, created_us, *rest = old.dimensions
        row = (tenant, created_us, old.id, old.revision, revision, *rest)
        # Empty for a call without a parent. Null is a version of a release that did not record it.
        parties = (old.escalated, old.from_number, old.to_number, old.parent_call_sid or "")
        self._put_row("put_versions", (*row, *parties, old.updated_us))

    def put(self, name: str, **row: object) -> None:
        self._rows.setdefault(name, []).append(row)

    def _put_row(self, name: str, row: Row) -> None:
        """Add a row of a statement in `_NAMES`."""
        self._tuples.setdefault(name, []).append(row)


def _only_status_changes(old: StoredCall, dimensions: CallDimensions, parties: Row) -> bool:
    """Return whether only the status changes: then most indexes stay as they are, half of the cost."""
    before = (*old.dimensions[:2], *old.dimensions[3:], *old[2:6])
    return before == (*dimensions[:2], *dimensions[3:], *parties)
