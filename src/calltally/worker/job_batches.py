"""The work of one job of one tenant: small batches with rests between them, as long as its lease holds."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final, NamedTuple

import msgspec

from calltally.calls.times import SECOND_US
from calltally.store.db.leases import Lease, renew
from calltally.store.db.operation import Step
from calltally.store.tenants.tenants import Tenant
from calltally.worker.dependencies import WorkerDependencies
from calltally.worker.throttle import wait_for_stop

LEASE_US: Final = 60 * SECOND_US
_RENEW_EVERY_US: Final = LEASE_US // 3
# Then the next tenant has its turn; what is left is for the next round, which then comes at once.
_MAX_BATCHES: Final = 100
# A rest is so many times as long as the batch before it: the background has a third of the writer at most.
_REST_FACTOR: Final = 2
_MAX_REST_S: Final = 0.5


class WorkerRound(msgspec.Struct):
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
        return self == WorkerRound(self.tenants, busy=self.busy)


class TaskRun(NamedTuple):
    """One job of one tenant in one round, and where what becomes of it is counted."""

    tenant: Tenant
    lease: Lease
    now_us: int
    totals: WorkerRound


class BatchRunner:
    """Does work bit by bit until none is left, `stop` is set, or the lease is another's."""

    def __init__(self, dependencies: WorkerDependencies, stop: asyncio.Event) -> None:
        self._dependencies = dependencies
        self._stop = stop
        self._renewed_us = 0

    def set_claimed(self, claimed_us: int) -> None:
        """A lease was claimed at that time, under which the next batches are done."""
        self._renewed_us = claimed_us

    async def run(self, task: TaskRun, batch: Callable[[], Step[int]]) -> AsyncIterator[int]:
        """How much went with each batch, until nothing is left or others have to have a turn."""
        for _ in range(_MAX_BATCHES):
            began_us = self._dependencies.steady()
            count = await self._dependencies.store.write(batch())
            if not count:
                return
            yield count
            took_s = (self._dependencies.steady() - began_us) / SECOND_US
            if await wait_for_stop(
                self._stop, min(_REST_FACTOR * took_s, _MAX_REST_S)
            ) or not await self._keep_lease(task):
                break
        task.totals.left = True

    async def _keep_lease(self, task: TaskRun) -> bool:
        """Renew the lease in good time; False where somebody took it because we were too late."""
        now_us = self._dependencies.clock()
        if now_us - self._renewed_us < _RENEW_EVERY_US:
            return True
        self._renewed_us = now_us
        if await self._dependencies.store.write(renew(task.lease, now_us + LEASE_US)):
            return True
        task.totals.busy += 1
        return False
