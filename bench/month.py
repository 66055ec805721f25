"""A simulated month: calls, the events that a consumer received of them, and each fault that was put in.

A fault is told by what a reconciliation has to say of it: the kind, the call SID, and an event id or, where
there is none, what the record says.
"""

import heapq
from collections.abc import Iterator
from itertools import pairwise
from random import Random
from typing import Final, NamedTuple, TypeAlias

import msgspec

from calltally.calls.times import SECOND_US, utc_text
from calltally.reconcile.call_states import CallState

BEGIN_US: Final = 1_790_812_800 * SECOND_US  # 2026-10-01
MONTH_US: Final = 31 * 86_400 * SECOND_US
AS_OF_US: Final = BEGIN_US + 40 * 86_400 * SECOND_US
TENANT: Final = "acme"
LATE_US: Final = 300 * SECOND_US
EVENTS_A_CALL: Final = 5
# Of the events.
_LOST, _REPEATED, _REORDERED, _CONTRADICTORY = 0.02, 0.03, 0.01, 0.001
_FINAL: Final = ("completed", "busy", "failed", "no-answer", "canceled")
_NAMES: Final = {
    "started": "voice.call.started",
    "escalated": "voice.call.escalated",
    "completed": "voice.call.completed",
    "evaluated": "voice.session.evaluated",
}
_CAN_BE_LOST: Final = frozenset({"started", "escalated", "completed"})

Fault: TypeAlias = tuple[str, str, str]


class _Event(msgspec.Struct):
    name: str
    id: str
    made_us: int
    received_us: int
    revision: int
    status: str
    corrects: str | None = None


class SentEvent(NamedTuple):
    """One call: its state, what was received of it (when, and the line), what is wrong with that."""

    call: CallState
    lines: list[tuple[int, bytes]]
    faults: list[Fault]


def month(seed: int, calls: int) -> Iterator[SentEvent]:
    """So many calls in the order in which they were created, each with about five events."""
    random = Random(seed)
    step_us = MONTH_US // calls
    for number in range(calls):
        start_us = BEGIN_US + number * step_us + random.randrange(step_us)
        yield _Call(random, number, start_us).sent()


def in_order_of_receipt(sent: Iterator[SentEvent], faults: list[Fault]) -> Iterator[bytes]:
    """The lines as they were received; the faults are added to `faults` on the way."""
    waiting: list[tuple[int, bytes]] = []
    for each in sent:
        faults.extend(each.faults)
        for line in each.lines:
            heapq.heappush(waiting, line)
        while waiting and waiting[0][0] < (each.call.created_us or 0):
            yield heapq.heappop(waiting)[1]
    yield from (line for _, line in sorted(waiting))


