"""Reconciliation of calls with one endpoint's deliveries, and delivery of missing events."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, NamedTuple, TypeAlias

import msgspec

from calltally.calls.event_types import COMPLETED
from calltally.calls.identity import parse_uuid
from calltally.calls.model import FINAL
from calltally.calls.times import utc_text
from calltally.calls.windows import TimeWindow
from calltally.exports.window import calls_of_window
from calltally.reconcile.call_states import CallState, chunk_states
from calltally.reconcile.findings import (
    Finding,
    FindingKind,
    FindingTally,
    ReconciliationReport,
    ReportWindow,
    times_of,
)
from calltally.store.db.interface import Store
from calltally.store.ledger.outbox import message_id
from calltally.store.webhooks.deliveries import DEAD, DELIVERED, replay_one
from calltally.store.webhooks.endpoints import Endpoint, need_endpoint
from calltally.store.webhooks.enqueue import matches_subscription
from calltally.store.webhooks.redelivery import completed_events_of, deliver_current_state


class _Filtered(msgspec.Struct):
    """Fields of a call that an endpoint's filters use."""

    id: str
    direction: str | None = None
    route: str | None = None
    agent: str | None = None


_Call: TypeAlias = tuple[CallState, tuple[str | None, str | None, str | None]]
_filtered: Final = msgspec.json.Decoder(_Filtered)
_MESSAGE: Final = "msg_"


class SentEvent(NamedTuple):
    """Event `voice.call.completed` of a call at an endpoint; `status` is None if its body is deleted."""

    event_id: bytes
    revision: int
    state: str
    reason: str | None
    updated_us: int
    status: str | None


def delivery_finding(call: CallState, sent: Sequence[SentEvent]) -> Finding | None:
    """Return the finding of a final call. A delivery in progress is no finding.

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
        detail = f"the state of the last delivered event is {last.status}, that of the record {call.status}"
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


class DeliveryReconciliation(NamedTuple):
    """Request of a reconciliation with one endpoint's deliveries; with `heal` missing events are delivered.

    Calls that changed before `since_us` are skipped, because their events are no longer stored.
    """

    tenant: str
    endpoint: bytes
    window: TimeWindow
    since_us: int
    heal: bool = False
    most: int | None = None


async def reconcile_deliveries(
    store: Store, request: DeliveryReconciliation, now_us: int, on_finding: Callable[[Finding], None]
) -> ReconciliationReport:
    """Run a reconciliation; calls `on_finding` for each finding. Raises NotFound for an unknown endpoint."""
    endpoint: Endpoint = await store.read(need_endpoint(request.tenant, request.endpoint))
    since_us = max(request.since_us, endpoint.created_us)
    tally, examined = FindingTally(request.most), {"calls": 0, "passed_over": 0, "healed": 0}
    async for calls in _chunks(store, request):
        step = completed_events_of(request.tenant, request.endpoint, list(calls))
        sent: dict[bytes, list[SentEvent]] = {}
        for row in await store.read(step, long=True):
            sent.setdefault(row.call_id, []).append(SentEvent(*row[1:]))
        for call_id, (call, facets) in calls.items():
            examined["calls"] += 1
            is_expected = (call.updated_us or 0) >= since_us and matches_subscription(
                endpoint.settings, COMPLETED, facets
            )
            if not sent.get(call_id) and not is_expected:
                examined["passed_over"] += 1
            elif (finding := delivery_finding(call, sent.get(call_id, []))) is not None:
                tally.add(finding)
                on_finding(finding)
                if request.heal:
                    examined["healed"] += await _heal(store, request, finding, now_us)
    return tally.report("deliveries", ReportWindow(*map(utc_text, request.window)), examined)


async def _chunks(store: Store, request: DeliveryReconciliation) -> AsyncIterator[dict[bytes, _Call]]:
    """Yield the calls of the window by id, from one snapshot."""
    window = await calls_of_window(store, request.tenant, request.window)
    async for records in window.chunks():
        facets = {
            each.id: (each.direction, each.route, each.agent) for each in _filtered.decode_lines(records)
        }
        yield {parse_uuid(each.id) or b"": (each, facets[each.id]) for each in chunk_states(records)}


async def _heal(store: Store, request: DeliveryReconciliation, finding: Finding, now_us: int) -> bool:
    """Deliver the missing event: a dead delivery under its own id, else the call's current state."""
    tenant, endpoint = request.tenant, request.endpoint
    if finding.kind is FindingKind.DEAD_DELIVERY:
        event_id = parse_uuid(finding.event_ids[0].removeprefix(_MESSAGE)) or b""
        await store.write(replay_one(tenant, endpoint, event_id, now_us))
        return True
    call_id = parse_uuid(finding.call_id or "") or b""
    return await store.write(deliver_current_state(tenant, endpoint, call_id, now_us))
