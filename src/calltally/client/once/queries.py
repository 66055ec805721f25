"""Paged queries of the ledger: effects, and the events with final states."""

from collections.abc import AsyncGenerator, Iterable
from typing import Any, Final, NamedTuple

import msgspec

from calltally.calls.errors import Conflict
from calltally.calls.times import utc_text
from calltally.client.once.claims import MAX_REASON_CHARS, read_effect_states
from calltally.client.once.connections import LedgerConnection, Row
from calltally.client.once.decision import Progress, Promise
from calltally.client.once.final_state import COMPLETED_EVENT, FinalState

PAGE_ROWS: Final = 1000
_START_KEY: Final[dict[str, Any]] = {
    "tenant": "",
    "call_id": "",
    "effect": "",
    "correction": -1,
    "event_id": "",
}


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
    def final_state(self) -> FinalState:
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


async def iterate_entries(
    ledger: LedgerConnection, statement: str, tenant: str | None, now_us: int | None
) -> AsyncGenerator[Entry, None]:
    """Iterate over the entries that a statement lists, of one tenant or all, with the ids of their events."""
    key = _START_KEY
    while True:
        params = {**key, "only_tenant": tenant, "now_us": now_us, "rows": PAGE_ROWS}
        async with ledger.read_transaction():
            page = [_entry_from_row(row) for row in await ledger.execute(statement, params)]
            rows = await ledger.execute("list_event_ids", _call_range(page)) if page else []
        if not page:
            return
        for each in _with_events(page, rows):
            yield each
        key = _entry_key(page[-1])


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


async def iterate_events(ledger: LedgerConnection, tenant: str | None) -> AsyncGenerator[Received, None]:
    key = _START_KEY
    while True:
        async with ledger.read_transaction():
            rows = await ledger.execute("list_events", {**key, "only_tenant": tenant, "rows": PAGE_ROWS})
        if not rows:
            return
        for row in rows:
            yield Received(*row)
        key = Received(*rows[-1])._asdict()


async def settle_entry(
    ledger: LedgerConnection, entry: Entry, reason: str, now_us: int | None, *, happened: bool
) -> None:
    """Record a person's finding on an effect. Raises Conflict if the entry changed since it was listed."""
    key = {**_entry_key(entry), "now_us": now_us}
    states = {each.correction: each for each in await read_effect_states(ledger, key)}
    stored = states.get(entry.correction)
    settled_states = (Progress.DONE, Progress.SUPERSEDED)
    if (
        stored is None
        or stored.attempts != entry.attempts
        or stored.is_running
        or stored.progress in settled_states
    ):
        raise Conflict(
            f"{entry.effect!r} of call {entry.call_id} has changed since it was listed; list it again"
        )
    # The effect may run again, unless the state was corrected meanwhile.
    not_done = Progress.FAILED if entry.correction == max(states) else Progress.SUPERSEDED
    progress = Progress.DONE if happened else not_done
    settled = {**key, "progress": progress.value, "reason": reason.replace("\0", "")[:MAX_REASON_CHARS]}
    await ledger.execute("settle_effect", settled)
