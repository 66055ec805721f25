"""Deliveries of completed calls to one endpoint, and redelivery of those that are missing."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from calltally.calls.event_types import COMPLETED, event_position
from calltally.calls.model import Call
from calltally.calls.times import parse_instant
from calltally.store.db.fact_codec import body_codec
from calltally.store.db.operation import Statement, StatementMany, StoreOperation
from calltally.store.ledger.outbox import CommitInstant, completed_event
from calltally.store.webhooks.deliveries import put_deliveries
from calltally.store.webhooks.endpoints import lock_deliveries, wake_dispatcher

_AT_ONCE: Final = 500


class CompletedDelivery(NamedTuple):
    """Delivery of a call's `voice.call.completed` to an endpoint; `status` is None if the event is pruned."""

    call_id: bytes
    event_id: bytes
    revision: int
    state: str
    reason: str | None
    updated_us: int
    status: str | None


class _Status(msgspec.Struct):
    status: str | None = None


class _EventBody(msgspec.Struct):
    data: _Status


_decoder: Final = msgspec.json.Decoder(_EventBody)


def completed_events_of(
    tenant: str, endpoint: bytes, calls: Sequence[bytes]
) -> StoreOperation[list[CompletedDelivery]]:
    """Return the `voice.call.completed` of these calls that an endpoint was sent or will be sent."""
    found: list[CompletedDelivery] = []
    for at in range(0, len(calls), _AT_ONCE):
        named = [
            {"tenant": tenant, "endpoint": endpoint, "call_id": call, "event": COMPLETED}
            for call in calls[at : at + _AT_ONCE]
        ]
        for *delivery, body in (yield StatementMany("events_of_calls", named)):
            status = None if body is None else _decoder.decode(body_codec.decompress(body)).data.status
            found.append(CompletedDelivery._make((*delivery, status)))
    return found


class _Record(msgspec.Struct):
    """Fields of a record that an event needs beside the call itself."""

    revision: int
    updated_at: str


def deliver_current_state(tenant: str, endpoint: bytes, call_id: bytes, now_us: int) -> StoreOperation[bool]:
    """Enqueue an event with the current state of a call for an endpoint. Return False if the call is gone.

    The event's id is that of the call's last change, so a repetition changes nothing.
    """
    yield from lock_deliveries(tenant)
    [(_revision, epoch, _erasures)] = yield Statement("ledger_to_deliver", {"tenant": tenant})
    rows = yield Statement("record_of_id", {"tenant": tenant, "id": call_id})
    if not rows:
        return False
    record = msgspec.json.decode(rows[0][0], type=_Record)
    call = msgspec.json.decode(rows[0][0], type=Call)
    at = CommitInstant(tenant, epoch, record.revision, parse_instant(record.updated_at))
    event = completed_event(at, call)
    values = {"event": event.name, "event_id": event.id, "body": body_codec.compress(event.body)}
    matched = {"direction": call.direction, "route": call.route, "agent": call.agent}
    named = {"tenant": tenant, "revision": at.revision, "call_id": call_id, "created_us": at.now_us}
    yield Statement("add_event", {**named, **values, **matched})
    row = {"tenant": tenant, "endpoint": endpoint, "event_id": event.id, "event": event.name, "body": None}
    order = {"revision": at.revision, "place": event_position(event.name), "call_id": call_id}
    yield from put_deliveries([{**row, **order, "due_us": now_us, "created_us": at.now_us}])
    yield from wake_dispatcher(tenant)
    return True
