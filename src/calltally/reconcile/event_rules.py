"""What the events of one call must be like, given its record: the rules, each a pure function."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from calltally.calls.model import FINAL
from calltally.reconcile.call_states import CallState
from calltally.reconcile.events import Seen
from calltally.reconcile.findings import Finding, Kind, times_of

STARTED: Final = "voice.call.started"
ESCALATED: Final = "voice.call.escalated"
COMPLETED: Final = "voice.call.completed"
# What can be missing, and what in the record says that there must be one (None: it says nothing of it).
_DUE: Final[Mapping[str, Callable[[CallState], str | None]]] = {
    COMPLETED: lambda call: call.status if call.status in FINAL else None,
    STARTED: lambda _: "started",
    ESCALATED: lambda call: "escalated" if call.escalated else None,
}
EXPECTABLE: Final = tuple(_DUE)
# One finding names at most so many events.
_MOST_IDS: Final = 20


class Terms(NamedTuple):
    """What a comparison goes by. Times and spans are microseconds.

    - `as_of_us`, `revision`: when the calls were read, and the ledger's revision then, None where it is not
      known. Events made later are not looked at.
    - `from_us`, `to_us`: the window on the calls' `created_at`.
    - `late_us`: from how long after it was made an event is late.
    - `grace_us`: for how long the event of a final state may be under way.
    - `tenant`: whose events they must be; None: anybody's.
    - `expected`: names of events without which something is missing.
    """

    as_of_us: int
    from_us: int | None = None
    to_us: int | None = None
    late_us: int = 300_000_000
    grace_us: int = 900_000_000
    tenant: str | None = None
    expected: Collection[str] = (COMPLETED,)
    revision: int | None = None

    def is_later(self, event: Seen) -> bool:
        """Whether an event was made after the calls were read, so that they cannot show what it says."""
        if self.revision is not None and event.revision is not None and event.revision > self.revision:
            return True
        return event.created_us > self.as_of_us


class Heard(NamedTuple):
    """The events of one call.

    `first` are what is news, in the order in which it was received: nothing in it came before. `times` is how
    often each id was received, `again` are pairs of other ids that say the same, the earlier one first.
    `told` are the completed ones of `first`, from the earliest state to the last.
    """

    call: CallState | None
    first: Sequence[Seen]
    times: Counter[str]
    again: Sequence[tuple[Seen, Seen]]
    told: Sequence[Seen]
    terms: Terms


Rule: TypeAlias = Callable[[Heard], Iterator[Finding]]


def judged(call: CallState | None, events: Sequence[Seen], terms: Terms) -> Iterator[Finding]:
    """What is wrong with the events of one call; `call` is None where there is no record of it."""
    heard = _heard(call, events, terms)
    for rule in RULES if events else _RULES_OF_SILENCE:
        yield from rule(heard)


def _heard(call: CallState | None, events: Sequence[Seen], terms: Terms) -> Heard:
    if len(events) > 1:
        events = sorted(events, key=_arrival_of(events))
    by_id: dict[str, Seen] = {}
    for event in events:
        by_id.setdefault(event.id, event)
    aged = sorted(by_id.values(), key=_age)
    again = list(_said_again(aged))
    repeats = {event.id for _, event in again}
    first = [event for event in by_id.values() if event.id not in repeats]
    told = [event for event in aged if event.id not in repeats and _is_final(event)]
    return Heard(call, first, Counter(event.id for event in events), again, told, terms)


def _is_final(event: Seen) -> bool:
    return event.name == COMPLETED and event.status in FINAL


def _arrival_of(events: Sequence[Seen]) -> Callable[[Seen], tuple[int, int]]:
    """By the time of receipt where each has one, else by their places in what was read."""
    if any(event.received_us is None for event in events):
        return lambda event: (0, event.place)
    return lambda event: (event.received_us or 0, event.place)


def _age(event: Seen) -> tuple[int, int]:
    # All of a call's events have a revision or none, since one server makes them.
    return event.revision or 0, event.created_us


def _said_again(aged: Sequence[Seen]) -> Iterator[tuple[Seen, Seen]]:
    """Other ids that say what was said: the same news at one revision, or with nothing between."""
    before: dict[str, Seen] = {}
    for event in aged:
        former = before.setdefault(event.name, event)
        if former is not event and _is_same_news(former, event):
            yield former, event
        else:
            before[event.name] = event


def _is_same_news(former: Seen, event: Seen) -> bool:
    if event.name != COMPLETED:
        return event.name in {STARTED, ESCALATED} and event.call_id == former.call_id
    is_one_revision = event.revision is not None and event.revision == former.revision
    return event.status == former.status and (is_one_revision or event.corrects is None)


def _repeats(heard: Heard) -> Iterator[Finding]:
    for event in heard.first if len(heard.times) < heard.times.total() else ():
        if heard.times[event.id] > 1:
            detail = f"{event.name} was received {heard.times[event.id]} times under one id"
            yield _finding(Kind.REPEATED_EVENT, detail, heard.call, [event])
    for former, event in heard.again:
        detail = f"{event.name} was received again under another id, and says the same"
        yield _finding(Kind.REPEATED_EVENT, detail, heard.call, [former, event])


def _order(heard: Heard) -> Iterator[Finding]:
    """An event after one of a later revision; where those are not told, after one that was made later."""
    if len(heard.first) == 1:
        return
    latest = heard.first[0]
    for event in heard.first[1:]:
        if _precedes(event, latest):
            detail = f"{event.name} was received after {latest.name}, which tells of a later state"
            yield _finding(Kind.WRONG_ORDER, detail, heard.call, [event, latest])
        else:
            latest = event


def _precedes(event: Seen, other: Seen) -> bool:
    if event.revision is not None and other.revision is not None:
        return event.revision < other.revision
    return event.created_us < other.created_us


def _late(heard: Heard) -> Iterator[Finding]:
    for event in heard.first:
        if event.received_us is not None and event.received_us - event.created_us > heard.terms.late_us:
            after_s = (event.received_us - event.created_us) // 1_000_000
            detail = f"{event.name} was received {after_s:,} s after it was made"
            yield _finding(Kind.LATE_EVENT, detail, heard.call, [event])


def _unknown(heard: Heard) -> Iterator[Finding]:
    """Only where the call would be in the window: of others the calls side does not tell."""
    begun_us = min(event.created_us - (event.duration_seconds or 0) * 1_000_000 for event in heard.first)
    terms = heard.terms
    is_before = terms.from_us is not None and begun_us < terms.from_us
    is_behind = terms.to_us is not None and begun_us >= terms.to_us
    if heard.call is None and heard.first[0].call_sid and not is_before and not is_behind:
        detail = f"{len(heard.first)} of its events were received"
        yield _finding(Kind.UNKNOWN_CALL, detail, None, heard.first)


def _other_state(heard: Heard) -> Iterator[Finding]:
    call, told = heard.call, heard.told
    if call is None or not told or told[-1].status == call.status:
        return
    last = told[-1]
    if not _is_under_way(call, heard.terms):
        yield _finding(Kind.OTHER_FINAL_STATE, _why_other(call, last), call, [last])


def _why_other(call: CallState, last: Seen) -> str:
    said = f"the last event says {last.status}, the record {call.status}"
    if call.revision is None or last.revision is None or call.revision == last.revision:
        return said
    if last.revision > call.revision:
        return f"{said}; the event is of a later revision, so the record is older than it"
    return f"{said}, which is of a later revision: an event that corrects it may be missing"


def _missing_ones(heard: Heard) -> Iterator[Finding]:
    call = heard.call
    if call is None or call.beside or _is_under_way(call, heard.terms):
        return
    for name in heard.terms.expected:
        ours = _DUE[name](call)
        if ours is not None and not any(event.name == name for event in heard.first):
            times = times_of(created_at=call.created_us, updated_at=call.updated_us)
            detail = f"no {name} was received"
            yield Finding(Kind.MISSING_EVENT, detail, call.id, call.call_sid, ours, None, (), times)


def _missing_between(heard: Heard) -> Iterator[Finding]:
    """Final states that an event takes back, and that none before it said."""
    for former, event in zip((None, *heard.told), heard.told, strict=False):
        said = former.status if former else None
        if event.corrects is not None and event.corrects != said:
            detail = f"an event corrects {event.corrects}, and none was received that said so"
            yield _finding(Kind.MISSING_EVENT, detail, heard.call, [event])


def _is_under_way(call: CallState, terms: Terms) -> bool:
    """Whether the last change is so young that its event may not have come yet."""
    changed_us = call.updated_us if call.updated_us is not None else call.created_us
    return changed_us is not None and changed_us > terms.as_of_us - terms.grace_us


def _finding(kind: Kind, detail: str, call: CallState | None, events: Sequence[Seen]) -> Finding:
    event = events[0]
    times = times_of(event_created_at=event.created_us, received_at=event.received_us)
    ids = tuple(each.id for each in events[:_MOST_IDS])
    call_id, call_sid = (call.id, call.call_sid) if call else (event.call_id, event.call_sid)
    return Finding(kind, detail, call_id, call_sid, call.status if call else None, event.status, ids, times)


_RULES_OF_SILENCE: Final[tuple[Rule, ...]] = (_missing_ones,)
RULES: Final[tuple[Rule, ...]] = (
    _unknown,
    _missing_ones,
    _missing_between,
    _other_state,
    _repeats,
    _order,
    _late,
)
