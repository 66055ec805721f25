"""Loop over long-running jobs: one time slice of a few seconds per tenant in rotation.

It runs in parallel with the maintenance rounds, so that neither waits for the other. If a worker dies,
another one continues its job after the lease has expired.
"""

import asyncio
from typing import Any, Final

import msgspec

from calltally.calls.errors import CalltallyError, Unavailable
from calltally.calls.times import SECOND_US
from calltally.logs import errors_logged, get_logger
from calltally.retry_policy import RetryPolicy
from calltally.store.db.leases import Lease, claim, release, renew
from calltally.store.jobs.folders import JobFolders
from calltally.store.jobs.jobs import (
    Job,
    JobEnd,
    JobKind,
    JobState,
    admin_tenants_with_open_jobs,
    end_job,
    hand_back_job,
    next_job,
    postpone_job,
    start_job,
)
from calltally.store.jobs.running_job import JobLost, RunningJob
from calltally.worker.dependencies import WorkerDependencies
from calltally.worker.throttle import wait_for_stop

JOBS_LEASE: Final = "jobs"
# Each kind has a lease: a reconciliation runs in one piece, and exports must not wait for it.
_LEASES: Final = {JobKind.EXPORT: JOBS_LEASE, JobKind.RECONCILIATION: "reconciliations"}
# Short, because jobs of a crashed worker wait this long.
LEASE_US: Final = 20 * SECOND_US
_RENEW_EVERY_US: Final = LEASE_US // 4
SLICE_US: Final = 5 * SECOND_US
# Latency of the start of a new job.
_POLL_EVERY_S: Final = 2.0
# A job that ends its worker this often without progress is not tried again.
MAX_TRIES: Final = 20
_INTERNAL_ERROR: Final = {"slug": CalltallyError.slug, "detail": "internal error; see the service's log"}
_TOO_MANY_TRIES: Final = f"the job was tried {MAX_TRIES} times without progress; request a smaller window"
# While a service does not respond, about a day in total.
RETRY_POLICY: Final = RetryPolicy(tries=301, first_s=2.0, max_s=300.0)

log: Final = get_logger(__name__)


