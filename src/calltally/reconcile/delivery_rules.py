"""Comparison of a call with its deliveries to one endpoint. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from calltally.calls.model import FINAL
from calltally.reconcile.call_states import CallState
from calltally.reconcile.findings import Finding, FindingKind, times_of
from calltally.store.ledger.outbox import message_id
from calltally.store.webhooks.deliveries import DEAD, DELIVERED


class SentEvent(NamedTuple):
    """Event `voice.call.completed` of a call at an endpoint; `status` is None if its body is deleted."""

    event_id: bytes
    revision: int
    state: str
    reason: str | None
    updated_us: int
    status: str | None


def delivery_finding(call: CallState, sent: Sequence[SentEvent]) -> Finding | None:
    """Return the finding of a final call. A delivery that is still in progress is none.

    The last event counts, because it names the state that it corrects.
    """
    if call.status not in FINAL:
        return None
    if not sent:
        detail = "the call is final, but no event for it was delivered or is pending"
        return _finding(FindingKind.MISSING_EVENT, detail, call, None)
    last = max(sent, key=lambda each: each.revision)
    if last.state == DEAD:
        return _finding(
            FindingKind.DEAD_DELIVERY, f"all attempts to deliver its event failed: {last.reason}", call, last
        )
    if last.state == DELIVERED and last.status not in (None, call.status):
        detail = f"the last delivered status is {last.status}, but the record has {call.status}"
        return _finding(FindingKind.OTHER_FINAL_STATE, detail, call, last)
    return None


def _finding(kind: FindingKind, detail: str, call: CallState, last: SentEvent | None) -> Finding:
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
