"""What one commit writes, gathered row by row and then said in one statement a table."""

from collections.abc import Iterator, Mapping
from typing import Final

from calltally.calls.alert_counts import alert_counts_of_call, alert_counts_of_record
from calltally.calls.lifecycle import FoldedCall
from calltally.calls.measures import encode_measures
from calltally.calls.model import finish_record
from calltally.calls.sessions import FoldedSession
from calltally.store.db.fact_codec import PackedFact, body_codec
from calltally.store.db.operation import Params, ParamsTable, Row, StatementMany, StoreOperation
from calltally.store.ledger.linked_calls import Component, StoredCall
from calltally.store.ledger.outbox import Change, Instant, announce
from calltally.store.ledger.session_rows import session_row
from calltally.store.ledger.sqlite_rowids import segment_of
from calltally.store.ledger.text_index import summary_of
from calltally.store.rollups.alert_steps import StepDeltas
from calltally.store.rollups.call_counters import Deltas, Place, statements
from calltally.store.rollups.quality_rows import QualityDeltas

_SEALED: Final = ("revision", "updated_us", "record", "measured")
_VALID: Final = ("valid_from", "valid_to")
_PARTIES: Final = ("escalated", "from_number", "to_number")
_FACTS: Final = (
    *("tenant", "node", "key", "received_us", "outcome", "reason", "repeats", "content", "raw", "revision"),
    "conversation",
)
# Of the rows that are most, the columns in the order in which the statements name them.
_NAMES: Final = {
    "put_calls": ("segment", "tenant", "id", "call_sid", *Place._fields[1:], *_PARTIES, *_SEALED),
    "move_calls": ("status", *_SEALED, "tenant", "id"),
    "put_outbox": (
        *("tenant", "revision", "event", "event_id", "call_id", "created_us", "body"),
        *("direction", "route", "agent"),
    ),
    "put_versions": (*Place._fields[:2], "id", *_VALID, *Place._fields[2:], *_PARTIES, "updated_us"),
}


