"""The fold: from the set of facts about a call to the one record of it.

A pure function of the set. Facts are put into their one total order, then each field takes the
last that was said. States have rules of their own (architecture.md, invariant 2), and so has what
platforms say of times and carriers of words (`gathered`).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from calltally.calls.end_reasons import Ending
from calltally.calls.events import Fact, StatedFields
from calltally.calls.evidence import PARTIES, CallEvidence, CallTimes
from calltally.calls.identity import Node, call_uuid, uuid_text
from calltally.calls.model import FINAL, OPEN, UNANSWERED, Call, Status
from calltally.calls.times import SECOND_US, utc_text

# Raised whenever this code can give another record for the same facts: snapshots of another version end,
# and a migration has all calls folded anew.
FOLD_VERSION: Final = 3


class FoldedCall(NamedTuple):
    """A call, the instant it is listed by (which the record carries only as text), and its post-dial delay.

    The delay is no field of the record: it is from the call's start to its first ringing, in milliseconds,
    and None unless facts tell of both (RFC 6076 4.3).
    """

    call: Call
    created_us: int
    pdd_ms: int | None = None


def fold(tenant: str, canonical: Node, facts: Iterable[Fact]) -> FoldedCall:
    """The record that `facts` (at least one, each of this call) prove, whatever their order and repeats."""
    ordered = list(facts)
    if len(ordered) > 1:
        ordered.sort(key=_order)
    told = CallEvidence(ordered)
    merged, status = told.merged, told.status()
    clock = told.clock(status)
    said: Callable[..., Any] = merged.get
    # By place, in the order of the record: thirty names would cost a fifth of the fold.
    call = Call(
        uuid_text(call_uuid(tenant, canonical.call_sid)),
        canonical.call_sid,
        said("direction"),
        status,
        _duration_seconds(merged, status, clock),
        told.escalated,
        said("summary"),
        utc_text(told.created_us),
        _text(clock.answered_us),
        _text(clock.ended_us),
        _ring_seconds(clock, answered=told.answered),
        said("from_number"),
        said("to_number"),
        said("route", said("mapped_route")),
        said("agent", said("mapped_agent", said("platform_agent"))),
        said("provider"),
        said("provider_account"),
        told.ending(status, clock).reason,
        said("hangup_cause"),
        said("sip_code"),
        said("error_code"),
        said("answered_by"),
        said("escalation"),
        said("transfer"),
        said("session_id"),
        said("recording_url"),
        said("cost"),
        said("parent_call_sid"),
        sorted(told.tags),
        _sorted_keys(said("metadata")),
        _conflicts(ordered, merged, status) if told.can_conflict(status) else 0,
    )
    return FoldedCall(call, told.created_us, told.pdd_ms(clock.ringing_us))


def fold_ending(facts: Iterable[Fact]) -> Ending:
    """Why the call of these facts (at least one) ended: what its record has in a word, and what led to it."""
    told = CallEvidence(sorted(facts, key=_order))
    status = told.status()
    return told.ending(status, told.clock(status))


def _order(fact: Fact) -> tuple[Any, ...]:
    return fact.order


def _duration_seconds(merged: StatedFields, status: str, clock: CallTimes) -> int | None:
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


def _ring_seconds(clock: CallTimes, *, answered: bool) -> int | None:
    """First ringing to answer, or to the end where nobody answered; never part of the talk time."""
    until_us = clock.answered_us if answered else clock.ended_us
    if clock.ringing_us is None or until_us is None:
        return None
    return max(0, until_us - clock.ringing_us) // SECOND_US


def _sorted_keys(metadata: dict[str, Any] | None) -> dict[str, Any] | None:
    # A store may hand back a mapping in another order; the record's bytes must not follow it.
    return dict(sorted(metadata.items())) if metadata else metadata


def _conflicts(ordered: Sequence[Fact], merged: StatedFields, status: str) -> int:
    """How many facts contradict the others: another final state, other parties, or an id used again."""
    conflicts, ids = 0, set()
    previous: Fact | None = None
    for fact in ordered:
        if previous and fact.digest == previous.digest and fact.order == previous.order:
            continue  # The same fact again.
        previous = fact
        sent = (fact.channel, fact.provider, fact.account, fact.event_id)
        conflicts += _contradicts(fact.stated, merged, status) or sent in ids
        if fact.event_id:
            ids.add(sent)
    return conflicts


def _contradicts(said: StatedFields, merged: StatedFields, status: str) -> bool:
    if "leg" in said:
        # That one agent did not answer says nothing against another who did.
        return False
    final = said.get("status")
    # A `completed` beside busy or no-answer is what Vonage always sends, and contradicts nothing.
    if final in FINAL and final not in (status, Status.COMPLETED):
        return True
    return any(name in said and said[name] != merged[name] for name in PARTIES)


def _text(instant: int | None) -> str | None:
    return None if instant is None else utc_text(instant)
