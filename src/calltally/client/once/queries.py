"""What the ledger has, in pages: effects, and the events that told of their calls."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import msgspec

from calltally.calls.errors import Conflict
from calltally.calls.times import utc_text
from calltally.client.once.claims import LONGEST_REASON, read_call
from calltally.client.once.decision import Progress, Promise
from calltally.client.once.final_state import COMPLETED, FinalState
from calltally.client.once.sans_io import Row, Statement, Step

PAGE_ROWS: Final = 1000
_FIRST: Final = {"tenant": "", "call_id": "", "effect": "", "correction": -1, "event_id": ""}


class Entry(NamedTuple):
    """One effect for one final state of a call. Times are microseconds UTC; nobody holds a lease of None.

    `corrects` is the status before, None for a call's first final state. `event_ids` are those of the events
    that told this status of this call, in the order in which they first came.
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
        """What to hand over, in place of an event, to run the effect again."""
        return FinalState(
            tenant=self.tenant,
            call_id=self.call_id,
            status=self.status,
            call_sid=self.call_sid,
            revision=self.revision,
        )


class Received(NamedTuple):
    """One event that told a final state, kept when it first came. Times are microseconds UTC."""

    tenant: str
    call_id: str
    event_id: str
    call_sid: str | None
    status: str
    revision: int | None
    told_us: int | None
    received_us: int

    def line(self) -> bytes:
        """The event as a line of NDJSON that `calltally reconcile` reads, with what the ledger has of it."""
        made_us = self.received_us if self.told_us is None else self.told_us
        envelope = {
            "id": self.event_id,
            "event": COMPLETED,
            "created_at": utc_text(made_us),
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


class Selection(NamedTuple):
    """Which entries: of one tenant or of all; all of them, or those that need somebody."""

    statement: str
    tenant: str | None
    now_us: int | None = None


def entry_page(selection: Selection, behind: Entry | None) -> Step[list[Entry]]:
    """The next entries, with the ids of the events that told of them; none at the end."""
    place = _place(behind) if behind else _FIRST
    params = {**place, "only_tenant": selection.tenant, "now_us": selection.now_us, "rows": PAGE_ROWS}
    entries = [_entry(row) for row in (yield Statement(selection.statement, params))]
    if not entries:
        return []
    return _with_events(entries, (yield Statement("list_event_ids", _span(entries))))


def _place(entry: Entry) -> dict[str, Any]:
    return {
        "tenant": entry.tenant,
        "call_id": entry.call_id,
        "effect": entry.effect,
        "correction": entry.correction,
    }


def _entry(row: Row) -> Entry:
    *fields, is_over = row
    entry = Entry(*fields)
    promise, progress = Promise(entry.promise), Progress(entry.progress)
    if is_over and progress is Progress.CLAIMED and promise is Promise.AT_MOST_ONCE:
        # Nobody has asked since the lease ran out, so nobody has written it down.
        progress = Progress.UNCERTAIN
    return entry._replace(promise=promise, progress=progress)


def _span(entries: list[Entry]) -> dict[str, Any]:
    first, last = entries[0], entries[-1]
    return {
        "tenant": first.tenant,
        "call_id": first.call_id,
        "last_tenant": last.tenant,
        "last_call_id": last.call_id,
    }


def _with_events(entries: list[Entry], rows: Iterable[Row]) -> list[Entry]:
    told: dict[tuple[str, str, str], list[str]] = {}
    for tenant, call_id, status, event_id in rows:
        told.setdefault((tenant, call_id, status), []).append(event_id)
    return [
        each._replace(event_ids=tuple(told.get((each.tenant, each.call_id, each.status), ())))
        for each in entries
    ]


def event_page(tenant: str | None, behind: Received | None) -> Step[list[Received]]:
    """The next events; none at the end."""
    place = behind._asdict() if behind else _FIRST
    rows = yield Statement("list_events", {**place, "only_tenant": tenant, "rows": PAGE_ROWS})
    return [Received(*row) for row in rows]


def settle_entry(entry: Entry, reason: str, now_us: int | None, *, happened: bool) -> Step[None]:
    """Write down what a person found out. Raises Conflict where the entry has changed since it was read."""
    key = {**_place(entry), "now_us": now_us}
    known = {each.correction: each for each in (yield from read_call(key))}
    stored = known.get(entry.correction)
    if (
        stored is None
        or stored.attempts != entry.attempts
        or stored.is_running
        or _is_closed(stored.progress)
    ):
        raise Conflict(
            f"{entry.effect!r} of call {entry.call_id} has gone on since it was listed; list it again"
        )
    progress = Progress.DONE if happened else _not_done(entry, max(known))
    settled = {**key, "progress": progress.value, "reason": reason.replace("\0", "")[:LONGEST_REASON]}
    yield Statement("settle_effect", settled)


def _is_closed(progress: Progress) -> bool:
    return progress in (Progress.DONE, Progress.SUPERSEDED)


def _not_done(entry: Entry, last_correction: int) -> Progress:
    """It may be run again, unless the call's state was corrected meanwhile."""
    return Progress.FAILED if entry.correction == last_correction else Progress.SUPERSEDED
