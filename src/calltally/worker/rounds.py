"""What is done again and again in the background: history that nobody needs goes, and what is too old.

A round goes through all tenants. For each it asks what is due, which only reads; takes the job's lease, so
that of several workers one does it; and works in small batches, each a transaction, resting between them,
because the writer of the process may be ingesting at the same time.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from calltally.calls.errors import CalltallyError, Unavailable
from calltally.calls.times import SECOND_US
from calltally.logs import get_logger
from calltally.store.alert_steps import are_steps_old, keep_steps_from, prune_steps
from calltally.store.delivery_upkeep import are_events_due, has_endpoints, prune_events_and_deliveries
from calltally.store.erasure import expire_calls
from calltally.store.job_upkeep import is_upkeep_due
from calltally.store.leases import Lease, claim, release, renew
from calltally.store.pruning import advance, is_due, mark, prune, prune_holds
from calltally.store.quality_blocks import close_next_day, next_open_day
from calltally.store.retention import expire_letters, has_expired
from calltally.store.steps import Step
from calltally.store.tenants import Tenant, admin_list_tenants
from calltally.worker.means import Means
from calltally.worker.patience import rest
from calltally.worker.upkeep import JobUpkeep

HISTORY: Final = "history"
RETENTION: Final = "retention"
UPKEEP: Final = "upkeep of jobs"
EVENTS: Final = "upkeep of events"
STEPS: Final = "old alert steps"
BLOCKS: Final = "roll-ups of several days"
LEASE_US: Final = 60 * SECOND_US

# A few milliseconds each: so long does what is told meanwhile wait for the writer.
_PRUNED_AT_ONCE: Final = 500
_EXPIRED_AT_ONCE: Final = 20
# Then the next tenant has its turn; what is left is for the next round, which then comes at once.
_MOST_BATCHES: Final = 100
# An import of old calls changes the same days again and again: they are not added up after each round.
_CLOSED_EVERY_US: Final = 3_600 * SECOND_US
# So often a database that does not answer is asked in one round.
_ENOUGH: Final = 3
_RENEWED_EVERY_US: Final = LEASE_US // 3
# A rest is so many times as long as the batch before it: the background has a third of the writer at most.
_REST: Final = 2
_LONGEST_REST_S: Final = 0.5
_SOON_S: Final = 0.2
_SLOWEST: Final = 16
_JITTER: Final = 0.2

log: Final = get_logger(__name__)


class Round(msgspec.Struct):
    """What became of a round: `pruned` counts rows, `left` says that there is more to do.

    `busy` counts jobs that another worker has or took over; `failed` those that broke off, and `unanswered`
    those among them for which the database could not answer: each has a line in the log.
    """

    tenants: int = 0
    marked: int = 0
    advanced: int = 0
    pruned: int = 0
    expired_calls: int = 0
    expired_letters: int = 0
    expired_jobs: int = 0
    forgotten_jobs: int = 0
    closed_days: int = 0
    busy: int = 0
    failed: int = 0
    unanswered: int = 0
    left: bool = False

    @property
    def is_idle(self) -> bool:
        """Whether there was nothing to do, and nothing went wrong."""
        return self == Round(self.tenants, busy=self.busy)


class _Task(NamedTuple):
    """One job of one tenant in one round, and where what becomes of it is counted."""

    tenant: Tenant
    lease: Lease
    now_us: int
    done: Round


_Look: TypeAlias = Callable[[_Task], Coroutine[Any, Any, bool]]
_Work: TypeAlias = Callable[[_Task], Coroutine[Any, Any, None]]


class Worker:
    """Does rounds until `stop` is set; then it ends with the batch that is under way."""

    def __init__(self, means: Means, stop: asyncio.Event) -> None:
        self._means = means
        self._store = means.store
        self._stop = stop
        self._renewed_us = 0
        self._closed_us: dict[str, int] = {}
        folders = means.folders
        self._upkeep = JobUpkeep(means.store, folders, means.files_us) if folders else None
        self._jobs: dict[str, tuple[_Look, _Work]] = {
            HISTORY: (self._is_history_due, self._tend_history),
            RETENTION: (self._is_retention_due, self._keep_retention),
            # Behind retention: what that erases must not stay in files.
            UPKEEP: (self._is_upkeep_due, self._keep_up_jobs),
            EVENTS: (self._are_events_due, self._prune_events),
            STEPS: (self._are_steps_due, self._prune_steps),
            BLOCKS: (self._are_days_due, self._close_days),
        }

    async def run(self) -> None:
        """Round after round; a database that does not answer is asked ever more seldom."""
        in_vain = 0
        # Workers that are started together begin apart.
        pause_s = self._means.interval_s * self._means.chance()
        while not await rest(self._stop, pause_s):
            done = await self.run_round(self._means.clock())
            in_vain = in_vain + 1 if done.unanswered else 0
            pause_s = pause_behind(done, in_vain, self._means)

    async def run_round(self, now_us: int) -> Round:
        """Do what is due for each tenant, and log what became of it. A fault is counted, not raised."""
        done = Round()
        with _counted(done, task="tenants"):
            for tenant in await self._store.read(admin_list_tenants()):
                done.tenants += 1
                for job in self._jobs:
                    await self._attempt(_Task(tenant, self._lease(tenant, job), now_us, done))
                if done.unanswered >= _ENOUGH:
                    break
        (log.debug if done.is_idle else log.info)("worker round", **msgspec.structs.asdict(done))
        return done

    def _lease(self, tenant: Tenant, job: str) -> Lease:
        return Lease(tenant.tenant, job, self._means.holder)

    async def _attempt(self, task: _Task) -> None:
        """One tenant's fault must not keep others waiting. The lease of what failed runs out by itself."""
        with _counted(task.done, task=task.lease.job, tenant=task.lease.tenant):
            await self._take_up(task)

    async def _take_up(self, task: _Task) -> None:
        has_work, work = self._jobs[task.lease.job]
        # A read of SQLite answers without giving anybody else a turn, and there may be many tenants.
        await asyncio.sleep(0)
        if self._stop.is_set() or not await has_work(task):
            return
        now_us = self._means.clock()
        if not await self._store.write(claim(task.lease, now_us=now_us, until_us=now_us + LEASE_US)):
            task.done.busy += 1
            return
        self._renewed_us = now_us
        await work(task)
        await self._store.write(release(task.lease))

    async def _is_history_due(self, task: _Task) -> bool:
        return await self._store.read(is_due(task.tenant.tenant, task.now_us, self._means.keep_us))

    async def _tend_history(self, task: _Task) -> None:
        tenant, now_us, keep_us = task.tenant.tenant, task.now_us, self._means.keep_us
        if await self._store.write(mark(tenant, now_us)) is not None:
            task.done.marked += 1
        # In a commit of its own, before what it lets go of.
        if await self._store.write(advance(tenant, now_us, keep_us)) is not None:
            task.done.advanced += 1
        async for rows in self._batches(task, lambda: prune(tenant, _PRUNED_AT_ONCE)):
            task.done.pruned += rows
        async for rows in self._batches(task, lambda: prune_holds(tenant, now_us, keep_us, _PRUNED_AT_ONCE)):
            task.done.pruned += rows

    async def _is_retention_due(self, task: _Task) -> bool:
        if task.tenant.retention_days is None:
            return False
        return await self._store.read(has_expired(task.tenant.tenant, task.now_us))

    async def _keep_retention(self, task: _Task) -> None:
        tenant, now_us = task.tenant.tenant, task.now_us
        async for calls in self._batches(task, lambda: expire_calls(tenant, now_us, _EXPIRED_AT_ONCE)):
            task.done.expired_calls += calls
        async for letters in self._batches(task, lambda: expire_letters(tenant, now_us, _EXPIRED_AT_ONCE)):
            task.done.expired_letters += letters

    async def _is_upkeep_due(self, task: _Task) -> bool:
        if self._upkeep is None:
            return False
        return await self._store.read(is_upkeep_due(task.tenant.tenant, task.now_us))

    async def _keep_up_jobs(self, task: _Task) -> None:
        if self._upkeep is not None:
            gone = await self._upkeep.run(task.tenant.tenant, task.now_us)
            task.done.expired_jobs += gone.expired
            task.done.forgotten_jobs += gone.forgotten

    async def _are_steps_due(self, task: _Task) -> bool:
        return await self._store.read(are_steps_old(task.tenant.tenant, task.now_us))

    async def _prune_steps(self, task: _Task) -> None:
        tenant = task.tenant.tenant
        # In a commit of its own, before what it lets go of: `verify` looks at what is kept.
        await self._store.write(keep_steps_from(tenant, task.now_us))
        async for rows in self._batches(task, lambda: prune_steps(tenant, _PRUNED_AT_ONCE)):
            task.done.pruned += rows

    async def _are_days_due(self, task: _Task) -> bool:
        last_us = self._closed_us.get(task.tenant.tenant)
        if last_us is not None and 0 <= task.now_us - last_us < _CLOSED_EVERY_US:
            return False
        return await self._store.read(next_open_day(task.tenant.tenant, task.now_us)) is not None

    async def _close_days(self, task: _Task) -> None:
        tenant, now_us = task.tenant.tenant, task.now_us
        async for days in self._batches(task, lambda: close_next_day(tenant, now_us)):
            task.done.closed_days += days
        if await self._store.read(next_open_day(tenant, now_us)) is None:
            self._closed_us[tenant] = now_us

    async def _are_events_due(self, task: _Task) -> bool:
        before_us = await self._events_before(task)
        return await self._store.read(are_events_due(task.tenant.tenant, before_us))

    async def _prune_events(self, task: _Task) -> None:
        tenant, before_us = task.tenant.tenant, await self._events_before(task)
        batch = partial(prune_events_and_deliveries, tenant, before_us, _PRUNED_AT_ONCE)
        async for rows in self._batches(task, batch):
            task.done.pruned += rows

    async def _events_before(self, task: _Task) -> int:
        """Events that go nowhere are kept no longer than snapshots."""
        goes_out = await self._store.read(has_endpoints(task.tenant.tenant))
        return task.now_us - (
            max(self._means.events_us, self._means.keep_us) if goes_out else self._means.keep_us
        )

    async def _batches(self, task: _Task, batch: Callable[[], Step[int]]) -> AsyncIterator[int]:
        """How much went with each batch, until nothing is left or others have to have a turn."""
        for _ in range(_MOST_BATCHES):
            began_us = self._means.steady()
            gone = await self._store.write(batch())
            if not gone:
                return
            yield gone
            took_s = (self._means.steady() - began_us) / SECOND_US
            if await rest(self._stop, min(_REST * took_s, _LONGEST_REST_S)) or not await self._keeps(task):
                break
        task.done.left = True

    async def _keeps(self, task: _Task) -> bool:
        """Renew the lease in good time; False where somebody took it because we were too late."""
        now_us = self._means.clock()
        if now_us - self._renewed_us < _RENEWED_EVERY_US:
            return True
        self._renewed_us = now_us
        if await self._store.write(renew(task.lease, now_us + LEASE_US)):
            return True
        task.done.busy += 1
        return False


@contextmanager
def _counted(done: Round, **named: str) -> Iterator[None]:
    """Count and log what goes wrong, since nobody else would; the unforeseen with where it was raised."""
    try:
        yield
    except Exception as fault:
        done.failed += 1
        done.unanswered += isinstance(fault, Unavailable)
        foreseen = isinstance(fault, CalltallyError)
        log.exception("worker failed", detail=str(fault), exc_info=not foreseen, **named)


def pause_behind(done: Round, in_vain: int, means: Means) -> float:
    """Seconds until the next round: hardly any where something is left to do.

    After `in_vain` rounds in a row without an answer ever more, up to sixteen times the interval.
    """
    if done.left and not in_vain:
        return min(_SOON_S, means.interval_s)
    slower: int = min(2**in_vain, _SLOWEST)
    return means.interval_s * slower * (1 + _JITTER * (means.chance() - 0.5))
