"""The fold: a pure function from the set of facts about a call to the one record of it.

The fold sorts facts by their total order; each field takes the last stated value. States have rules of their
own (`lifecycle`). So have the times that platforms state and the words that carriers state (`evidence`).
"""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, Final, NamedTuple

from calltally.calls.end_reasons import Ending
from calltally.calls.events import Fact, StatedFields
from calltally.calls.evidence import PARTIES, CallEvidence, CallTimes, is_another_call
from calltally.calls.identity import Node, call_uuid, uuid_text
from calltally.calls.lifecycle import contradicts
from calltally.calls.model import OPEN, UNANSWERED, Call
from calltally.calls.times import SECOND_US, utc_text

# Raise it with every change that can give another record for the same facts. Snapshots of another version
# end, and a migration folds all calls again.
FOLD_VERSION: Final = 5


class FoldedCall(NamedTuple):
    """Call, its creation time as a number (the record has it only as text), and its post-dial delay.

    `knows_transfers` and `knows_escalation` are true if a source that reports these describes the call. The
    delay is not a field of the record. It is the time from the start to the first ringing, in
    milliseconds, and None unless facts state both (RFC 6076 4.3).
    """

    call: Call
    created_us: int
    pdd_ms: int | None = None
    knows_transfers: bool = False
    knows_escalation: bool = False


def fold(tenant: str, canonical: Node, facts: Iterable[Fact]) -> FoldedCall:
    """Return the record of `facts` (at least one, all of one call), whatever their order and repeats."""
    ordered = _ordered(facts)
    evidence = CallEvidence(ordered)
    merged, status = evidence.merged, evidence.status()
    times = evidence.times(status)
    stated: Callable[..., Any] = merged.get
    metadata = stated("metadata")
    # Positional, in the order of the record: thirty keywords would cost a fifth of the fold.
    call = Call(
        uuid_text(call_uuid(tenant, canonical.call_sid)),
        canonical.call_sid,
        stated("direction"),
        status,
        _duration_seconds(merged, status, times),
        evidence.is_escalated,
        stated("summary"),
        utc_text(evidence.created_us),
        _text(times.answered_us),
        _text(times.ended_us),
        _ring_seconds(times, is_answered=evidence.is_answered),
        stated("from_number"),
        stated("to_number"),
        stated("route", stated("mapped_route")),
        stated("agent", stated("mapped_agent", stated("platform_agent"))),
        stated("provider"),
        stated("provider_account"),
        evidence.ending(status, times).reason,
        stated("hangup_cause"),
        stated("sip_code"),
        stated("error_code"),
        stated("answered_by"),
        stated("escalation"),
        stated("transfer"),
        stated("session_id"),
        stated("recording_url"),
        stated("cost"),
        stated("parent_call_sid"),
        sorted(evidence.tags),
        # A store may return a mapping in another order; the bytes of the record must not change with it.
        dict(sorted(metadata.items())) if metadata else metadata,
        _conflicts(ordered, merged, status) if evidence.can_conflict(status) else 0,
    )
    pdd_ms = evidence.pdd_ms(times.ringing_us)
    return FoldedCall(call, evidence.created_us, pdd_ms, evidence.knows_transfers, evidence.knows_escalation)


def fold_ending(facts: Iterable[Fact]) -> Ending:
    """Return the ending of the call with these facts (at least one). Its reason equals the record's."""
    evidence = CallEvidence(_ordered(facts))
    status = evidence.status()
    return evidence.ending(status, evidence.times(status))


def _ordered(facts: Iterable[Fact]) -> list[Fact]:
    """Return the facts in their total order, without reports that a later stage supersedes."""
    ordered = list(facts)
    if len(ordered) > 1:
        ordered.sort(key=attrgetter("order"))
        for fact in ordered:
            if "report_stage" in fact.stated:
                return _without_superseded(ordered)
    return ordered


def _without_superseded(ordered: Sequence[Fact]) -> list[Fact]:
    """Return the facts without reports of lower stages than another report of the same source and SID."""
    last_stage: dict[tuple[str, str], int] = {}
    for fact in ordered:
        report = (fact.provider, fact.call_sid)
        last_stage[report] = max(fact.stated.get("report_stage", 0), last_stage.get(report, 0))
    return [
        fact
        for fact in ordered
        if "report_stage" not in fact.stated
        or fact.stated["report_stage"] == last_stage[fact.provider, fact.call_sid]
    ]


def _duration_seconds(merged: StatedFields, status: str, times: CallTimes) -> int | None:
    """Return the talk time, floored: None while open, 0 if unanswered, stated before computed."""
    if status in OPEN:
        return None
    if status in UNANSWERED:
        return 0
    if "talk_seconds" in merged:
        return int(merged["talk_seconds"])
    if times.answered_us is None or times.ended_us is None:
        return None
    return max(0, times.ended_us - times.answered_us) // SECOND_US


def _ring_seconds(times: CallTimes, *, is_answered: bool) -> int | None:
    """Return the time from the first ringing to the answer, or to the end without one; no talk time."""
    until_us = times.answered_us if is_answered else times.ended_us
    if times.ringing_us is None or until_us is None:
        return None
    return max(0, until_us - times.ringing_us) // SECOND_US


def _conflicts(ordered: Sequence[Fact], merged: StatedFields, status: str) -> int:
    """Count the facts that contradict the others: another final state, other parties, a reused id.

    An id is reused if a sender's event has it twice, or if a carrier gives it to calls of different times.
    """
    conflicts, sender_ids = 0, set()
    previous: Fact | None = None
    for fact in ordered:
        if previous and fact.digest == previous.digest and fact.order == previous.order:
            continue  # A repeat of the same fact.
        previous = fact
        sender_id = (fact.channel, fact.provider, fact.account, fact.event_id)
        conflicts += _contradicts(fact, merged, status) or sender_id in sender_ids
        if fact.event_id:
            sender_ids.add(sender_id)
    return conflicts


def _contradicts(fact: Fact, merged: StatedFields, status: str) -> bool:
    stated = fact.stated
    if "leg" in stated:
        # One agent's missing answer does not contradict another agent's answer.
        return False
    if contradicts(stated.get("status"), status) or (fact.is_carrier and is_another_call(stated, merged)):
        return True
    return any(name in stated and stated[name] != merged[name] for name in PARTIES)


def _text(instant_us: int | None) -> str | None:
    return None if instant_us is None else utc_text(instant_us)
