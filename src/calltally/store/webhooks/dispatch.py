"""One turn of delivering for a tenant, as one transaction.

It notes what came of attempts, takes in new events, and says what is to be sent next.

An endpoint's place in the ledger is `taken`: what lies behind it has rows of deliveries, what lies before it
does not yet. So an event costs an endpoint nothing before there is room for it, and one that does not answer
costs nobody anything. Of a call only the first event that waits is ever given out.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from calltally.store.db.leases import Lease, renew
from calltally.store.db.operation import Statement, StatementMany, StoreOperation
from calltally.store.webhooks.deliveries import DELIVERED, WAITING, Notice, notice_row, put_deliveries
from calltally.store.webhooks.endpoints import Endpoint, endpoints_of, lock_deliveries
from calltally.store.webhooks.enqueue import READ_AT_ONCE, UNSAID, take_in, wants

NEVER_US: Final = 2**62
# The due time of a tenant of which somebody asked that it is looked at again.
WOKEN: Final = 0


class Job(NamedTuple):
    """A delivery to be made now. `body` is compressed, None where the event's bytes are gone."""

    endpoint: bytes
    event_id: bytes
    event: str
    revision: int
    place: int
    call_id: bytes
    attempts: int
    tries: int
    begun_us: int | None
    due_us: int
    created_us: int
    body: bytes | None


class Result(NamedTuple):
    """What came of one attempt, and what the delivery becomes by it."""

    job: Job
    state: str
    at_us: int
    took_us: int
    status: int | None
    reason: str | None
    answer: bytes
    due_us: int


class Pause(NamedTuple):
    """An endpoint that is to be sent nothing any more, why, and what the others are told of it."""

    endpoint: bytes
    reason: str
    notice: Notice


class Health(NamedTuple):
    """Since when an endpoint fails; None once it does not."""

    endpoint: bytes
    failing_since_us: int | None


class Turn(NamedTuple):
    """What a turn has to note, and for how many jobs of each endpoint there is room (all, where not said).

    `held` is how many of each endpoint's are in hand already; `has_due` which are to be asked for more.
    """

    results: Sequence[Result] = ()
    pauses: Sequence[Pause] = ()
    health: Sequence[Health] = ()
    room: Mapping[bytes, int] = {}
    held: Mapping[bytes, int] = {}
    has_due: frozenset[bytes] = frozenset()


class Told(NamedTuple):
    """What a turn found: the endpoints, jobs to do, and when more of an endpoint's are due.

    `is_behind` says that there is more to read already, up to `revision`; `erasures` counts the calls that
    were ever erased.
    """

    endpoints: Sequence[Endpoint]
    jobs: Sequence[Job]
    due_us: Mapping[bytes, int]
    is_behind: bool
    revision: int
    erasures: int


def take_turn(lease: Lease, turn: Turn, *, now_us: int, until_us: int) -> StoreOperation[Told | None]:
    """One turn of whoever has the tenant's lease, which is renewed; None where somebody else has it."""
    tenant = lease.tenant
    if not (yield from renew(lease, until_us)):
        return None
    head = yield from lock_deliveries(tenant)
    if head is None:
        return Told([], [], {}, is_behind=False, revision=0, erasures=0)
    [(revision, _epoch, erasures)] = yield Statement("ledger_to_deliver", {"tenant": tenant})
    freed = yield from _settle(tenant, turn, now_us)
    endpoints = yield from endpoints_of(tenant)
    active = [each for each in endpoints if each.is_active]
    notices = yield from _pause(tenant, turn.pauses, active, (revision, now_us))
    paused = {each.endpoint for each in turn.pauses}
    active = [each for each in active if each.endpoint not in paused]
    fresh, is_behind = yield from take_in(tenant, active, turn.room, (revision, now_us))
    first = yield from _first_of(tenant, {*freed, *fresh, *notices})
    jobs = [job for job in first if job.due_us <= now_us]
    due: dict[bytes, int] = {}
    for each in active:
        if head[1] == WOKEN or each.endpoint in turn.has_due or each.endpoint not in turn.room:
            found, due[each.endpoint] = yield from _due(tenant, each.endpoint, turn, now_us)
            jobs += found
    yield Statement("move_delivery_head", {"tenant": tenant, "seen": revision, "due_us": now_us})
    # What is new is due as well.
    once = {(job.endpoint, job.event_id): job for job in jobs}
    return Told(endpoints, list(once.values()), due, is_behind, revision, erasures)


