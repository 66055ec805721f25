"""Dispatch of a tenant's deliveries, as one transaction.

It saves the results of attempts, enqueues new events, and returns the deliveries to send next.

Each endpoint has an `enqueued_revision`: events up to it have rows of deliveries, later ones do not yet. So
an event costs nothing before there is room for it, and an endpoint that does not respond costs the others
nothing. Of each call only the first waiting event is dispatched.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from calltally.store.db.leases import Lease, renew
from calltally.store.db.operation import Statement, StatementMany, StoreOperation
from calltally.store.webhooks.deliveries import (
    DELIVERED,
    WAITING,
    EndpointNotice,
    EnqueuePoint,
    notice_row,
    put_deliveries,
)
from calltally.store.webhooks.endpoints import Endpoint, endpoints_of, lock_deliveries
from calltally.store.webhooks.enqueue import (
    BATCH_EVENTS,
    NO_CALL_FIELDS,
    enqueue_events,
    matches_subscription,
)

NEVER_US: Final = 2**62
# The due time that wakes the dispatcher of a tenant at once.
WAKE_US: Final = 0


class DeliveryJob(NamedTuple):
    """A delivery to make now. `body` is compressed, None if the event's bytes are erased."""

    endpoint: bytes
    event_id: bytes
    event: str
    revision: int
    position: int
    call_id: bytes
    attempts: int
    tries: int
    begun_us: int | None
    due_us: int
    created_us: int
    body: bytes | None


class AttemptResult(NamedTuple):
    """Result of one attempt, and the new state of its delivery."""

    job: DeliveryJob
    state: str
    at_us: int
    took_us: int
    status: int | None
    reason: str | None
    answer: bytes
    due_us: int


class EndpointPause(NamedTuple):
    """An endpoint to pause, the reason, and the notice for the other endpoints."""

    endpoint: bytes
    reason: str
    notice: EndpointNotice


class EndpointHealth(NamedTuple):
    """Time of the first failure of an endpoint since its last success; None if it does not fail."""

    endpoint: bytes
    failing_since_us: int | None


class DispatchInput(NamedTuple):
    """Results to save, and the number of further jobs for each endpoint (no limit if not given).

    `held` is the number of an endpoint's jobs in progress; `has_due` are the endpoints to read more jobs of.
    """

    results: Sequence[AttemptResult] = ()
    pauses: Sequence[EndpointPause] = ()
    health: Sequence[EndpointHealth] = ()
    room: Mapping[bytes, int] = {}
    held: Mapping[bytes, int] = {}
    has_due: frozenset[bytes] = frozenset()


class DispatchPlan(NamedTuple):
    """Result of a dispatch: the endpoints, the jobs to do, and the time when more are due, by endpoint.

    `is_behind` is true if further events wait, up to `revision`; `erasures` counts all erased calls.
    """

    endpoints: Sequence[Endpoint]
    jobs: Sequence[DeliveryJob]
    due_us: Mapping[bytes, int]
    is_behind: bool
    revision: int
    erasures: int


def dispatch(
    lease: Lease, inputs: DispatchInput, *, now_us: int, until_us: int
) -> StoreOperation[DispatchPlan | None]:
    """Dispatch for the holder of the tenant's lease, and renew it. Returns None if another has the lease."""
    tenant = lease.tenant
    if not (yield from renew(lease, until_us)):
        return None
    head = yield from lock_deliveries(tenant)
    if head is None:
        return DispatchPlan([], [], {}, is_behind=False, revision=0, erasures=0)
    [(revision, _epoch, erasures)] = yield Statement("ledger_to_deliver", {"tenant": tenant})
    at = EnqueuePoint(revision, now_us)
    freed = yield from _settle(tenant, inputs, now_us)
    endpoints = yield from endpoints_of(tenant)
    active = [each for each in endpoints if each.is_active]
    notices = yield from _pause(tenant, inputs.pauses, active, at)
    paused = {each.endpoint for each in inputs.pauses}
    active = [each for each in active if each.endpoint not in paused]
    enqueued, is_behind = yield from enqueue_events(tenant, active, inputs.room, at)
    first = yield from _first_of(tenant, {*freed, *enqueued, *notices})
    jobs = [job for job in first if job.due_us <= now_us]
    due: dict[bytes, int] = {}
    for each in active:
        if head.due_us == WAKE_US or each.endpoint in inputs.has_due or each.endpoint not in inputs.room:
            found, due[each.endpoint] = yield from _due(tenant, each.endpoint, inputs, now_us)
            jobs += found
    yield Statement("move_delivery_head", {"tenant": tenant, "seen": revision, "due_us": now_us})
    # New jobs are due as well, so they may be listed twice.
    once = {(job.endpoint, job.event_id): job for job in jobs}
    return DispatchPlan(endpoints, list(once.values()), due, is_behind, revision, erasures)


