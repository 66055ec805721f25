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
_MAX_UNANSWERED: Final = 3
_BACKLOG_PAUSE_S: Final = 0.2
_MAX_SLOWDOWN: Final = 16
_JITTER: Final = 0.2

log: Final = get_logger(__name__)


class MaintenanceWorker:
    """Does rounds until `stop` is set; then it ends with the batch that is under way."""

    def __init__(self, dependencies: WorkerDependencies, stop: asyncio.Event) -> None:
        self._dependencies = dependencies
        self._store = dependencies.store
        self._stop = stop
        self._batches = BatchRunner(dependencies, stop)
        self._tasks = MaintenanceTasks(dependencies, self._batches).by_lease

    async def run(self) -> None:
        """Round after round; a database that does not answer is asked ever more seldom."""
        failures = 0
        # Workers that are started together begin apart.
        pause_s = self._dependencies.interval_s * self._dependencies.chance()
        while not await wait_for_stop(self._stop, pause_s):
            totals = await self.run_round(self._dependencies.clock())
            failures = failures + 1 if totals.unanswered else 0
            pause_s = pause_after(totals, failures, self._dependencies)

    async def run_round(self, now_us: int) -> WorkerRound:
        """Do what is due for each tenant, and log what became of it. A fault is counted, not raised."""
        totals = WorkerRound()
        with _count_errors(totals, task="tenants"):
            for tenant in await self._store.read(admin_list_tenants()):
                totals.tenants += 1
                for name in self._tasks:
                    await self._run_safely(TaskRun(tenant, self._lease(tenant, name), now_us, totals))
                if totals.unanswered >= _MAX_UNANSWERED:
                    break
        (log.debug if totals.is_idle else log.info)("worker round", **msgspec.structs.asdict(totals))
        return totals

    def _lease(self, tenant: Tenant, name: str) -> Lease:
        return Lease(tenant.tenant, name, self._dependencies.holder)

    async def _run_safely(self, task: TaskRun) -> None:
        """One tenant's fault must not keep others waiting. The lease of what failed runs out by itself."""
        with _count_errors(task.totals, task=task.lease.job, tenant=task.lease.tenant):
            await self._run_task(task)

    async def _run_task(self, task: TaskRun) -> None:
        maintenance_task = self._tasks[task.lease.job]
        # A read of SQLite answers without giving anybody else a turn, and there may be many tenants.
        await asyncio.sleep(0)
        if self._stop.is_set() or not await maintenance_task.is_due(task):
            return
        now_us = self._dependencies.clock()
        if not await self._store.write(claim(task.lease, now_us=now_us, until_us=now_us + LEASE_US)):
            task.totals.busy += 1
            return
        self._batches.set_claimed(now_us)
        await maintenance_task.run(task)
        await self._store.write(release(task.lease))


@contextmanager
def _count_errors(totals: WorkerRound, **fields: str) -> Iterator[None]:
    """Count and log what goes wrong, since nobody else would; the unforeseen with where it was raised."""
    try:
        yield
    except Exception as fault:
        totals.failed += 1
        totals.unanswered += isinstance(fault, Unavailable)
        is_expected = isinstance(fault, CalltallyError)
        log.exception("worker failed", detail=str(fault), exc_info=not is_expected, **fields)


def pause_after(totals: WorkerRound, failures: int, dependencies: WorkerDependencies) -> float:
    """Seconds until the next round: hardly any where something is left to do.

    After `in_vain` rounds in a row without an answer ever more, up to sixteen times the interval.
    """
    if totals.left and not failures:
        return min(_BACKLOG_PAUSE_S, dependencies.interval_s)
    slowdown: int = min(2**failures, _MAX_SLOWDOWN)
    return dependencies.interval_s * slowdown * (1 + _JITTER * (dependencies.chance() - 0.5))