class _Call:
    """One call on its way: what happened, what was sent, what went wrong."""

    def __init__(self, random: Random, number: int, start_us: int) -> None:
        self._random = random
        self._id = f"{random.getrandbits(128):032x}"
        self._sid = f"CA{random.getrandbits(128):032x}"
        self._start_us = start_us
        self._revision = 10 * number + 1
        self._now_us = start_us
        self._faults: list[Fault] = []
        self._events = self._happened()

    def sent(self) -> SentEvent:
        """The call, and its events after all that went wrong with them."""
        last = [event for event in self._events if event.name == "completed"][-1]
        escalated = any(event.name == "escalated" for event in self._events)
        call = CallState(
            self._id,
            self._sid,
            last.status,
            7,
            self._start_us,
            self._revision,
            self._now_us,
            "outbound",
            "twilio",
            escalated,
        )
        self._contradict(last)
        self._lose()
        self._reorder()
        self._repeat()
        return SentEvent(
            call, [(event.received_us, self._line(event)) for event in self._events], self._faults
        )

    def _happened(self) -> list[_Event]:
        """Events of one call: start, escalation, end, evaluation, and often a correction."""
        events = [self._event("started", "queued")]
        if self._random.random() < 0.5:  # noqa: PLR2004 - one of two
            events.append(self._event("escalated", "in-progress"))
        status: str | None = None
        for _ in range(self._random.choice((1, 2, 3, 4))):
            corrects, status = status, self._random.choice([each for each in _FINAL if each != status])
            events.append(self._event("completed", status, corrects))
        return [*events, self._event("evaluated", status or "")]

    def _event(self, name: str, status: str, corrects: str | None = None) -> _Event:
        self._now_us += self._random.randrange(1, 120) * SECOND_US
        self._revision += self._random.choice((0, 1, 2)) if name != "completed" else 1
        received_us = self._now_us + self._random.randrange(SECOND_US // 2)
        event_id = f"msg_{self._random.getrandbits(96):024x}"
        return _Event(name, event_id, self._now_us, received_us, self._revision, status, corrects)

    def _happens(self, rate: float) -> bool:
        """Decide whether a fault of this frequency hits this call."""
        return self._random.random() < rate * EVENTS_A_CALL

    def _contradict(self, last: _Event) -> None:
        if self._happens(_CONTRADICTORY):
            last.status = self._random.choice([each for each in _FINAL if each != last.status])
            self._faults.append(("other-final-state", self._sid, last.id))

    def _lose(self) -> None:
        candidates = [event for event in self._events if event.name in _CAN_BE_LOST]
        if not self._faults and self._happens(_LOST):
            lost = self._random.choice(candidates)
            self._faults.append(self._fault_of(lost))
            self._events.remove(lost)

    def _fault_of(self, lost: _Event) -> Fault:
        """Return the correction of a fact, derived from the others; None without one."""
        sent = [event for event in self._events if event.name == "completed"]
        if lost.name != "completed":
            return ("missing-event", self._sid, "started" if lost.name == "started" else lost.name)
        at = sent.index(lost)
        if at + 1 < len(sent):
            return ("missing-event", self._sid, sent[at + 1].id)
        return (
            ("other-final-state", self._sid, sent[at - 1].id)
            if at
            else ("missing-event", self._sid, lost.status)
        )

    def _reorder(self) -> None:
        swappable = [pair for pair in pairwise(self._events) if pair[0].revision != pair[1].revision]
        if swappable and self._happens(_REORDERED):
            early, late = self._random.choice(swappable)
            early.received_us, late.received_us = late.received_us, late.made_us
            self._faults.append(("wrong-order", self._sid, early.id))
            if early.received_us - early.made_us > LATE_US:
                self._faults.append(("late-event", self._sid, early.id))

    def _repeat(self) -> None:
        if not self._happens(_REPEATED):
            return
        event = self._random.choice(self._events)
        copy = msgspec.structs.replace(event, received_us=event.received_us + 86_400 * SECOND_US)
        if event.name != "evaluated" and self._random.random() < 0.3:  # noqa: PLR2004 - under another id
            copy.id = f"msg_again_{self._random.getrandbits(64):016x}"
        self._events.append(copy)
        self._faults.append(("repeated-event", self._sid, event.id))

    def _line(self, event: _Event) -> bytes:
        """As a receiver writes it down."""
        corrects = f',"corrects":{{"status":"{event.corrects}","revision":1}}' if event.corrects else ""
        return (
            f'{{"received_at":"{utc_text(event.received_us)}","event":{{"id":"{event.id}",'
            f'"event":"{_NAMES[event.name]}","created_at":"{utc_text(event.made_us)}","tenant_id":"{TENANT}",'
            f'"api_version":"2026-11-01","data":{{"call_sid":"{self._sid}","direction":"outbound",'
            f'"status":"{event.status}","duration_seconds":7,"id":"{self._id}",'
            f'"revision":{event.revision}{corrects}}}}}}}\n'
        ).encode()


def record_of(call: CallState) -> bytes:
    """A line of an export."""
    return (
        f'{{"id":"{call.id}","call_sid":"{call.call_sid}","direction":"outbound","status":"{call.status}",'
        f'"duration_seconds":7,"escalated":{str(call.escalated).lower()},"summary":null,'
        f'"created_at":"{utc_text(call.created_us or 0)}","revision":{call.revision},'
        f'"updated_at":"{utc_text(call.updated_us or 0)}"}}\n'
    ).encode()
