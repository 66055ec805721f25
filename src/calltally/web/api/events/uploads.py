"""Uploaded events for a reconciliation, streamed to disk."""

import asyncio
from typing import Final

from calltally.calls.errors import InvalidBody, NoFilesFolder
from calltally.calls.times import DAY_US
from calltally.reconcile.jobs.request import unknown_jobs
from calltally.reconcile.jobs.spec import EVENTS_FILE
from calltally.store.jobs.folders import JobFolders
from calltally.web.request.context import AnyRequest, dependencies_of, tenant_of

# No upload takes this long. An older folder without a job belongs to a killed process.
_ABANDONED_AFTER_US: Final = DAY_US


def job_folders(request: AnyRequest) -> JobFolders:
    """Return the folders of reconciliation files. Raises NoFilesFolder."""
    folders = dependencies_of(request).folders
    if folders is None:
        raise NoFilesFolder(
            "reconciliations need a folder for their files: set CALLTALLY_FILES_FOLDER, the same on every"
            " node"
        )
    return folders


async def store_upload(request: AnyRequest, job: bytes) -> None:
    """Write the body durably to the job's folder. Raises InvalidBody for an empty body, and TooLarge."""
    await _remove_abandoned(request)
    folder, size = job_folders(request).of(tenant_of(request), job), 0
    await asyncio.to_thread(folder.make)
    await asyncio.to_thread(folder.cut, EVENTS_FILE, 0)
    async for chunk in request.stream():
        await asyncio.to_thread(folder.write_at, EVENTS_FILE, size, chunk)
        size += len(chunk)
    if not size:
        raise InvalidBody.of("body", "the body is empty: send the received events, one per line")
    await asyncio.to_thread(folder.sync, EVENTS_FILE)


async def remove_upload(request: AnyRequest, job: bytes) -> None:
    """Remove the uploaded files of a job."""
    await asyncio.to_thread(job_folders(request).of(tenant_of(request), job).remove_all)


async def _remove_abandoned(request: AnyRequest) -> None:
    """Remove abandoned uploads: no job refers to them, so nothing else deletes them."""
    tenant, deps, folders = tenant_of(request), dependencies_of(request), job_folders(request)
    old = await asyncio.to_thread(folders.jobs_unchanged_since, tenant, deps.clock() - _ABANDONED_AFTER_US)
    for job in await deps.store.read(unknown_jobs(tenant, old)) if old else ():
        await asyncio.to_thread(folders.of(tenant, job).remove_all)
