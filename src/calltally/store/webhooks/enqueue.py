"""New events of a ledger as deliveries of the endpoints that have room for them and want them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from calltally.calls.event_types import event_position
from calltally.store.db.operation import Row, Rows, Statement, StatementMany, StoreOperation
from calltally.store.webhooks.deliveries import put_deliveries
from calltally.store.webhooks.endpoints import Endpoint, Wanted

# Events that are read at once; a turn with more of them to read is followed by another.
READ_AT_ONCE: Final = 500
# What an event that is of no call says of its direction, route and agent.
UNSAID: Final = (None, None, None)
_OF_NO_CALL: Final = event_position("voice.webhook.delivery_failed")


def take_in(
    tenant: str, active: Sequence[Endpoint], room: Mapping[bytes, int], at: tuple[int, int]
) -> StoreOperation[tuple[set[tuple[bytes, bytes]], bool]]:
    """Rows for new events, for endpoints that have room.

    Returns which endpoints and calls have some, and whether events are left. Endpoints that keep up are at
    the same place in the ledger, so one reading serves all of them.
    """
    revision, now_us = at
    fresh: set[tuple[bytes, bytes]] = set()
    is_behind = False
    places: dict[int, list[Endpoint]] = {}
    for each in active:
        if each.taken < revision and room.get(each.endpoint, READ_AT_ONCE) > 0:
            places.setdefault(each.taken, []).append(each)
    for taken, group in places.items():
        events, upto = yield from _events_after(tenant, taken, revision)
        is_behind = is_behind or upto < revision
        rows = [_row(tenant, each, event, now_us) for each in group for event in _wanted(each, events)]
        yield from put_deliveries(rows)
        yield StatementMany(
            "move_endpoints", [{"tenant": tenant, "endpoint": each.endpoint, "taken": upto} for each in group]
        )
        fresh |= {(row["endpoint"], row["call_id"]) for row in rows}  # type: ignore[misc] # both are bytes
    return fresh, is_behind


def _events_after(tenant: str, after: int, revision: int) -> StoreOperation[tuple[Rows, int]]:
    """Events behind a revision, and up to which revision they are all."""
    rows = yield Statement("events_after", {"tenant": tenant, "after": after, "most": READ_AT_ONCE})
    if len(rows) < READ_AT_ONCE:
        return rows, max(revision, rows[-1][0] if rows else 0)
    # The last revision may have more events than were read.
    last = rows[-1][0]
    return [row for row in rows if row[0] < last], last - 1


def _wanted(endpoint: Endpoint, events: Iterable[Row]) -> list[Row]:
    return [row for row in events if wants(endpoint.wanted, row[1], row[5:8])]


def wants(wanted: Wanted, event: str, said: Sequence[str | None]) -> bool:
    """Whether an endpoint is sent an event of a call with this direction, route and agent.

    Filters are of calls, so an event that is of none passes them.
    """
    if wanted.events and event not in wanted.events:
        return False
    if event_position(event) >= _OF_NO_CALL:
        return True
    filters = (wanted.direction, wanted.route, wanted.agent)
    return all(each is None or each == value for each, value in zip(filters, said, strict=True))


def _row(tenant: str, endpoint: Endpoint, event: Row, now_us: int) -> dict[str, object]:
    revision, name, event_id, call_id, created_us, *_ = event
    named = {"tenant": tenant, "endpoint": endpoint.endpoint, "event_id": event_id, "event": name}
    order = {"revision": revision, "place": event_position(name), "call_id": call_id}
    return {**named, **order, "due_us": now_us, "created_us": created_us, "body": None}
