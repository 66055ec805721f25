"""Paged queries of the ledger: effects, and the events with final states."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import msgspec

from calltally.calls.errors import Conflict
from calltally.calls.times import utc_text
from calltally.client.once.claims import MAX_REASON_CHARS, read_effect_states
from calltally.client.once.decision import Progress, Promise
from calltally.client.once.final_state import COMPLETED_EVENT, FinalState
from calltally.client.once.sans_io import LedgerOperation, NamedStatement, Row

PAGE_ROWS: Final = 1000
_START_KEY: Final = {"tenant": "", "call_id": "", "effect": "", "correction": -1, "event_id": ""}


class Entry(NamedTuple):
    """One effect for one final state of a call. Times are microseconds UTC; without a lease it has no claim.

    `corrects` is the status before, None for a call's first final state. `event_ids` are the events with this
    status of this call, in the order of their first arrival.
    """

    tenant: str
    call_id: str
    effect: str
    correction: int
    call_sid: str | None
    status: str
    revision: int | None
    corrects: str | None
    promise: Promise
    progress: Progress
    attempts: int
    reason: str | None
    claimed_us: int
    lease_until_us: int | None
    done_us: int | None
    event_ids: tuple[str, ...] = ()

    @property
    def told(self) -> FinalState:
        """Final state to pass, in place of an event, to run the effect again."""
        return FinalState(
            tenant=self.tenant,
            call_id=self.call_id,
            status=self.status,
            call_sid=self.call_sid,
            revision=self.revision,
        )


class Received(NamedTuple):
    """One event with a final state, stored at its first arrival. Times are microseconds UTC."""

    tenant: str
    call_id: str
    event_id: str
    call_sid: str | None
    status: str
    revision: int | None
    told_us: int | None
    received_us: int

    def line(self) -> bytes:
        """Return the event as a line of NDJSON for `calltally reconcile`, with the fields in the ledger."""
        created_us = self.received_us if self.told_us is None else self.told_us
        envelope = {
            "id": self.event_id,
            "event": COMPLETED_EVENT,
            "created_at": utc_text(created_us),
            "tenant_id": self.tenant,
            "received_at": utc_text(self.received_us),
            "data": {
                "id": self.call_id,
                "call_sid": self.call_sid,
                "status": self.status,
                "revision": self.revision,
            },
        }
        return msgspec.json.encode(envelope) + b"\n"


class EntrySelection(NamedTuple):
    """Selection of entries: the name of the statement, and one tenant or all."""

    statement: str
    tenant: str | None
    now_us: int | None = None


def entry_page(selection: EntrySelection, after: Entry | None) -> LedgerOperation[list[Entry]]:
    """Return the next entries with the ids of their events, or an empty list at the end."""
    key = _entry_key(after) if after else _START_KEY
    params = {**key, "only_tenant": selection.tenant, "now_us": selection.now_us, "rows": PAGE_ROWS}
    entries = [_entry_from_row(row) for row in (yield NamedStatement(selection.statement, params))]
    if not entries:
        return []
    return _with_events(entries, (yield NamedStatement("list_event_ids", _call_range(entries))))


def _entry_key(entry: Entry) -> dict[str, Any]:
    return {
        "tenant": entry.tenant,
        "call_id": entry.call_id,
        "effect": entry.effect,
        "correction": entry.correction,
    }


def _entry_from_row(row: Row) -> Entry:
    *fields, is_expired = row
    entry = Entry(*fields)
    promise, progress = Promise(entry.promise), Progress(entry.progress)
    if is_expired and progress is Progress.CLAIMED and promise is Promise.AT_MOST_ONCE:
        # No claim was tried since the lease expired, so the ledger still has the old progress.
        progress = Progress.UNCERTAIN
    return entry._replace(promise=promise, progress=progress)


def _call_range(entries: list[Entry]) -> dict[str, Any]:
    first, last = entries[0], entries[-1]
    return {
        "tenant": first.tenant,
        "call_id": first.call_id,
        "last_tenant": last.tenant,
        "last_call_id": last.call_id,
    }


def _with_events(entries: list[Entry], rows: Iterable[Row]) -> list[Entry]:
    event_ids: dict[tuple[str, str, str], list[str]] = {}
    for tenant, call_id, status, event_id in rows:
        event_ids.setdefault((tenant, call_id, status), []).append(event_id)
    return [
        each._replace(event_ids=tuple(event_ids.get((each.tenant, each.call_id, each.status), ())))
        for each in entries
    ]


def event_page(tenant: str | None, after: Received | None) -> LedgerOperation[list[Received]]:
    """Return the next events, or an empty list at the end."""
    key = after._asdict() if after else _START_KEY
    rows = yield NamedStatement("list_events", {**key, "only_tenant": tenant, "rows": PAGE_ROWS})
    return [Received(*row) for row in rows]


def settle_entry(entry: Entry, reason: str, now_us: int | None, *, happened: bool) -> LedgerOperation[None]:
    """Record a person's finding on an effect. Raises Conflict if the entry changed since it was listed."""
    key = {**_entry_key(entry), "now_us": now_us}
    states = {each.correction: each for each in (yield from read_effect_states(key))}
    stored = states.get(entry.correction)
    if stored is None or stored.attempts != entry.attempts or stored.is_running or _is_final(stored.progress):
        raise Conflict(
            f"{entry.effect!r} of call {entry.call_id} has changed since it was listed; list it again"
        )
    progress = Progress.DONE if happened else _progress_if_not_done(entry, max(states))
    settled = {**key, "progress": progress.value, "reason": reason.replace("\0", "")[:MAX_REASON_CHARS]}
    yield NamedStatement("settle_effect", settled)


def _is_final(progress: Progress) -> bool:
    return progress in (Progress.DONE, Progress.SUPERSEDED)


def _progress_if_not_done(entry: Entry, last_correction: int) -> Progress:
    """Return FAILED so that the effect may run again, or SUPERSEDED if the state was corrected meanwhile."""
    return Progress.FAILED if entry.correction == last_correction else Progress.SUPERSEDED
