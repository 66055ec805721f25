"""Rules for the events of one call, given its record; each rule is a pure function."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from calltally.calls.event_types import COMPLETED, ESCALATED, STARTED
from calltally.calls.model import FINAL
from calltally.reconcile.call_states import CallState
from calltally.reconcile.events import ReceivedEvent
from calltally.reconcile.findings import Finding, FindingKind, times_of

# Events that can be missing, each with the state of the record that requires it (None: not required).
_REQUIRED_STATE: Final[Mapping[str, Callable[[CallState], str | None]]] = {
    COMPLETED: lambda call: call.status if call.status in FINAL else None,
    STARTED: lambda _: "started",
    ESCALATED: lambda call: "escalated" if call.escalated else None,
}
EXPECTABLE: Final = tuple(_REQUIRED_STATE)
# The limit of event ids in one finding.
_MAX_IDS: Final = 20


class EventTerms(NamedTuple):
    """Terms of a comparison. Times and spans are microseconds.

    `as_of_us` and `revision` are the time and ledger revision at which the calls were read; the revision is
    None if it is unknown. Later events are ignored. `from_us` and `to_us` are the window of the calls'
    `created_at`. `late_us` is the age at receipt from which an event is late, `grace_us` the time that the
    event of a final state may take. `tenant` is the tenant that the events must have; None: any. `expected`
    names the events whose absence is a finding.
    """

    as_of_us: int
    from_us: int | None = None
    to_us: int | None = None
    late_us: int = 300_000_000
    grace_us: int = 900_000_000
    tenant: str | None = None
    expected: Collection[str] = (COMPLETED,)
    revision: int | None = None

    def is_later(self, event: ReceivedEvent) -> bool:
        """Return true if the event was made after the calls were read, so that they cannot show its state."""
        if self.revision is not None and event.revision is not None and event.revision > self.revision:
            return True
        return event.created_us > self.as_of_us


class CallEvents(NamedTuple):
    """Events of one call.

    `news` are the events that are no repeats, in the order of receipt. `receipts` counts how often each id
    was received. `repeats` are pairs of different ids with the same state, the earlier one first.
    `final_events` are the completed ones of `news`, ordered by state.
    """

    call: CallState | None
    news: Sequence[ReceivedEvent]
    receipts: Counter[str]
    repeats: Sequence[tuple[ReceivedEvent, ReceivedEvent]]
    final_events: Sequence[ReceivedEvent]
    terms: EventTerms


Rule: TypeAlias = Callable[[CallEvents], Iterator[Finding]]


def event_findings(
    call: CallState | None, events: Sequence[ReceivedEvent], terms: EventTerms
) -> Iterator[Finding]:
    """Yield the findings of one call's events; `call` is None if it has no record."""
    received = _call_events(call, events, terms)
    for rule in RULES if events else (_missing_events,):
        yield from rule(received)


def _call_events(call: CallState | None, events: Sequence[ReceivedEvent], terms: EventTerms) -> CallEvents:
    if len(events) > 1:
        events = sorted(events, key=_receipt_order(events))
    by_id: dict[str, ReceivedEvent] = {}
    for event in events:
        by_id.setdefault(event.id, event)
    # One server creates all events of a call, so all of them have a revision or none has.
    by_state = sorted(by_id.values(), key=lambda event: (event.revision or 0, event.created_us))
    repeats = list(_repeated_pairs(by_state))
    repeated_ids = {event.id for _, event in repeats}
    news = [event for event in by_id.values() if event.id not in repeated_ids]
    final_events = [
        event
        for event in by_state
        if event.id not in repeated_ids and event.name == COMPLETED and event.status in FINAL
    ]
    return CallEvents(call, news, Counter(event.id for event in events), repeats, final_events, terms)


def _receipt_order(events: Sequence[ReceivedEvent]) -> Callable[[ReceivedEvent], tuple[int, int]]:
    """Order by the time of receipt if all events have one, else by their positions in the input."""
    if any(event.received_us is None for event in events):
        return lambda event: (0, event.index)
    return lambda event: (event.received_us or 0, event.index)


def _repeated_pairs(by_state: Sequence[ReceivedEvent]) -> Iterator[tuple[ReceivedEvent, ReceivedEvent]]:
    """Yield pairs of ids with the same state: at one revision, or with nothing in between."""
    before: dict[str, ReceivedEvent] = {}
    for event in by_state:
        former = before.setdefault(event.name, event)
        if former is not event and _is_repeat(former, event):
            yield former, event
        else:
            before[event.name] = event


def _is_repeat(former: ReceivedEvent, event: ReceivedEvent) -> bool:
    if event.name != COMPLETED:
        return event.name in {STARTED, ESCALATED} and event.call_id == former.call_id
    is_one_revision = event.revision is not None and event.revision == former.revision
    return event.status == former.status and (is_one_revision or event.corrects is None)