class JobWorker:
    """Runs time slices of jobs of one kind until `stop` is set."""

    def __init__(
        self,
        dependencies: WorkerDependencies,
        folders: JobFolders,
        stop: asyncio.Event,
        kind: JobKind = JobKind.EXPORT,
    ) -> None:
        self._dependencies = dependencies
        self._kind = kind
        self._folders = folders
        self._store = dependencies.store
        self._stop = stop

    async def run(self) -> None:
        """Run slice after slice; poll every two seconds if no job is open."""
        pause_s = 0.0
        every_s = min(_POLL_EVERY_S, self._dependencies.interval_s)
        while not await wait_for_stop(self._stop, pause_s):
            pause_s = 0.0 if await self.run_slices() else every_s

    async def run_slices(self) -> bool:
        """Run a slice for each tenant with open jobs; True if one made progress. Errors are logged."""
        has_progress = False
        for tenant in await self._tenants():
            if self._stop.is_set():
                break
            # An error does not stop other tenants; the lease expires after it.
            with errors_logged(log.error, "jobs wait", CalltallyError, tenant=tenant):
                has_progress |= await self._run_slice(tenant)
        return has_progress

    async def _tenants(self) -> list[str]:
        with errors_logged(log.error, "jobs wait", CalltallyError):
            return await self._store.read(
                admin_tenants_with_open_jobs(self._kind, self._dependencies.clock())
            )
        return []

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
        """Start the job; True if it ended or made progress. An unfinished one is tried again."""
        # Read it again: another worker may have continued it since.
        job = await self._store.write(start_job(lease.tenant, waiting.job, self._dependencies.clock()))
        if job is None:
            return True
        if job.tries > MAX_TRIES:
            earlier = f"; earlier reason for waiting: {job.reason}" if job.reason else ""
            error = {"slug": CalltallyError.slug, "detail": _TOO_MANY_TRIES + earlier}
            await self._end_job(lease.tenant, job, JobState.FAILED, {"error": error})
            return True
        return await self._run_job(lease, job)

    async def _run_job(self, lease: Lease, job: Job) -> bool:
        try:
            outcome = await self._call_runner(lease, job)
        except JobLost as fault:
            log.info("job left", **_log_fields(lease.tenant, job), reason=fault.detail)
        except Unavailable as fault:
            log.warning("job waits", **_log_fields(lease.tenant, job), reason=fault.detail)
            return await self._wait(lease.tenant, job, fault)
        except Exception as fault:
            is_expected = isinstance(fault, CalltallyError)
            log.exception(
                "job failed", **_log_fields(lease.tenant, job), detail=str(fault), exc_info=not is_expected
            )
            # An unexpected error is described in the log only.
            error = (
                {"slug": fault.slug, "detail": fault.detail}
                if isinstance(fault, CalltallyError)
                else _INTERNAL_ERROR
            )
            await self._end_job(lease.tenant, job, JobState.FAILED, {"error": error})
        else:
            if outcome is not None:
                await self._end_job(lease.tenant, job, JobState.COMPLETE, outcome)
            elif self._stop.is_set():
                await self._store.write(hand_back_job(lease.tenant, job))
        return True

    async def _wait(self, tenant: str, job: Job, fault: Unavailable) -> bool:
        """Schedule a retry with back-off; after the last one the job fails with its reason. Returns False."""
        failures = job.waits + 1
        if not RETRY_POLICY.allows_retry(failures):
            detail = f"the job was tried {failures} times without success; last reason: {fault.detail}"
            await self._end_job(
                tenant, job, JobState.FAILED, {"error": {"slug": fault.slug, "detail": detail}}
            )
            return False
        due_us = self._dependencies.clock() + int(RETRY_POLICY.delay_s(failures) * SECOND_US)
        await self._store.write(postpone_job(tenant, job, fault.detail, due_us))
        return False

    async def _call_runner(self, lease: Lease, job: Job) -> Any:  # noqa: ANN401 (any JSON value)
        running_job = RunningJob(
            store=self._store,
            tenant=lease.tenant,
            job=job,
            folder=self._folders.of(lease.tenant, job.job),
            clock=self._dependencies.clock,
            has_time_left=_SliceLimit(self._dependencies, lease, self._stop).lasts,
        )
        return await self._dependencies.runners[job.kind].run(running_job)

    async def _end_job(self, tenant: str, job: Job, state: JobState, outcome: object) -> None:
        now_us = self._dependencies.clock()
        end = JobEnd(state, msgspec.json.encode(outcome), now_us + self._dependencies.files_us)
        if await self._store.write(end_job(tenant, job.job, end, now_us, run_number=job.run_number)):
            took_s = round((now_us - job.created_us) / SECOND_US, 1)
            log.info("job ended", **_log_fields(tenant, job), state=state.value, seconds=took_s)
        else:
            log.info(
                "job left", **_log_fields(tenant, job), reason="the job has ended, or another worker has it"
            )


class _SliceLimit:
    """Limit of a slice: its time, the stop of the worker, or the loss of the lease."""

    def __init__(self, dependencies: WorkerDependencies, lease: Lease, stop: asyncio.Event) -> None:
        self._dependencies = dependencies
        self._lease = lease
        self._stop = stop
        self._renewed_us = self._started_us = dependencies.clock()

    async def lasts(self) -> bool:
        """Renew the lease in time; True if the slice goes on. Raises JobLost if the lease is lost."""
        now_us = self._dependencies.clock()
        if now_us - self._renewed_us >= _RENEW_EVERY_US:
            if not await self._dependencies.store.write(renew(self._lease, now_us + LEASE_US)):
                raise JobLost("another worker has it")
            self._renewed_us = now_us
        return now_us - self._started_us < SLICE_US and not self._stop.is_set()


def _log_fields(tenant: str, job: Job) -> dict[str, str]:
    return {"tenant": tenant, "job": job.job.hex(), "kind": job.kind.value}
