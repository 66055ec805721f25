"""A call against what was delivered of it to one endpoint. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from calltally.calls.model import FINAL
from calltally.reconcile.call_states import CallState
from calltally.reconcile.findings import Finding, Kind, times_of
from calltally.store.ledger.outbox import message_id
from calltally.store.webhooks.deliveries import DEAD, DELIVERED


class Sent(NamedTuple):
    """One `voice.call.completed` of a call at an endpoint; `status` is None where its bytes are gone."""

    event_id: bytes
    revision: int
    state: str
    reason: str | None
    updated_us: int
    status: str | None


def judged(call: CallState, sent: Sequence[Sent]) -> Finding | None:
    """What does not add up of a final call; what is still under way does.

    The last event counts: it names what it corrects.
    """
    if call.status not in FINAL:
        return None
    if not sent:
        detail = "it is final, and no event that says so was delivered or is on its way"
        return _finding(Kind.MISSING_EVENT, detail, call, None)
    last = max(sent, key=lambda each: each.revision)
    if last.state == DEAD:
        return _finding(Kind.DEAD_DELIVERY, f"its event was given up: {last.reason}", call, last)
    if last.state == DELIVERED and last.status not in (None, call.status):
        detail = f"{last.status} was delivered last, and its record says {call.status}"
        return _finding(Kind.OTHER_FINAL_STATE, detail, call, last)
    return None


def _finding(kind: Kind, detail: str, call: CallState, last: Sent | None) -> Finding:
    return Finding(
        kind,
        detail,
        call.id,
        call.call_sid,
        ours=call.status,
        theirs=last.status if last else None,
        event_ids=(message_id(last.event_id),) if last else (),
        times=times_of(
            created_at=call.created_us, updated_at=call.updated_us, tried_at=last.updated_us if last else None
        ),
    )
