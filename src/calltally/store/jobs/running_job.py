"""One run of a job in one worker."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from calltally.calls.errors import CalltallyError
from calltally.store.db.interface import Store
from calltally.store.db.operation import Clock
from calltally.store.jobs.folders import JobFolder
from calltally.store.jobs.jobs import Job, SavedProgress, is_run_current, save_progress


class JobLost(CalltallyError):
    """The worker no longer owns the job: it was canceled, or another worker has it."""


@dataclass(frozen=True, kw_only=True)
class RunningJob:
    """Context of one run of a job.

    `job` has the state at the start of the run; its `run_number` is greater than that of any earlier run.
    `has_time_left` decides whether there is time for more work, and raises JobLost if the lease is lost.
    """

    store: Store
    tenant: str
    job: Job
    folder: JobFolder
    clock: Clock
    has_time_left: Callable[[], Awaitable[bool]]

    async def may_continue(self) -> bool:
        """Decide, after each piece of work, whether there is time for another. Raises JobLost.

        If there is none, the runner saves its progress and returns None.
        """
        if not await self.store.read(is_run_current(self.tenant, self.job)):
            raise JobLost("the job ended meanwhile, or another worker has it")
        return await self.has_time_left()

    async def save(self, progress: SavedProgress) -> None:
        """Save the progress durably; sync files to the disk before. Raises JobLost."""
        job, now_us = self.job, self.clock()
        if not await self.store.write(
            save_progress(self.tenant, job.job, progress, now_us, run_number=job.run_number)
        ):
            raise JobLost("the job ended meanwhile, or another worker has it")


class JobRunner(Protocol):
    """Runner of the jobs of one kind. It continues from the progress saved in the job."""

    async def run(self, running_job: RunningJob) -> Any:  # noqa: ANN401 (any JSON value)
        """Work on a job for one run. Returns its outcome when it is done, None while it is not.

        Raises CalltallyError if the job fails; clients see its slug and detail. After Unavailable the job is
        retried.
        """
