"""The ledger: the only code that writes a call. Facts in, one transaction, the record out."""

from collections.abc import Sequence
from typing import Final

from calltally.calls.errors import NotFound
from calltally.calls.events import Fact, Outcome
from calltally.calls.identity import call_uuid
from calltally.calls.lifecycle import Folded, fold
from calltally.calls.model import FINAL, STATUSES, encode_body, unseal
from calltally.store.changes import Changes
from calltally.store.components import Component, StoredCall, gather
from calltally.store.content import bodies, pack_fact
from calltally.store.steps import Many, Step
from calltally.store.store import Recorded, Submission

FORGOTTEN: Final = "the call was erased; nothing of it is kept again"


def record(submissions: Sequence[Submission], now_us: int) -> Step[list[Recorded]]:
    """Record facts, of any number of tenants, as one transaction.

    The tenants' heads are locked by a statement of its own before anything is read (invariant 4).
    A call that several of the facts change has one new revision. Raises NotFound for a tenant that
    does not exist.
    """
    heads, epochs = yield from _lock_heads({submission.tenant for submission in submissions})
    components = yield from gather(submissions)
    changes = Changes(heads, now_us, epochs)
    work: dict[int, _Call] = {}
    told: list[tuple[_Call | None, tuple[Outcome, str | None]]] = []
    for submission, component in zip(submissions, components, strict=True):
        if component is None:
            told.append((None, (Outcome.REFUSED, FORGOTTEN)))
            continue
        call = work.setdefault(id(component), _Call(component))
        told.append((call, call.tell(submission, changes)))
    for call in work.values():
        call.settle(changes)
    yield from changes.write()
    return [_recorded(call, outcome, reason) for call, (outcome, reason) in told]


def _recorded(call: "_Call | None", outcome: Outcome, reason: str | None) -> Recorded:
    return Recorded(outcome, reason, call.id if call else None, call.revision if call else None)


def _lock_heads(tenants: set[str]) -> Step[tuple[dict[str, int], dict[str, str]]]:
    """The revision and the epoch of each ledger."""
    rows = yield Many("lock_heads", [{"tenant": tenant} for tenant in sorted(tenants)])
    heads = {row[0]: row[1] for row in rows}
    if missing := sorted(tenants - set(heads)):
        message = f"there is no tenant {missing[0]!r}; make it with `calltally tenant add`"
        raise NotFound(message)
    return heads, {row[0]: row[2] for row in rows}


class _Call:
    """One call in the hands of a commit: folded after each fact, written once."""

    def __init__(self, component: Component) -> None:
        self._component = component
        self._announce = False
        self._folded: Folded | None = None
        self._body: bytes | None = None
        self.id = b""
        self.revision = 0
        self._refer_to_stored()

    def _refer_to_stored(self) -> None:
        component = self._component
        if component.facts:
            self.id = call_uuid(component.tenant, component.canonical().call_sid)
        stored = component.calls.get(self.id)
        if stored is not None:
            self._body = unseal(stored.record)
            self.revision = stored.revision

    def tell(self, submission: Submission, changes: Changes) -> tuple[Outcome, str | None]:
        """Take one fact in; say what became of it."""
        component, (tenant, fact, announce) = self._component, submission
        node, key = call_uuid(tenant, fact.call_sid), fact.key
        if (node, key) in component.facts:
            changes.count_repeat(tenant, node, key)
            return Outcome.DUPLICATE, "already recorded"
        component.facts[node, key] = fact
        outcome, reason = self._refold()
        # What changed nothing is no news, even beside an import that changed something.
        self._announce = self._announce or (announce and outcome is Outcome.APPLIED)
        changes.put_fact(tenant, node, _fact_row(key, fact, outcome, reason))
        return outcome, reason

    def _refold(self) -> tuple[Outcome, str | None]:
        component = self._component
        canonical = component.canonical()
        self._folded = fold(component.tenant, canonical, component.facts.values())
        self.id = call_uuid(component.tenant, canonical.call_sid)
        before, self._body = self._body, encode_body(self._folded.call)
        return (Outcome.IGNORED, "says nothing new") if self._body == before else (Outcome.APPLIED, None)

    def settle(self, changes: Changes) -> None:
        """Write the call as the last fold left it, if that is not what is stored."""
        component, folded, body = self._component, self._folded, self._body
        if folded is None or body is None:
            return
        for old in component.calls.values():
            if old.id != self.id:
                changes.replace(old, self.id)
        if len(component.sids) > 1:
            changes.put_identities(component, self.id)
        stored = component.calls.get(self.id)
        if stored is not None and unseal(stored.record) == body:
            self.revision = stored.revision
            changes.remeasure(stored, folded)
            return
        self._write(changes, body, folded, stored)

    def _write(self, changes: Changes, body: bytes, folded: Folded, stored: StoredCall | None) -> None:
        tenant = self._component.tenant
        self.revision = changes.put_call(tenant, self.id, body, folded, stored)
        if self._announce:
            changes.announce(tenant, folded, self.revision, stored or self._known_otherwise())

    def _known_otherwise(self) -> StoredCall | None:
        """What was told of a call that lives on under another id: of several, the furthest on."""
        calls = self._component.calls.values()
        if not calls:
            return None
        furthest = max(calls, key=lambda call: (STATUSES[call.place.status] in FINAL, call.revision))
        return furthest._replace(escalated=max(call.escalated for call in calls))


def _fact_row(key: bytes, fact: Fact, outcome: Outcome, reason: str | None) -> dict[str, object]:
    row = {"key": key, "received_us": fact.received_us, "outcome": outcome.value, "reason": reason}
    return {**row, "content": pack_fact(fact), "raw": bodies.compress(fact.raw)}
