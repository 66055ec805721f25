"""What is done again and again in the background: history that nobody needs goes, and what is too old.

A round goes through all tenants. For each it asks what is due, which only reads; takes the job's lease, so
that of several workers one does it; and works in small batches, each a transaction, resting between them,
because the writer of the process may be ingesting at the same time.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from calltally.calls.errors import CalltallyError, Unavailable
from calltally.logs import get_logger
from calltally.store.db.leases import Lease, claim, release
from calltally.store.tenants.tenants import Tenant, admin_list_tenants
from calltally.worker.dependencies import WorkerDependencies
from calltally.worker.job_batches import LEASE_US, BatchRunner, TaskRun, WorkerRound
from calltally.worker.maintenance_tasks import MaintenanceTasks
from calltally.worker.throttle import wait_for_stop

# So often a database that does not answer is asked in one round.
_ENOUGH: Final = 3
_SOON_S: Final = 0.2
_SLOWEST: Final = 16
_JITTER: Final = 0.2

log: Final = get_logger(__name__)


class MaintenanceWorker:
    """Does rounds until `stop` is set; then it ends with the batch that is under way."""

    def __init__(self, means: WorkerDependencies, stop: asyncio.Event) -> None:
        self._means = means
        self._store = means.store
        self._stop = stop
        self._batches = BatchRunner(means, stop)
        self._chores = MaintenanceTasks(means, self._batches).by_name

    async def run(self) -> None:
        """Round after round; a database that does not answer is asked ever more seldom."""
        in_vain = 0
        # Workers that are started together begin apart.
        pause_s = self._means.interval_s * self._means.chance()
        while not await wait_for_stop(self._stop, pause_s):
            done = await self.run_round(self._means.clock())
            in_vain = in_vain + 1 if done.unanswered else 0
            pause_s = pause_after(done, in_vain, self._means)

    async def run_round(self, now_us: int) -> WorkerRound:
        """Do what is due for each tenant, and log what became of it. A fault is counted, not raised."""
        done = WorkerRound()
        with _counted(done, task="tenants"):
            for tenant in await self._store.read(admin_list_tenants()):
                done.tenants += 1
                for name in self._chores:
                    await self._attempt(TaskRun(tenant, self._lease(tenant, name), now_us, done))
                if done.unanswered >= _ENOUGH:
                    break
        (log.debug if done.is_idle else log.info)("worker round", **msgspec.structs.asdict(done))
        return done

    def _lease(self, tenant: Tenant, name: str) -> Lease:
        return Lease(tenant.tenant, name, self._means.holder)

    async def _attempt(self, task: TaskRun) -> None:
        """One tenant's fault must not keep others waiting. The lease of what failed runs out by itself."""
        with _counted(task.done, task=task.lease.job, tenant=task.lease.tenant):
            await self._take_up(task)

    async def _take_up(self, task: TaskRun) -> None:
        chore = self._chores[task.lease.job]
        # A read of SQLite answers without giving anybody else a turn, and there may be many tenants.
        await asyncio.sleep(0)
        if self._stop.is_set() or not await chore.is_due(task):
            return
        now_us = self._means.clock()
        if not await self._store.write(claim(task.lease, now_us=now_us, until_us=now_us + LEASE_US)):
            task.done.busy += 1
            return
        self._batches.begin(now_us)
        await chore.do(task)
        await self._store.write(release(task.lease))


@contextmanager
def _counted(done: WorkerRound, **named: str) -> Iterator[None]:
    """Count and log what goes wrong, since nobody else would; the unforeseen with where it was raised."""
    try:
        yield
    except Exception as fault:
        done.failed += 1
        done.unanswered += isinstance(fault, Unavailable)
        foreseen = isinstance(fault, CalltallyError)
        log.exception("worker failed", detail=str(fault), exc_info=not foreseen, **named)


def pause_after(done: WorkerRound, in_vain: int, means: WorkerDependencies) -> float:
    """Seconds until the next round: hardly any where something is left to do.

    After `in_vain` rounds in a row without an answer ever more, up to sixteen times the interval.
    """
    if done.left and not in_vain:
        return min(_SOON_S, means.interval_s)
    slower: int = min(2**in_vain, _SLOWEST)
    return means.interval_s * slower * (1 + _JITTER * (means.chance() - 0.5))
