"""Reads and replays of deliveries; `webhooks.dispatch` makes the deliveries."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from calltally.calls.errors import NotFound
from calltally.calls.event_types import event_position
from calltally.store.db.fact_codec import body_codec
from calltally.store.db.operation import Clauses, Statement, StatementMany, StoreOperation
from calltally.store.ledger.outbox import event_time
from calltally.store.webhooks.endpoints import lock_deliveries, need_endpoint, wake_dispatcher

WAITING: Final = "waiting"
DELIVERED: Final = "delivered"
DEAD: Final = "dead"
STATES: Final = (WAITING, DELIVERED, DEAD)
LAST_ID: Final = b"\xff" * 16
MOST_OF_CALL: Final = 200
_REPLAYED_AT_ONCE: Final = 500


class Delivery(NamedTuple):
    """One event for one endpoint. `due_us` is the time of the next attempt, `reason` the last failure."""

    endpoint: bytes
    event_id: bytes
    event: str
    revision: int
    call_id: bytes
    state: str
    attempts: int
    due_us: int
    reason: str | None
    created_us: int
    updated_us: int


class StoredAttempt(NamedTuple):
    """One attempt. `status` is None if no response came; `answer` is the first KiB of the response body."""

    attempt: int
    at_us: int
    took_us: int
    status: int | None
    reason: str | None
    answer: bytes
    next_us: int | None


class DeliveryFilter(NamedTuple):
    """Filter of an endpoint's deliveries: state, event, call, window, and the id before which to list."""

    state: str | None = None
    event: str | None = None
    call_id: bytes | None = None
    since_us: int | None = None
    until_us: int | None = None
    before: bytes = LAST_ID


def list_deliveries(
    tenant: str, endpoint: bytes, criteria: DeliveryFilter, most: int
) -> StoreOperation[list[Delivery]]:
    """List up to `most` deliveries, newest first. Raises NotFound for an unknown endpoint."""
    yield from need_endpoint(tenant, endpoint)
    until = event_time(criteria.until_us) if criteria.until_us is not None else LAST_ID
    since = event_time(criteria.since_us) if criteria.since_us is not None else b""
    named = {"tenant": tenant, "endpoint": endpoint, "before": min(criteria.before, until), "since": since}
    given = {"state": criteria.state, "event": criteria.event, "call_id": criteria.call_id}
    filters = {name: value for name, value in given.items() if value is not None}
    clause = "".join(f" AND {name} = :{name}" for name in filters)
    rows = yield Statement("deliveries_before", {**named, **filters, "most": most}, (("filters", clause),))
    return [Delivery(endpoint, *row) for row in rows]


def deliveries_of_call(tenant: str, call_id: bytes) -> StoreOperation[list[Delivery]]:
    """Return the deliveries of a call's events in their order, MOST_OF_CALL at most."""
    params = {"tenant": tenant, "call_id": call_id, "most": MOST_OF_CALL}
    rows = yield Statement("deliveries_of_call", params)
    return [Delivery(*row) for row in rows]


def find_delivery(
    tenant: str, endpoint: bytes, event_id: bytes
) -> StoreOperation[tuple[Delivery, list[StoredAttempt]]]:
    """Find one delivery with all its attempts. Raises NotFound."""
    yield from need_endpoint(tenant, endpoint)
    named = {"tenant": tenant, "endpoint": endpoint, "event_id": event_id}
    rows = yield Statement("delivery_of_id", named)
    if not rows:
        raise NotFound("there is no delivery of that event to this endpoint; old ones are deleted")
    attempts = yield Statement("attempts_of_delivery", named)
    return Delivery(endpoint, *rows[0]), [StoredAttempt(*row) for row in attempts]


class ReplayRange(NamedTuple):
    """Range of deliveries to replay: those with ids between two, in some states."""

    after: bytes
    before: bytes
    states: Sequence[str] = (DELIVERED, DEAD)

    @classmethod
    def of_window(cls, since_us: int, until_us: int | None, states: Sequence[str]) -> "ReplayRange":
        """Return the range of the deliveries with events in a window."""
        before = LAST_ID if until_us is None else event_time(until_us)
        return cls(event_time(since_us), before, states)


def replay_some(
    tenant: str, endpoint: bytes, replay: ReplayRange, now_us: int
) -> StoreOperation[tuple[int, ReplayRange | None]]:
    """Restart some hundred deliveries. Returns their number and the range that is left. Raises NotFound."""
    yield from lock_deliveries(tenant)
    yield from need_endpoint(tenant, endpoint)
    # Only known states get into the SQL.
    states = ", ".join(repr(state) for state in STATES if state in replay.states)
    clauses: Clauses = (("filters", f" AND state IN ({states})"),)
    named = {"tenant": tenant, "endpoint": endpoint}
    window = {"after": replay.after, "before": replay.before, "most": _REPLAYED_AT_ONCE}
    found = yield Statement("deliveries_to_replay", {**named, **window}, clauses)
    if not found:
        return 0, None
    ids = {"first": found[0][0], "last": found[-1][0], "now_us": now_us}
    yield Statement("replay_deliveries", {**named, **ids}, clauses)
    yield from wake_dispatcher(tenant)
    left = replay._replace(after=found[-1][0]) if len(found) == _REPLAYED_AT_ONCE else None
    return len(found), left


def replay_one(tenant: str, endpoint: bytes, event_id: bytes, now_us: int) -> StoreOperation[None]:
    """Restart one delivery; a waiting one becomes due at once. Raises NotFound."""
    yield from lock_deliveries(tenant)
    yield from find_delivery(tenant, endpoint, event_id)
    named = {"tenant": tenant, "endpoint": endpoint, "first": event_id, "last": event_id, "now_us": now_us}
    yield Statement("replay_deliveries", named, (("filters", ""),))
    yield from wake_dispatcher(tenant)


class EnqueuePoint(NamedTuple):
    """Revision of the ledger and time at which deliveries are enqueued."""

    revision: int
    now_us: int


class EndpointNotice(NamedTuple):
    """An event that belongs to no call, with its bytes."""

    event: str
    event_id: bytes
    body: bytes


def put_notice(tenant: str, endpoint: bytes, notice: EndpointNotice, now_us: int) -> StoreOperation[None]:
    """Enqueue an event of no call for one endpoint. The caller holds the lock of deliveries."""
    [(revision, _epoch, _erasures)] = yield Statement("ledger_to_deliver", {"tenant": tenant})
    yield from put_deliveries([notice_row(tenant, endpoint, notice, EnqueuePoint(revision, now_us))])
    yield from wake_dispatcher(tenant)


def notice_row(tenant: str, endpoint: bytes, notice: EndpointNotice, at: EnqueuePoint) -> dict[str, object]:
    """Return a notice as a row. Its own id stands in for a call's, so it waits for no other event."""
    order = {"revision": at.revision, "place": event_position(notice.event), "call_id": notice.event_id}
    times = {"due_us": at.now_us, "created_us": at.now_us, "body": body_codec.compress(notice.body)}
    named = {"tenant": tenant, "endpoint": endpoint, "event_id": notice.event_id, "event": notice.event}
    return {**named, **order, **times}


def put_deliveries(rows: Sequence[dict[str, object]]) -> StoreOperation[None]:
    """Insert deliveries; existing ones stay unchanged."""
    if rows:
        yield StatementMany("put_deliveries", rows)