class Changes:
    """The rows of one commit over any number of tenants, whose heads it moves.

    `epochs` are those of their ledgers; a commit that announces nothing needs none.
    """

    def __init__(self, heads: dict[str, int], now_us: int, epochs: Mapping[str, str] | None = None) -> None:
        self._epochs = epochs or {}
        self.heads = heads
        self._before = dict(heads)
        self._now_us = now_us
        self._deltas = Deltas()
        self._steps = StepDeltas()
        self._quality = QualityDeltas()
        self._rows: dict[str, list[Params]] = {}
        self._tuples: dict[str, list[Row]] = {}
        self._facts: dict[tuple[str, bytes, bytes], tuple[tuple[int, str, str | None], PackedFact]] = {}
        self._repeats: dict[tuple[str, bytes, bytes], int] = {}

    def put_fact(self, place: tuple[str, bytes], fact: PackedFact, told: tuple[int, str, str | None]) -> None:
        """A fact that is new to its call, of a tenant and node: when it came, what became of it and why."""
        self._facts[(*place, fact.key)] = told, fact

    def count_repeat(self, tenant: str, node: bytes, key: bytes) -> None:
        """A fact that was told before, in an earlier commit or in this one."""
        place = (tenant, node, key)
        if place in self._facts:
            self._repeats[place] = self._repeats.get(place, 0) + 1
        else:
            self._put("count_repeats", tenant=tenant, node=node, key=key)

    def put_identities(self, component: Component, call_id: bytes) -> bool:
        """Linked SIDs lead to their call for life. Whether some do that did not."""
        new = [node for node in component.sids if component.linked.get(node) != call_id]
        for node in new:
            named = {"tenant": component.tenant, "node": node, "call_sid": component.sids[node]}
            self._put("put_identities", **named, id=call_id)
        return bool(new)

    def replace(self, old: StoredCall, merged_into: bytes, *, has_sessions: bool) -> None:
        """A call whose id stopped being one: it leaves the list, and a tombstone takes a revision."""
        self._deltas.add(old.place, -1)
        self._quality.take_out(old.place, old.measured)
        revision = self._end(old, "merged", merged_into)
        if has_sessions:
            self._put("drop_sessions", tenant=old.place.tenant, id=old.id)
        if has_sessions or summary_of(old.record):
            self._put("end_texts", tenant=old.place.tenant, id=old.id, revision=revision)

    def erase(self, old: StoredCall, reason: str) -> int:
        """A call that is to be forgotten: of its last version its place in the list stays for a while.

        The roll-ups keep its numbers, and how many they are of such calls.
        """
        self._deltas.add(old.place, -1)
        self._quality.erase(old.place, old.measured)
        return self._end(old._replace(from_number=None, to_number=None), reason, None)

    def put(self, name: str, **row: object) -> None:
        """One more row for the statement of that name."""
        self._put(name, **row)

    def _end(self, old: StoredCall, reason: str, merged_into: bytes | None) -> int:
        tenant = old.place.tenant
        self._steps.move(tenant, alert_counts_of_record(old.record), ())
        revision = self._next_revision(tenant)
        self._supersede(old, revision)
        self._put("drop_calls", tenant=tenant, id=old.id)
        said = {"reason": reason, "merged_into": merged_into, "created_us": self._now_us}
        self._put("put_tombstones", tenant=tenant, revision=revision, id=old.id, **said)
        return revision

    def put_call(
        self, tenant: str, call_id: bytes, body: bytes, folded: FoldedCall, old: StoredCall | None
    ) -> int:
        """A new or changed call; returns the revision that shows it."""
        revision = self._next_revision(tenant)
        if old is not None:
            self._supersede(old, revision)
        call, place = folded.call, Place.of(tenant, folded)
        # What stays in its place moves no counter: only then may a bucket's row be left alone.
        if old is None or old.place != place:
            self._deltas.add(place, 1)
            if old is not None:
                self._deltas.add(old.place, -1)
        self._steps.move(
            tenant, alert_counts_of_record(old.record) if old is not None else (), alert_counts_of_call(call)
        )
        measured = encode_measures(folded)
        self._quality.move(old and (old.place, old.measured), (place, measured))
        sealed = (revision, self._now_us, finish_record(body, revision, self._now_us), measured)
        parties = (int(call.escalated), call.from_number, call.to_number)
        if old is not None and _stays(old, place, parties):
            self._put_row("move_calls", (place.status, *sealed, tenant, call_id))
        else:
            named = (segment_of(tenant, place.created_us), tenant, call_id, call.call_sid)
            self._put_row("put_calls", (*named, *place[1:], *parties, *sealed))
        return revision

    def remeasure(self, old: StoredCall, folded: FoldedCall) -> None:
        """What is in no field of the record may change where the record does not: no revision tells of it."""
        measured = encode_measures(folded)
        if measured != old.measured:
            self._quality.move((old.place, old.measured), (old.place, measured))
            row = {"id": old.id, "measured": measured, "revision": old.revision}
            self._put("remeasure_calls", tenant=old.place.tenant, **row)

    def put_words(self, place: tuple[str, bytes, int], words: str, *, is_new: bool) -> None:
        """What a call of a tenant is found by from a revision on; what it was stays for older snapshots."""
        tenant, call_id, revision = place
        if not is_new:
            self._put("end_texts", tenant=tenant, id=call_id, revision=revision)
        if words:
            self._put("put_texts", tenant=tenant, id=call_id, valid_from=revision, words=words)

    def put_session(self, call_id: bytes, folded: FoldedSession, tenant: str, revision: int) -> None:
        """A new or changed session of a call, sealed with the call's revision."""
        self._put("put_sessions", id=call_id, **session_row(tenant, folded, (revision, self._now_us)))

    def announce(self, tenant: str, change: Change) -> None:
        """Freeze the events that this change is to the tenant's endpoints."""
        call, revision = change.folded.call, change.revision
        at = Instant(tenant, self._epochs[tenant], revision, self._now_us)
        for event in announce(at, change):
            named = (tenant, revision, event.name, event.id, event.call_id)
            frozen = (self._now_us, body_codec.compress(event.body))
            self._put_row("put_outbox", (*named, *frozen, call.direction, call.route, call.agent))

    def write(self) -> StoreOperation[None]:
        """Say it all to the database."""
        if self._facts:
            yield StatementMany("put_facts", ParamsTable(_FACTS, list(self._fact_rows())))
        for name, tuples in self._tuples.items():
            yield StatementMany(name, ParamsTable(_NAMES[name], tuples))
        for name, rows in self._rows.items():
            yield StatementMany(name, rows)
        if counted := self._deltas.rows():
            yield from statements(counted, self.heads)
        yield from self._steps.statements()
        yield from self._quality.write()
        moved = [{"tenant": t, "revision": r} for t, r in sorted(self.heads.items()) if r != self._before[t]]
        if moved:
            yield StatementMany("move_heads", moved)

    def _fact_rows(self) -> Iterator[Row]:
        for place, (told, fact) in self._facts.items():
            kept = (fact.content, fact.raw, self.heads[place[0]], fact.conversation)
            yield (*place, *told, self._repeats.get(place, 0), *kept)

    def _next_revision(self, tenant: str) -> int:
        self.heads[tenant] += 1
        return self.heads[tenant]

    def _supersede(self, old: StoredCall, revision: int) -> None:
        tenant, created_us, *rest = old.place
        row = (tenant, created_us, old.id, old.revision, revision, *rest)
        self._put_row("put_versions", (*row, old.escalated, old.from_number, old.to_number, old.updated_us))

    def _put(self, name: str, **row: object) -> None:
        self._rows.setdefault(name, []).append(row)

    def _put_row(self, name: str, row: Row) -> None:
        """The same of a table in `_NAMES`."""
        self._tuples.setdefault(name, []).append(row)


def _stays(old: StoredCall, place: Place, parties: tuple[int, str | None, str | None]) -> bool:
    """Whether only the state moves: then most indexes need not be written, which is half of the cost."""
    return (*old.place[:2], *old.place[3:], *old[2:5]) == (*place[:2], *place[3:], *parties)
