"""Enqueueing of a ledger's new events as deliveries, for the endpoints that subscribe and have room."""

from collections.abc import Mapping, Sequence
from typing import Final

from calltally.calls.event_types import event_position
from calltally.store.db.operation import Row, Rows, Statement, StatementMany, StoreOperation
from calltally.store.webhooks.deliveries import EnqueuePoint, put_deliveries
from calltally.store.webhooks.endpoints import Endpoint, EndpointSettings

# Events read in one dispatch; if more are waiting, another dispatch follows.
BATCH_EVENTS: Final = 500
# Direction, route and agent of an event that belongs to no call.
NO_CALL_FIELDS: Final = (None, None, None)
_OF_NO_CALL: Final = event_position("voice.webhook.delivery_failed")


def enqueue_events(
    tenant: str, active: Sequence[Endpoint], room: Mapping[bytes, int], at: EnqueuePoint
) -> StoreOperation[tuple[set[tuple[bytes, bytes]], bool]]:
    """Enqueue new events for the endpoints that have room.

    Returns the endpoint and call of each new row, and whether events are left. Endpoints without backlog have
    the same position in the ledger, so one read serves all of them.
    """
    revision, now_us = at
    enqueued: set[tuple[bytes, bytes]] = set()
    is_behind = False
    by_revision: dict[int, list[Endpoint]] = {}
    for each in active:
        if each.enqueued_revision < revision and room.get(each.endpoint, BATCH_EVENTS) > 0:
            by_revision.setdefault(each.enqueued_revision, []).append(each)
    for enqueued_revision, group in by_revision.items():
        events, upto = yield from _events_after(tenant, enqueued_revision, revision)
        is_behind = is_behind or upto < revision
        rows = [
            _row(tenant, each, event, now_us)
            for each in group
            for event in events
            if matches_subscription(each.settings, event[1], event[5:8])
        ]
        yield from put_deliveries(rows)
        yield StatementMany(
            "move_endpoints", [{"tenant": tenant, "endpoint": each.endpoint, "taken": upto} for each in group]
        )
        enqueued |= {(row["endpoint"], row["call_id"]) for row in rows}  # type: ignore[misc] # both are bytes
    return enqueued, is_behind


def _events_after(tenant: str, after: int, revision: int) -> StoreOperation[tuple[Rows, int]]:
    """Return events after a revision, and the revision up to which they are complete."""
    rows = yield Statement("events_after", {"tenant": tenant, "after": after, "most": BATCH_EVENTS})
    if len(rows) < BATCH_EVENTS:
        return rows, max(revision, rows[-1][0] if rows else 0)
    # The last revision may have more events than were read.
    last = rows[-1][0]
    return [row for row in rows if row[0] < last], last - 1


def matches_subscription(settings: EndpointSettings, event: str, values: Sequence[str | None]) -> bool:
    """Decide whether an endpoint subscribes to an event of a call with this direction, route and agent.

    The filters concern calls, so an event that belongs to no call passes them.
    """
    if settings.events and event not in settings.events:
        return False
    if event_position(event) >= _OF_NO_CALL:
        return True
    filters = (settings.direction, settings.route, settings.agent)
    return all(each is None or each == value for each, value in zip(filters, values, strict=True))


def _row(tenant: str, endpoint: Endpoint, event: Row, now_us: int) -> dict[str, object]:
    revision, name, event_id, call_id, created_us, *_ = event
    named = {"tenant": tenant, "endpoint": endpoint.endpoint, "event_id": event_id, "event": name}
    order = {"revision": revision, "place": event_position(name), "call_id": call_id}
    return {**named, **order, "due_us": now_us, "created_us": created_us, "body": None}
