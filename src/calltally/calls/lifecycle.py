"""The fold: from the set of facts about a call to the one record of it.

A pure function of the set. Facts are put into their one total order, then each field takes the
last that was said. States have rules of their own (architecture.md, invariant 2).
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal, NamedTuple

from calltally.calls.events import Fact, Said
from calltally.calls.identity import Node, call_uuid, uuid_text
from calltally.calls.model import FINAL, OPEN, UNANSWERED, Call, Status
from calltally.calls.times import SECOND_US, utc_text

# Raised whenever this code can give another record for the same facts: snapshots of another version end.
FOLD_VERSION: Final = 1

_TIMES: Final[tuple[Literal["started_us", "ringing_us", "answered_us", "ended_us"], ...]] = (
    "started_us",
    "ringing_us",
    "answered_us",
    "ended_us",
)
# What makes two tellings contradict each other beside the final state: who called whom.
_PARTIES: Final[tuple[Literal["direction", "from_number", "to_number"], ...]] = (
    "direction",
    "from_number",
    "to_number",
)
_OF_FIRST_LEG: Final[
    tuple[Literal["direction", "from_number", "to_number", "metadata", "started_us"], ...]
] = (
    *_PARTIES,
    "metadata",
    "started_us",
)


class Folded(NamedTuple):
    """A call, the instant it is listed by (which the record carries only as text), and its post-dial delay.

    The delay is no field of the record: it is from the call's start to its first ringing, in milliseconds,
    and None unless facts tell of both (RFC 6076 4.3).
    """

    call: Call
    created_us: int
    pdd_ms: int | None = None


class _Clock(NamedTuple):
    """When it rang, was answered and ended, as far as anybody knows; microseconds UTC."""

    ringing_us: int | None
    answered_us: int | None
    ended_us: int | None


class _Told:
    """What all facts of a call say together: one pass over them in their order."""

    __slots__ = (
        *("answered", "created_us", "disputed", "escalated", "finals"),
        *("first_us", "last_us", "leg_us", "merged", "open", "tags"),
    )

    def __init__(self, ordered: Sequence[Fact]) -> None:
        self.merged: Said = {}
        self.open: str = Status.QUEUED
        self.finals: list[str] = []
        self.answered = self.escalated = False
        # Whether a conflict is possible at all: mostly not, and counting costs a third of the fold.
        self.disputed = False
        self.created_us = ordered[0].occurred_us
        self.first_us: dict[str, int] = {}
        self.last_us: dict[str, int] = {}
        self.leg_us: int | None = None
        self.tags: set[str] = set()
        for fact in ordered:
            self._take(fact.said, fact.occurred_us)
            self.disputed = self.disputed or fact.event_id != ""

    def _take(self, said: Said, occurred_us: int) -> None:
        merged = self.merged
        if "leg" in said:
            said = self._of_call(said)
        for name in _PARTIES:
            if name in said and merged.get(name, said[name]) != said[name]:
                self.disputed = True
        merged.update(said)
        if (status := said.get("status")) is not None:
            self._take_status(status, occurred_us)
        for instant_us in (occurred_us, *[said[name] for name in _TIMES if name in said]):
            self.created_us = min(self.created_us, instant_us)
        if "answered_us" in said:
            self.answered = True
        if said.get("talk_seconds", 0) > 0:
            self._take_talk(said, occurred_us)
        if said.get("escalated") or "escalation" in said:
            self.escalated = True
        if "tags" in said:
            self.tags.update(said["tags"])

    def _of_call(self, said: Said) -> Said:
        """What one leg says of the whole call.

        The call was answered when its first leg was, and ended with the last. Who called whom the leg says
        that began first: a later one has the agent to whom the call went on.
        """
        kept, merged, started_us = said.copy(), self.merged, said.get("started_us", 0)
        self.answered = self.answered or "answered_us" in said
        if "answered_us" in said and merged.get("answered_us", said["answered_us"]) < said["answered_us"]:
            del kept["answered_us"]
        if "ended_us" in said:
            kept["ended_us"] = max(said["ended_us"], merged.get("ended_us", said["ended_us"]))
        if self.leg_us is not None and self.leg_us <= started_us:
            for name in _OF_FIRST_LEG:
                kept.pop(name, None)
        else:
            self.leg_us = started_us
        return kept

    def _take_talk(self, said: Said, occurred_us: int) -> None:
        """A talk proves an answer and, told with its end, that the call was there when the talk began."""
        self.answered = True
        ended_us = said.get("ended_us", occurred_us if said.get("status") in FINAL else None)
        if ended_us is not None:
            self.created_us = min(self.created_us, ended_us - int(said["talk_seconds"] * SECOND_US))

    def _take_status(self, status: str, occurred_us: int) -> None:
        self.first_us[status] = min(occurred_us, self.first_us.get(status, occurred_us))
        if status in FINAL:
            self.disputed = self.disputed or (bool(self.finals) and self.finals[0] != status)
            self.finals.append(status)
            self.last_us[status] = occurred_us
        else:
            self.open = status
            self.answered = self.answered or status == Status.IN_PROGRESS

    def status(self) -> str:
        """Final beats open; an answer makes any final state `completed`."""
        if not self.finals:
            return self.open
        if self.answered:
            return Status.COMPLETED
        # Vonage sends `completed` after busy, failed and unanswered too: it proves nothing by itself.
        unanswered = [status for status in self.finals if status in UNANSWERED]
        return unanswered[-1] if unanswered else Status.COMPLETED

    def can_conflict(self, status: str) -> bool:
        """Whether the facts may contradict each other, or the state that they led to."""
        return self.disputed or (bool(self.finals) and self.finals[0] != status)

    def clock(self, status: str) -> _Clock:
        """What a fact states outright, else when the state was told of."""
        merged = self.merged
        ringing_us = merged.get("ringing_us", self.first_us.get(Status.RINGING))
        ended_us = merged.get("ended_us", self._end_us(status)) if status in FINAL else None
        if not self.answered:
            return _Clock(ringing_us, None, ended_us)
        answered_us = merged.get("answered_us", self.first_us.get(Status.IN_PROGRESS))
        talk_seconds = merged.get("talk_seconds", 0)
        if answered_us is None and ended_us is not None and talk_seconds > 0:
            answered_us = ended_us - int(talk_seconds * SECOND_US)
        return _Clock(ringing_us, answered_us, ended_us)

    def pdd_ms(self, ringing_us: int | None) -> int | None:
        """How long after its start it rang. A call that only ever rang has no start that is known."""
        first_us = self.first_us
        told_us = first_us.get(Status.INITIATED, first_us.get(Status.QUEUED))
        started_us = self.merged.get("started_us", told_us)
        if ringing_us is None or started_us is None:
            return None
        return max(0, ringing_us - started_us) // 1000

    def _end_us(self, status: str) -> int:
        """When the last fact that says the call's final state (or, failing that, any) happened."""
        return self.last_us[status if status in self.last_us else self.finals[-1]]