def postpone_dispatch(tenant: str, due_us: int) -> StoreOperation[bool]:
    """Postpone the next dispatch until `due_us`. Return False if there are new events or a wake-up."""
    head = yield from lock_deliveries(tenant)
    if head is None:
        return True
    [(revision, _epoch, _erasures)] = yield Statement("ledger_to_deliver", {"tenant": tenant})
    if revision > head.dispatched_revision or head.due_us == WAKE_US:
        return False
    yield Statement(
        "move_delivery_head", {"tenant": tenant, "seen": head.dispatched_revision, "due_us": due_us}
    )
    return True


def admin_tenants_to_deliver(now_us: int) -> StoreOperation[list[str]]:
    """Return the tenants that have new events or due deliveries."""
    rows = yield Statement("admin_tenants_to_deliver", {"now_us": now_us})
    return [tenant for (tenant,) in rows]


def _settle(tenant: str, inputs: DispatchInput, now_us: int) -> StoreOperation[set[tuple[bytes, bytes]]]:
    """Save results. Returns the endpoint and call of each delivery that no longer waits."""
    for each in inputs.health:
        yield Statement("set_endpoint_failing", {"tenant": tenant, **each._asdict()})
    if not inputs.results:
        return set()
    yield StatementMany("put_attempts", [_attempt(tenant, each) for each in inputs.results])
    yield StatementMany("settle_deliveries", [_settled(tenant, each, now_us) for each in inputs.results])
    return {(each.job.endpoint, each.job.call_id) for each in inputs.results if each.state != WAITING}


def _attempt(tenant: str, result: AttemptResult) -> dict[str, object]:
    """Return the columns of an attempt, by which its delivery is found."""
    columns = result._asdict()
    job: DeliveryJob = columns.pop("job")
    key = {"tenant": tenant, "endpoint": job.endpoint, "event_id": job.event_id, "attempt": job.attempts + 1}
    return {**columns, **key, "next_us": result.due_us if result.state == WAITING else None}


def _settled(tenant: str, result: AttemptResult, now_us: int) -> dict[str, object]:
    job = result.job
    begun_us = job.begun_us if job.begun_us is not None else result.at_us
    reason = None if result.state == DELIVERED else result.reason
    values = {"tries": job.tries + 1, "begun_us": begun_us, "reason": reason, "now_us": now_us}
    return {**_attempt(tenant, result), **values}


def _pause(
    tenant: str, pauses: Sequence[EndpointPause], active: Sequence[Endpoint], at: EnqueuePoint
) -> StoreOperation[set[tuple[bytes, bytes]]]:
    """Pause endpoints and enqueue notices for the active ones. Returns the endpoints and notices."""
    gone = {pause.endpoint for pause in pauses}
    notified: set[tuple[bytes, bytes]] = set()
    for pause in pauses:
        values = {"state": "paused", "reason": pause.reason, "now_us": at.now_us}
        yield Statement("set_endpoint_state", {"tenant": tenant, "endpoint": pause.endpoint, **values})
        name = pause.notice.event
        others = [
            each
            for each in active
            if each.endpoint not in gone and matches_subscription(each.settings, name, NO_CALL_FIELDS)
        ]
        yield from put_deliveries([notice_row(tenant, each.endpoint, pause.notice, at) for each in others])
        notified |= {(each.endpoint, pause.notice.event_id) for each in others}
    return notified


def _first_of(tenant: str, calls: Iterable[tuple[bytes, bytes]]) -> StoreOperation[list[DeliveryJob]]:
    named = [{"tenant": tenant, "endpoint": endpoint, "call_id": call} for endpoint, call in sorted(calls)]
    if not named:
        return []
    rows = yield StatementMany("first_of_calls", named)
    return sorted((DeliveryJob(*row) for row in rows), key=lambda job: (job.revision, job.position))


def _due(
    tenant: str, endpoint: bytes, inputs: DispatchInput, now_us: int
) -> StoreOperation[tuple[list[DeliveryJob], int]]:
    """Return the due jobs, as far as there is room, and the time of the next read."""
    room = inputs.room.get(endpoint, BATCH_EVENTS)
    if room <= 0:
        return [], now_us
    # Jobs in progress are due as well, and are among the rows.
    most = room + inputs.held.get(endpoint, 0)
    named = {"tenant": tenant, "endpoint": endpoint, "now_us": now_us}
    rows = yield Statement("due_deliveries", {**named, "most": most})
    if len(rows) == most:
        return [DeliveryJob(*row) for row in rows], now_us
    later = yield Statement("next_due", named)
    return [DeliveryJob(*row) for row in rows], later[0][0] if later else NEVER_US
