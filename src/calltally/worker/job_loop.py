"""Jobs that take long: one turn for each tenant that has some, then the next tenant's.

Beside the rounds of upkeep, so that neither waits for the other. A turn is of a few seconds; a job of which
a worker died is gone on with by whoever finds its lease run out.
"""

import asyncio
from typing import Any, Final

import msgspec

from calltally.calls.errors import CalltallyError, Unavailable
from calltally.calls.times import SECOND_US
from calltally.logs import get_logger
from calltally.store.db.leases import Lease, claim, release, renew
from calltally.store.jobs.folders import JobFolders
from calltally.store.jobs.jobs import (
    End,
    Job,
    Kind,
    State,
    admin_tenants_with_open_jobs,
    begin_job,
    end_job,
    leave_job,
    next_job,
    wait_job,
)
from calltally.store.jobs.running_job import JobTaken, JobTurn
from calltally.worker.dependencies import WorkerDependencies
from calltally.worker.throttle import wait_for_stop

JOBS_LEASE: Final = "jobs"
# Each kind has its lease: one reconciliation is done in a piece, and exports must not wait for it.
_LEASES: Final = {Kind.EXPORT: JOBS_LEASE, Kind.RECONCILIATION: "reconciliations"}
# Short, since it is how long the jobs of a worker that died have to wait.
LEASE_US: Final = 20 * SECOND_US
_RENEW_EVERY_US: Final = LEASE_US // 4
SLICE_US: Final = 5 * SECOND_US
# How soon a job that is asked for begins.
_POLL_EVERY_S: Final = 2.0
# A job that ends its worker so often without getting on is not tried again.
MAX_TRIES: Final = 20
_INTERNAL_ERROR: Final = {"slug": CalltallyError.slug, "detail": "the server failed; its log says more"}
_TOO_MANY_TRIES: Final = f"it was taken up {MAX_TRIES} times and did not get on; ask for less at once"
# What does not answer is asked ever more seldom, in all for about a day.
_FIRST_BACKOFF_US: Final = 2 * SECOND_US
_MAX_BACKOFF_US: Final = 300 * SECOND_US
MAX_WAITS: Final = 300

log: Final = get_logger(__name__)