def rest_until(tenant: str, due_us: int) -> StoreOperation[bool]:
    """Have nobody look before then, unless the ledger moved on meanwhile; says whether it did not."""
    head = yield from lock_deliveries(tenant)
    if head is None:
        return True
    [(revision, _epoch, _erasures)] = yield Statement("ledger_to_deliver", {"tenant": tenant})
    if revision > head[0] or head[1] == WOKEN:
        return False
    yield Statement("move_delivery_head", {"tenant": tenant, "seen": head[0], "due_us": due_us})
    return True


def admin_tenants_to_deliver(now_us: int) -> StoreOperation[list[str]]:
    """Whose ledger moved on, or whose deliveries are due."""
    rows = yield Statement("admin_tenants_to_deliver", {"now_us": now_us})
    return [tenant for (tenant,) in rows]


def _settle(tenant: str, turn: Turn, now_us: int) -> StoreOperation[set[tuple[bytes, bytes]]]:
    """Note results; returns the endpoints and calls of which an event is out of the way."""
    for each in turn.health:
        yield Statement("set_endpoint_failing", {"tenant": tenant, **each._asdict()})
    if not turn.results:
        return set()
    yield StatementMany("put_attempts", [_attempt_row(tenant, each) for each in turn.results])
    yield StatementMany("settle_deliveries", [_settled_row(tenant, each, now_us) for each in turn.results])
    return {(each.job.endpoint, each.job.call_id) for each in turn.results if each.state != WAITING}


def _attempt_row(tenant: str, result: Result) -> dict[str, object]:
    job = result.job
    named = {
        "tenant": tenant,
        "endpoint": job.endpoint,
        "event_id": job.event_id,
        "attempt": job.attempts + 1,
    }
    times = {"at_us": result.at_us, "took_us": result.took_us, "status": result.status}
    next_us = result.due_us if result.state == WAITING else None
    return {**named, **times, "reason": result.reason, "answer": result.answer, "next_us": next_us}


def _settled_row(tenant: str, result: Result, now_us: int) -> dict[str, object]:
    job = result.job
    named = {
        "tenant": tenant,
        "endpoint": job.endpoint,
        "event_id": job.event_id,
        "attempt": job.attempts + 1,
    }
    begun_us = job.begun_us if job.begun_us is not None else result.at_us
    said = {"state": result.state, "tries": job.tries + 1, "begun_us": begun_us, "due_us": result.due_us}
    return {**named, **said, "reason": None if result.state == DELIVERED else result.reason, "now_us": now_us}


def _pause(
    tenant: str, pauses: Sequence[Pause], active: Sequence[Endpoint], at: tuple[int, int]
) -> StoreOperation[set[tuple[bytes, bytes]]]:
    """Those that answer still are told of those that do not; returns the endpoints and what they are told."""
    gone = {pause.endpoint for pause in pauses}
    told: set[tuple[bytes, bytes]] = set()
    for pause in pauses:
        said = {"state": "paused", "reason": pause.reason, "now_us": at[1]}
        yield Statement("set_endpoint_state", {"tenant": tenant, "endpoint": pause.endpoint, **said})
        name = pause.notice.event
        others = [each for each in active if each.endpoint not in gone and wants(each.wanted, name, UNSAID)]
        yield from put_deliveries([notice_row(tenant, each.endpoint, pause.notice, at) for each in others])
        told |= {(each.endpoint, pause.notice.event_id) for each in others}
    return told


def _first_of(tenant: str, calls: Iterable[tuple[bytes, bytes]]) -> StoreOperation[list[Job]]:
    named = [{"tenant": tenant, "endpoint": endpoint, "call_id": call} for endpoint, call in sorted(calls)]
    if not named:
        return []
    rows = yield StatementMany("first_of_calls", named)
    return sorted((Job(*row) for row in rows), key=lambda job: (job.revision, job.place))


def _due(tenant: str, endpoint: bytes, turn: Turn, now_us: int) -> StoreOperation[tuple[list[Job], int]]:
    """What is due by now, as far as there is room; and when to ask again."""
    room = turn.room.get(endpoint, READ_AT_ONCE)
    if room <= 0:
        return [], now_us
    # What is in hand is due as well, and comes along.
    most = room + turn.held.get(endpoint, 0)
    named = {"tenant": tenant, "endpoint": endpoint, "now_us": now_us}
    rows = yield Statement("due_deliveries", {**named, "most": most})
    if len(rows) == most:
        return [Job(*row) for row in rows], now_us
    later = yield Statement("next_due", named)
    return [Job(*row) for row in rows], later[0][0] if later else NEVER_US