def fold(tenant: str, canonical: Node, facts: Iterable[Fact]) -> Folded:
    """The record that `facts` (at least one, each of this call) prove, whatever their order and repeats."""
    ordered = sorted(facts, key=_order)
    told = _Told(ordered)
    merged, status = told.merged, told.status()
    clock = told.clock(status)
    call = Call(
        id=uuid_text(call_uuid(tenant, canonical.call_sid)),
        call_sid=canonical.call_sid,
        direction=merged.get("direction"),
        status=status,
        duration_seconds=_duration_seconds(merged, status, clock),
        escalated=told.escalated,
        summary=merged.get("summary"),
        created_at=utc_text(told.created_us),
        answered_at=_text(clock.answered_us),
        ended_at=_text(clock.ended_us),
        ring_seconds=_ring_seconds(clock, answered=told.answered),
        from_number=merged.get("from_number"),
        to_number=merged.get("to_number"),
        route=merged.get("route", merged.get("mapped_route")),
        agent=merged.get("agent", merged.get("mapped_agent")),
        provider=merged.get("provider"),
        provider_account=merged.get("provider_account"),
        end_reason=merged.get("end_reason"),
        hangup_cause=merged.get("hangup_cause"),
        sip_code=merged.get("sip_code"),
        error_code=merged.get("error_code"),
        answered_by=merged.get("answered_by"),
        escalation=merged.get("escalation"),
        transfer=merged.get("transfer"),
        session_id=merged.get("session_id"),
        recording_url=merged.get("recording_url"),
        cost=merged.get("cost"),
        parent_call_sid=merged.get("parent_call_sid"),
        tags=sorted(told.tags),
        metadata=_sorted_keys(merged.get("metadata")),
        conflicts=_conflicts(ordered, merged, status) if told.can_conflict(status) else 0,
    )
    return Folded(call, told.created_us, told.pdd_ms(clock.ringing_us))


def _order(fact: Fact) -> tuple[Any, ...]:
    return fact.order


def _duration_seconds(merged: Said, status: str, clock: _Clock) -> int | None:
    """Talk time, floored: null while open, 0 for an unanswered call, a stated one before a computed one."""
    if status in OPEN:
        return None
    if status in UNANSWERED:
        return 0
    if "talk_seconds" in merged:
        return int(merged["talk_seconds"])
    if clock.answered_us is None or clock.ended_us is None:
        return None
    return max(0, clock.ended_us - clock.answered_us) // SECOND_US


def _ring_seconds(clock: _Clock, *, answered: bool) -> int | None:
    """First ringing to answer, or to the end where nobody answered; never part of the talk time."""
    until_us = clock.answered_us if answered else clock.ended_us
    if clock.ringing_us is None or until_us is None:
        return None
    return max(0, until_us - clock.ringing_us) // SECOND_US


def _sorted_keys(metadata: dict[str, Any] | None) -> dict[str, Any] | None:
    # A store may hand back a mapping in another order; the record's bytes must not follow it.
    return dict(sorted(metadata.items())) if metadata else metadata


def _conflicts(ordered: Sequence[Fact], merged: Said, status: str) -> int:
    """How many facts contradict the others: another final state, other parties, or an id used again."""
    conflicts, ids = 0, set()
    previous: Fact | None = None
    for fact in ordered:
        if previous and fact.digest == previous.digest and fact.order == previous.order:
            continue  # The same fact again.
        previous = fact
        sent = (fact.door, fact.provider, fact.account, fact.event_id)
        conflicts += _contradicts(fact.said, merged, status) or sent in ids
        if fact.event_id:
            ids.add(sent)
    return conflicts


def _contradicts(said: Said, merged: Said, status: str) -> bool:
    if "leg" in said:
        # That one agent did not answer says nothing against another who did.
        return False
    final = said.get("status")
    # A `completed` beside busy or no-answer is what Vonage always sends, and contradicts nothing.
    if final in FINAL and final not in (status, Status.COMPLETED):
        return True
    return any(name in said and said[name] != merged[name] for name in _PARTIES)


def _text(instant: int | None) -> str | None:
    return None if instant is None else utc_text(instant)
