"""Maintenance rounds: prune history that no snapshot needs, and expired data.

A round visits all tenants. For each it checks which tasks are due, which only reads. It claims the lease of a
due task, so that one of several workers does it, and works in small batches. Each batch is a transaction,
with pauses between them, because the process may be ingesting at the same time.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from calltally.calls.errors import CalltallyError, Unavailable
from calltally.logs import get_logger
from calltally.retry_policy import RetryPolicy
from calltally.store.db.leases import Lease, claim, release
from calltally.store.maintenance.tenant_removal import admin_removals
from calltally.store.tenants.kept_answers import OPERATOR
from calltally.store.tenants.tenants import Tenant, admin_list_tenants
from calltally.worker.dependencies import WorkerDependencies
from calltally.worker.job_batches import LEASE_US, BatchRunner, TaskRun, WorkerRound
from calltally.worker.maintenance_tasks import ANSWERS, MaintenanceTask, MaintenanceTasks
from calltally.worker.tenant_removal import REMOVAL, TenantRemover
from calltally.worker.throttle import wait_for_stop

# A round ends after this many tasks without a response from the database.
_MAX_UNANSWERED: Final = 3
_BACKLOG_PAUSE_S: Final = 0.2
_MAX_SLOWDOWN: Final = 16
_JITTER: Final = 0.2
# The operator has kept answers, and nothing else.
_OPERATOR: Final = Tenant(OPERATOR, "", 0)

log: Final = get_logger(__name__)


class MaintenanceWorker:
    """Runs rounds until `stop` is set, and finishes the running batch."""

    def __init__(self, dependencies: WorkerDependencies, stop: asyncio.Event) -> None:
        self._dependencies = dependencies
        self._store = dependencies.store
        self._stop = stop
        self._batches = BatchRunner(dependencies, stop)
        self._tasks = MaintenanceTasks(dependencies, self._batches).by_lease
        remover = TenantRemover(self._store, dependencies.clock, self._batches, dependencies.folders)
        self._removal = MaintenanceTask(remover.is_due, remover.run)

    async def run(self) -> None:
        """Run round after round; the pause grows while the database does not respond."""
        failures = 0
        # A random first pause separates workers that start together.
        pause_s = self._dependencies.interval_s * self._dependencies.chance()
        while not await wait_for_stop(self._stop, pause_s):
            totals = await self.run_round(self._dependencies.clock())
            failures = failures + 1 if totals.unanswered else 0
            pause_s = pause_after(totals, failures, self._dependencies)

    async def run_round(self, now_us: int) -> WorkerRound:
        """Do the due tasks of each tenant, and log the totals. Errors are counted, not raised."""
        totals = WorkerRound()
        with _count_errors(totals, task="tenants"):
            for tenant in await self._store.read(admin_list_tenants()):
                totals.tenants += 1
                for name in self._tasks:
                    await self._run_safely(TaskRun(tenant, self._lease(tenant, name), now_us, totals))
                if totals.unanswered >= _MAX_UNANSWERED:
                    break
            await self._run_safely(TaskRun(_OPERATOR, self._lease(_OPERATOR, ANSWERS), now_us, totals))
            for removal in await self._store.read(admin_removals()):
                tenant = Tenant(removal.tenant, "", 0)
                await self._run_safely(TaskRun(tenant, self._lease(tenant, REMOVAL), now_us, totals))
        (log.debug if totals.is_idle else log.info)("worker round", **msgspec.structs.asdict(totals))
        return totals

    def _lease(self, tenant: Tenant, name: str) -> Lease:
        return Lease(tenant.tenant, name, self._dependencies.holder)

    async def _run_safely(self, task: TaskRun) -> None:
        """Run a task; an error does not stop other tenants. The lease expires by itself after an error."""
        with _count_errors(task.totals, task=task.lease.job, tenant=task.lease.tenant):
            await self._run_task(task)

    async def _run_task(self, task: TaskRun) -> None:
        maintenance_task = self._tasks.get(task.lease.job, self._removal)
        # A read of SQLite does not yield to the event loop, and there may be many tenants.
        await asyncio.sleep(0)
        if self._stop.is_set() or not await self._store.read(maintenance_task.is_due(task)):
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
    """Count and log errors; unexpected ones with their traceback."""
    try:
        yield
    except Exception as fault:
        totals.failed += 1
        totals.unanswered += isinstance(fault, Unavailable)
        is_expected = isinstance(fault, CalltallyError)
        log.exception("worker failed", detail=str(fault), exc_info=not is_expected, **fields)


def pause_after(totals: WorkerRound, failures: int, dependencies: WorkerDependencies) -> float:
    """Return the pause before the next round, in seconds: almost none if work is left.

    It doubles with each of `failures` rounds without a response, up to sixteen times the interval.
    """
    if totals.left and not failures:
        return min(_BACKLOG_PAUSE_S, dependencies.interval_s)
    policy = RetryPolicy(first_s=dependencies.interval_s, max_s=dependencies.interval_s * _MAX_SLOWDOWN)
    return policy.delay_s(failures + 1, 1 + _JITTER * (dependencies.chance() - 0.5))
