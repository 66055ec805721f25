"""Batches of one maintenance task of one tenant, with pauses, for as long as its lease holds."""

import asyncio
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from calltally.calls.times import SECOND_US
from calltally.store.db.leases import Lease, renew
from calltally.store.db.operation import StoreOperation
from calltally.store.tenants.tenants import Tenant
from calltally.worker.dependencies import WorkerDependencies
from calltally.worker.throttle import wait_for_stop

LEASE_US: Final = 60 * SECOND_US
_RENEW_EVERY_US: Final = LEASE_US // 3
# Then the next tenant follows; the rest is done in the next round, which starts at once.
_MAX_BATCHES: Final = 100
# A pause is this many times as long as its batch: the background uses at most a third of the writer.
_REST_FACTOR: Final = 2
_MAX_REST_S: Final = 0.5


class WorkerRound(msgspec.Struct):
    """Counts of a round: `pruned` counts rows, `left` means that more work is due.

    `busy` counts tasks that another worker has or took over, `failed` those that failed, and `unanswered`
    those that failed because the database did not respond. Each failure has a log line.
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
    removed_tenants: int = 0
    busy: int = 0
    failed: int = 0
    unanswered: int = 0
    left: bool = False

    @property
    def is_idle(self) -> bool:
        """True if nothing was due and nothing failed."""
        return self == WorkerRound(self.tenants, busy=self.busy)


class TaskRun(NamedTuple):
    """One maintenance task of one tenant in one round, and the round's totals."""

    tenant: Tenant
    lease: Lease
    now_us: int
    totals: WorkerRound

    @property
    def name(self) -> str:
        return self.tenant.tenant


class BatchRunner:
    """Runs batches until nothing is left, `stop` is set, or the lease is lost."""

    def __init__(self, dependencies: WorkerDependencies, stop: asyncio.Event) -> None:
        self._dependencies = dependencies
        self._stop = stop
        self._renewed_us = 0

    def set_claimed(self, claimed_us: int) -> None:
        self._renewed_us = claimed_us

    async def run(self, task: TaskRun, counter: str, batch: Callable[[], StoreOperation[int]]) -> None:
        """Run batches until nothing is left or other tenants must have the writer.

        Their counts are added to the `counter` of the totals.
        """
        for _ in range(_MAX_BATCHES):
            began_us = self._dependencies.steady()
            count = await self._dependencies.store.write(batch())
            if not count:
                return
            setattr(task.totals, counter, getattr(task.totals, counter) + count)
            took_s = (self._dependencies.steady() - began_us) / SECOND_US
            if await wait_for_stop(
                self._stop, min(_REST_FACTOR * took_s, _MAX_REST_S)
            ) or not await self._keep_lease(task):
                break
        task.totals.left = True

    async def _keep_lease(self, task: TaskRun) -> bool:
        """Renew the lease in time; False if another worker took it because it had expired."""
        now_us = self._dependencies.clock()
        if now_us - self._renewed_us < _RENEW_EVERY_US:
            return True
        self._renewed_us = now_us
        if await self._dependencies.store.write(renew(task.lease, now_us + LEASE_US)):
            return True
        task.totals.busy += 1
        return False