def _repeats(received: CallEvents) -> Iterator[Finding]:
    for event in received.news if len(received.receipts) < received.receipts.total() else ():
        if received.receipts[event.id] > 1:
            detail = f"{event.name} was received {received.receipts[event.id]} times with the same id"
            yield _finding(FindingKind.REPEATED_EVENT, detail, received.call, [event])
    for former, event in received.repeats:
        detail = f"{event.name} was received again with another id and the same state"
        yield _finding(FindingKind.REPEATED_EVENT, detail, received.call, [former, event])


def _order(received: CallEvents) -> Iterator[Finding]:
    """Find events after an event of a later revision; without revisions, after one that was made later."""
    if len(received.news) == 1:
        return
    latest = received.news[0]
    for event in received.news[1:]:
        if _precedes(event, latest):
            detail = f"{event.name} was received after {latest.name} of a later state"
            yield _finding(FindingKind.WRONG_ORDER, detail, received.call, [event, latest])
        else:
            latest = event


def _precedes(event: ReceivedEvent, other: ReceivedEvent) -> bool:
    if event.revision is not None and other.revision is not None:
        return event.revision < other.revision
    return event.created_us < other.created_us


def _late(received: CallEvents) -> Iterator[Finding]:
    for event in received.news:
        if event.received_us is not None and event.received_us - event.created_us > received.terms.late_us:
            after_s = (event.received_us - event.created_us) // 1_000_000
            detail = f"{event.name} was received {after_s:,} s after it was created"
            yield _finding(FindingKind.LATE_EVENT, detail, received.call, [event])


def _unknown(received: CallEvents) -> Iterator[Finding]:
    """Report only calls that would be in the window: the other calls were not read."""
    started_us = min(event.created_us - (event.duration_seconds or 0) * 1_000_000 for event in received.news)
    terms = received.terms
    is_before = terms.from_us is not None and started_us < terms.from_us
    is_behind = terms.to_us is not None and started_us >= terms.to_us
    if received.call is None and received.news[0].call_sid and not is_before and not is_behind:
        detail = f"{len(received.news)} of its events were received"
        yield _finding(FindingKind.UNKNOWN_CALL, detail, None, received.news)


def _other_state(received: CallEvents) -> Iterator[Finding]:
    call, final_events = received.call, received.final_events
    if call is None or not final_events or final_events[-1].status == call.status:
        return
    last = final_events[-1]
    if not _may_be_in_flight(call, received.terms):
        yield _finding(FindingKind.OTHER_FINAL_STATE, _state_difference(call, last), call, [last])


def _state_difference(call: CallState, last: ReceivedEvent) -> str:
    states = f"the state of the last event is {last.status}, that of the record {call.status}"
    if call.revision is None or last.revision is None or call.revision == last.revision:
        return states
    if last.revision > call.revision:
        return f"{states}; the event has a later revision, so the record is older"
    return f"{states} at a later revision; a correcting event may be missing"


def _missing_events(received: CallEvents) -> Iterator[Finding]:
    call = received.call
    if call is None or call.is_outside or _may_be_in_flight(call, received.terms):
        return
    for name in received.terms.expected:
        ours = _REQUIRED_STATE[name](call)
        if ours is not None and not any(event.name == name for event in received.news):
            times = times_of(created_at=call.created_us, updated_at=call.updated_us)
            detail = f"no {name} was received"
            yield Finding(FindingKind.MISSING_EVENT, detail, call.id, call.call_sid, ours, None, (), times)


def _missing_between(received: CallEvents) -> Iterator[Finding]:
    """Find final states that an event corrects although no earlier event reported them."""
    for former, event in zip((None, *received.final_events), received.final_events, strict=False):
        states = former.status if former else None
        if event.corrects is not None and event.corrects != states:
            detail = f"an event corrects {event.corrects}, but no event with that state was received"
            yield _finding(FindingKind.MISSING_EVENT, detail, received.call, [event])


def _may_be_in_flight(call: CallState, terms: EventTerms) -> bool:
    """Return true if the last change is so recent that its event may be in flight."""
    changed_us = call.updated_us if call.updated_us is not None else call.created_us
    return changed_us is not None and changed_us > terms.as_of_us - terms.grace_us


def _finding(
    kind: FindingKind, detail: str, call: CallState | None, events: Sequence[ReceivedEvent]
) -> Finding:
    event = events[0]
    times = times_of(event_created_at=event.created_us, received_at=event.received_us)
    ids = tuple(each.id for each in events[:_MAX_IDS])
    call_id, call_sid = (call.id, call.call_sid) if call else (event.call_id, event.call_sid)
    return Finding(kind, detail, call_id, call_sid, call.status if call else None, event.status, ids, times)


RULES: Final[tuple[Rule, ...]] = (
    _unknown,
    _missing_events,
    _missing_between,
    _other_state,
    _repeats,
    _order,
    _late,
)
