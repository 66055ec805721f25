"""Deliveries as they are looked at and asked for again; `delivery_turn` is how they are made."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from calltally.calls.errors import NotFound
from calltally.calls.event_types import event_position
from calltally.store.db.fact_codec import body_codec
from calltally.store.db.operation import Clauses, Row, Statement, StatementMany, StoreOperation
from calltally.store.ledger.outbox import event_time
from calltally.store.webhooks.endpoints import lock_deliveries, need_endpoint, wake

WAITING: Final = "waiting"
DELIVERED: Final = "delivered"
DEAD: Final = "dead"
STATES: Final = (WAITING, DELIVERED, DEAD)
LAST_ID: Final = b"\xff" * 16
MOST_OF_CALL: Final = 200
_REPLAYED_AT_ONCE: Final = 500


class Delivery(NamedTuple):
    """One event at one endpoint. `due_us` is when it is tried next; `reason` why it was not taken."""

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


class Attempt(NamedTuple):
    """One attempt. `status` is None where no answer came; `answer` is the first KiB of its body."""

    attempt: int
    at_us: int
    took_us: int
    status: int | None
    reason: str | None
    answer: bytes
    next_us: int | None


class Shown(NamedTuple):
    """Which deliveries of an endpoint: of a state, an event, a call, a window; those before an id."""

    state: str | None = None
    event: str | None = None
    call_id: bytes | None = None
    since_us: int | None = None
    until_us: int | None = None
    before: bytes = LAST_ID


def list_deliveries(tenant: str, endpoint: bytes, shown: Shown, most: int) -> StoreOperation[list[Delivery]]:
    """Up to `most` of them, the newest first. Raises NotFound for no such endpoint."""
    yield from need_endpoint(tenant, endpoint)
    until = event_time(shown.until_us) if shown.until_us is not None else LAST_ID
    since = event_time(shown.since_us) if shown.since_us is not None else b""
    named = {"tenant": tenant, "endpoint": endpoint, "before": min(shown.before, until), "since": since}
    wanted = {"state": shown.state, "event": shown.event, "call_id": shown.call_id}
    filters = {name: value for name, value in wanted.items() if value is not None}
    clause = "".join(f" AND {name} = :{name}" for name in filters)
    request = Statement("deliveries_before", {**named, **filters, "most": most}, (("filters", clause),))
    rows = yield request
    return [_delivery(endpoint, row) for row in rows]


def deliveries_of_call(tenant: str, call_id: bytes) -> StoreOperation[list[Delivery]]:
    """What became of a call's events, in their order; of very many the first."""
    asked = {"tenant": tenant, "call_id": call_id, "most": MOST_OF_CALL}
    rows = yield Statement("deliveries_of_call", asked)
    return [_delivery(row[0], row[1:]) for row in rows]


def find_delivery(
    tenant: str, endpoint: bytes, event_id: bytes
) -> StoreOperation[tuple[Delivery, list[Attempt]]]:
    """One delivery with every attempt that was made. Raises NotFound."""
    yield from need_endpoint(tenant, endpoint)
    named = {"tenant": tenant, "endpoint": endpoint, "event_id": event_id}
    rows = yield Statement("delivery_of_id", named)
    if not rows:
        raise NotFound("there is no delivery of that event to this endpoint; old ones are forgotten")
    attempts = yield Statement("attempts_of_delivery", named)
    return _delivery(endpoint, rows[0]), [Attempt(*row) for row in attempts]


class Again(NamedTuple):
    """Which deliveries are to be made again: those with ids between two, of some states."""

    after: bytes
    before: bytes
    states: Sequence[str] = (DELIVERED, DEAD)

    @classmethod
    def of_window(cls, since_us: int, until_us: int | None, states: Sequence[str]) -> "Again":
        """Those whose events happened in a window."""
        before = LAST_ID if until_us is None else event_time(until_us)
        return cls(event_time(since_us), before, states)


def replay_some(
    tenant: str, endpoint: bytes, again: Again, now_us: int
) -> StoreOperation[tuple[int, Again | None]]:
    """Begin some hundred deliveries anew; how many, and what is left to ask for. Raises NotFound."""
    yield from lock_deliveries(tenant)
    yield from need_endpoint(tenant, endpoint)
    clauses: Clauses = (("filters", _of_states(again.states)),)
    named = {"tenant": tenant, "endpoint": endpoint}
    window = {"after": again.after, "before": again.before, "most": _REPLAYED_AT_ONCE}
    found = yield Statement("deliveries_to_replay", {**named, **window}, clauses)
    if not found:
        return 0, None
    ids = {"first": found[0][0], "last": found[-1][0], "now_us": now_us}
    yield Statement("replay_deliveries", {**named, **ids}, clauses)
    yield from wake(tenant)
    left = again._replace(after=found[-1][0]) if len(found) == _REPLAYED_AT_ONCE else None
    return len(found), left


def replay_one(tenant: str, endpoint: bytes, event_id: bytes, now_us: int) -> StoreOperation[None]:
    """Begin one delivery anew; one that waits is due at once. Raises NotFound."""
    yield from lock_deliveries(tenant)
    yield from find_delivery(tenant, endpoint, event_id)
    named = {"tenant": tenant, "endpoint": endpoint, "first": event_id, "last": event_id, "now_us": now_us}
    yield Statement("replay_deliveries", named, (("filters", ""),))
    yield from wake(tenant)


class Notice(NamedTuple):
    """An event that is of no call, with its bytes."""

    event: str
    event_id: bytes
    body: bytes


def put_notice(tenant: str, endpoint: bytes, notice: Notice, now_us: int) -> StoreOperation[None]:
    """Have an event of no call be delivered to one endpoint. Under the lock."""
    [(revision, _epoch, _erasures)] = yield Statement("ledger_to_deliver", {"tenant": tenant})
    yield from put_deliveries([notice_row(tenant, endpoint, notice, (revision, now_us))])
    yield from wake(tenant)


def notice_row(tenant: str, endpoint: bytes, notice: Notice, at: tuple[int, int]) -> dict[str, object]:
    """Such an event as a row, at a revision and a time. It waits for no other, since it is its own call."""
    revision, now_us = at
    order = {"revision": revision, "place": event_position(notice.event), "call_id": notice.event_id}
    times = {"due_us": now_us, "created_us": now_us, "body": body_codec.compress(notice.body)}
    named = {"tenant": tenant, "endpoint": endpoint, "event_id": notice.event_id, "event": notice.event}
    return {**named, **order, **times}


def put_deliveries(rows: Sequence[dict[str, object]]) -> StoreOperation[None]:
    """Have events wait for endpoints; one that is there already stays as it is."""
    if rows:
        yield StatementMany("put_deliveries", rows)


def _of_states(states: Sequence[str]) -> str:
    """Constant SQL: the words are ours."""
    known = [state for state in STATES if state in states]
    return f" AND state IN ({', '.join(repr(state) for state in known)})"


def _delivery(endpoint: bytes, row: Row) -> Delivery:
    return Delivery(endpoint, *row)
