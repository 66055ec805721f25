"""Removal of job files: after their retention, after their job, and after the erasure of a call in them."""

import asyncio
from typing import NamedTuple

from calltally.exports.erasures import contains_any
from calltally.exports.spec import read_progress
from calltally.logs import get_logger
from calltally.reconcile.jobs import spec as reconciliations
from calltally.reconcile.jobs.erasures import names_any
from calltally.store.db.interface import Store
from calltally.store.jobs.cleanup import (
    clear_job,
    complete_jobs,
    drop_old_jobs,
    erased_after,
    is_expired,
    jobs_to_clear,
    save_checked_revision,
)
from calltally.store.jobs.folders import JobFolders
from calltally.store.jobs.jobs import Job, JobKind, expire_job

log = get_logger(__name__)


class JobCleanup(NamedTuple):
    """Number of jobs that lost their files, and number of jobs that were removed."""

    expired: int
    forgotten: int


class JobFileCleanup:
    """Cleans up finished jobs. Two workers may do it at once."""

    def __init__(self, store: Store, folders: JobFolders, files_us: int) -> None:
        self._store = store
        self._folders = folders
        self._files_us = files_us

    async def run(self, tenant: str, now_us: int) -> JobCleanup:
        """Clean up one tenant."""
        expired = 0
        for job in await self._store.read(complete_jobs(tenant)):
            if is_expired(job, now_us) or await self._holds_erased(tenant, job):
                forget_us = now_us + self._files_us
                operation = expire_job(tenant, job.job, now_us=now_us, forget_us=forget_us)
                expired += await self._store.write(operation)
        for job_id in await self._store.read(jobs_to_clear(tenant)):
            await asyncio.to_thread(self._folders.of(tenant, job_id).remove_all)
            await self._store.write(clear_job(tenant, job_id, now_us))
        return JobCleanup(expired, await self._store.write(drop_old_jobs(tenant, now_us)))

    async def _holds_erased(self, tenant: str, job: Job) -> bool:
        erased = await self._store.read(erased_after(tenant, job.checked), long=True)
        if await asyncio.to_thread(self._holds, tenant, job, erased.ids):
            log.info("files of a job hold a call that was erased", tenant=tenant, job=job.job.hex())
            return True
        if erased.upto > job.checked:
            await self._store.write(save_checked_revision(tenant, job.job, erased.upto))
        return False

    def _holds(self, tenant: str, job: Job, ids: frozenset[bytes]) -> bool:
        folder = self._folders.of(tenant, job.job)
        if job.kind is JobKind.RECONCILIATION:
            return names_any(folder, reconciliations.read_progress(job.progress).files, ids)
        return contains_any(folder, read_progress(job.progress).ids_name, ids)
