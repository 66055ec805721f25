"""Events that are uploaded to be compared: straight to the disk, whatever their number."""

import asyncio
from typing import Final

from calltally.calls.errors import InvalidBody, NoFilesFolder
from calltally.calls.times import DAY_US
from calltally.reconcile.jobs.request import unknown_jobs
from calltally.reconcile.jobs.spec import EVENTS_FILE
from calltally.store.jobs.folders import JobFolders
from calltally.web.request.context import AnyRequest, dependencies_of, tenant_of

# Nobody uploads for so long: what is older and of no job, is of a process that was killed.
_FORSAKEN_US: Final = DAY_US


def job_folders(request: AnyRequest) -> JobFolders:
    """Where the files of reconciliations lie. Raises NoFilesFolder."""
    folders = dependencies_of(request).folders
    if folders is None:
        raise NoFilesFolder(
            "this needs a folder for its files: set CALLTALLY_FILES_FOLDER, the same on every node"
        )
    return folders


async def store_upload(request: AnyRequest, job: bytes) -> None:
    """Write the body to the job's folder, durably. Raises InvalidBody for an empty one, and TooLarge."""
    await _remove_forsaken(request)
    folder, size = job_folders(request).of(tenant_of(request), job), 0
    await asyncio.to_thread(folder.make)
    await asyncio.to_thread(folder.cut, EVENTS_FILE, 0)
    async for piece in request.stream():
        await asyncio.to_thread(folder.write_at, EVENTS_FILE, size, piece)
        size += len(piece)
    if not size:
        raise InvalidBody.of("body", "the body is empty: send the events that were received, one a line")
    await asyncio.to_thread(folder.sync, EVENTS_FILE)


async def remove_upload(request: AnyRequest, job: bytes) -> None:
    """Have nothing be left of it."""
    await asyncio.to_thread(job_folders(request).of(tenant_of(request), job).remove_all)


async def _remove_forsaken(request: AnyRequest) -> None:
    """What others left in the midst of theirs would lie there for good: no job leads to it."""
    tenant, deps, folders = tenant_of(request), dependencies_of(request), job_folders(request)
    old = await asyncio.to_thread(folders.jobs_unchanged_since, tenant, deps.clock() - _FORSAKEN_US)
    for job in await deps.store.read(unknown_jobs(tenant, old)) if old else ():
        await asyncio.to_thread(folders.of(tenant, job).remove_all)