class JobWorker:
    """Gives jobs of one kind their turns until `stop` is set."""

    def __init__(
        self,
        dependencies: WorkerDependencies,
        folders: JobFolders,
        stop: asyncio.Event,
        kind: Kind = Kind.EXPORT,
    ) -> None:
        self._dependencies = dependencies
        self._kind = kind
        self._folders = folders
        self._store = dependencies.store
        self._stop = stop

    async def run(self) -> None:
        """Turn after turn; where there is nothing to do, it looks every two seconds."""
        pause_s = 0.0
        every_s = min(_POLL_EVERY_S, self._dependencies.interval_s)
        while not await wait_for_stop(self._stop, pause_s):
            pause_s = 0.0 if await self.run_slices() else every_s

    async def run_slices(self) -> bool:
        """A turn for each tenant that has open jobs; whether one got on. A fault is logged, not raised."""
        has_progress = False
        for tenant in await self._tenants():
            if self._stop.is_set():
                break
            has_progress |= await self._run_slice_safely(tenant)
        return has_progress

    async def _tenants(self) -> list[str]:
        try:
            return await self._store.read(
                admin_tenants_with_open_jobs(self._kind, self._dependencies.clock())
            )
        except Exception as fault:  # noqa: BLE001 - it is logged, and asked again
            _log_wait(fault)
            return []

    async def _run_slice_safely(self, tenant: str) -> bool:
        """One tenant's fault must not keep others waiting. The lease of what failed runs out by itself."""
        try:
            return await self._run_slice(tenant)
        except Exception as fault:  # noqa: BLE001 - it is logged, and tried again
            _log_wait(fault, tenant=tenant)
            return False

    async def _run_slice(self, tenant: str) -> bool:
        lease = Lease(tenant, _LEASES[self._kind], self._dependencies.holder)
        now_us = self._dependencies.clock()
        if not await self._store.write(claim(lease, now_us=now_us, until_us=now_us + LEASE_US)):
            return False
        job = await self._store.read(next_job(tenant, self._kind, now_us))
        has_progress = job is not None and await self._begin_job(lease, job)
        await self._store.write(release(lease))
        return has_progress

    async def _begin_job(self, lease: Lease, waiting: Job) -> bool:
        """Whether it ended or got on; what it could not is tried again."""
        # As it is by then: another worker may have got on with it since it was found.
        job = await self._store.write(begin_job(lease.tenant, waiting.job, self._dependencies.clock()))
        if job is None:
            return True
        if job.tries > MAX_TRIES:
            await self._end_job(lease.tenant, job, State.FAILED, {"error": _too_many_tries(job)})
            return True
        return await self._run_job(lease, job)

    async def _run_job(self, lease: Lease, job: Job) -> bool:
        try:
            outcome = await self._call_runner(lease, job)
        except JobTaken as fault:
            log.info("job left", **_log_fields(lease.tenant, job), reason=fault.detail)
        except Unavailable as fault:
            log.warning("job waits", **_log_fields(lease.tenant, job), reason=fault.detail)
            return await self._wait(lease.tenant, job, fault)
        except Exception as fault:
            is_expected = isinstance(fault, CalltallyError)
            log.exception(
                "job failed", **_log_fields(lease.tenant, job), detail=str(fault), exc_info=not is_expected
            )
            await self._end_job(lease.tenant, job, State.FAILED, {"error": _error_of(fault)})
        else:
            if outcome is not None:
                await self._end_job(lease.tenant, job, State.COMPLETE, outcome)
            elif self._stop.is_set():
                await self._store.write(leave_job(lease.tenant, job))
        return True

    async def _wait(self, tenant: str, job: Job, fault: Unavailable) -> bool:
        """Have it be tried again, later each time; in the end it fails for what it waited for. False."""
        if job.waits >= MAX_WAITS:
            detail = f"it was tried {job.waits + 1} times in vain, the last time because: {fault.detail}"
            await self._end_job(tenant, job, State.FAILED, {"error": {"slug": fault.slug, "detail": detail}})
            return False
        # Doubled no more often than it takes to be too long.
        backoff_us = min(_FIRST_BACKOFF_US << min(job.waits, 8), _MAX_BACKOFF_US)
        await self._store.write(wait_job(tenant, job, fault.detail, self._dependencies.clock() + backoff_us))
        return False

    async def _call_runner(self, lease: Lease, job: Job) -> Any:  # noqa: ANN401 (whatever JSON can say)
        turn = JobTurn(
            store=self._store,
            tenant=lease.tenant,
            job=job,
            folder=self._folders.of(lease.tenant, job.job),
            clock=self._dependencies.clock,
            lasts=_SliceLimit(self._dependencies, lease, self._stop).lasts,
        )
        return await self._dependencies.runners[job.kind].run(turn)

    async def _end_job(self, tenant: str, job: Job, state: State, outcome: object) -> None:
        now_us = self._dependencies.clock()
        end = End(state, msgspec.json.encode(outcome), now_us + self._dependencies.files_us)
        if await self._store.write(end_job(tenant, job.job, end, now_us, turn=job.turns)):
            took_s = round((now_us - job.created_us) / SECOND_US, 1)
            log.info("job ended", **_log_fields(tenant, job), state=state.value, seconds=took_s)
        else:
            log.info(
                "job left", **_log_fields(tenant, job), reason="it ended before, or another worker has it"
            )


class _SliceLimit:
    """Whether a turn lasts: until its time is up, the worker is to stop, or the lease is lost."""

    def __init__(self, dependencies: WorkerDependencies, lease: Lease, stop: asyncio.Event) -> None:
        self._dependencies = dependencies
        self._lease = lease
        self._stop = stop
        self._renewed_us = self._started_us = dependencies.clock()

    async def lasts(self) -> bool:
        """Renew the lease in good time. Raises JobTaken where somebody has it."""
        now_us = self._dependencies.clock()
        if now_us - self._renewed_us >= _RENEW_EVERY_US:
            if not await self._dependencies.store.write(renew(self._lease, now_us + LEASE_US)):
                raise JobTaken("another worker has it")
            self._renewed_us = now_us
        return now_us - self._started_us < SLICE_US and not self._stop.is_set()


def _log_wait(fault: Exception, **fields: str) -> None:
    unexpected = None if isinstance(fault, CalltallyError) else fault
    log.error("jobs wait", reason=str(fault), exc_info=unexpected, **fields)


def _too_many_tries(job: Job) -> dict[str, str]:
    earlier = f"; what it waited for before: {job.reason}" if job.reason else ""
    return {"slug": CalltallyError.slug, "detail": _TOO_MANY_TRIES + earlier}


def _error_of(fault: Exception) -> dict[str, str]:
    """What is no error of ours says nothing of itself, but to the log."""
    return (
        {"slug": fault.slug, "detail": fault.detail} if isinstance(fault, CalltallyError) else _INTERNAL_ERROR
    )


def _log_fields(tenant: str, job: Job) -> dict[str, str]:
    return {"tenant": tenant, "job": job.job.hex(), "kind": job.kind.value}
