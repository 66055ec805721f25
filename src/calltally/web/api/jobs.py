"""Job resources: the parts that exports and reconciliations share. A worker runs the jobs."""

import asyncio
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec

from calltally.calls.errors import NoFilesFolder, NotFound
from calltally.calls.identity import uuid_text
from calltally.calls.times import utc_text
from calltally.calls.wire_types import Timestamp
from calltally.store.db.operation import StoreOperation
from calltally.store.jobs.cleanup import ErasedIds, erased_after
from calltally.store.jobs.folders import JobFolders
from calltally.store.jobs.jobs import Job, JobFile, JobKind, JobState, cancel_or_expire, file_of, need_job
from calltally.web.openapi.operation import PathParameter
from calltally.web.request.context import AnyRequest, dependencies_of, link_base, tenant_of
from calltally.web.request.paths import id_after
from calltally.web.response.response import Response


class CreationWindow(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """from <= created_at < to; null for an open end."""

    from_: Timestamp | None
    to: Timestamp | None


class JobError(msgspec.Struct, frozen=True):
    """The error of a failed job: a slug of `/docs/problems`, and a message."""

    slug: str
    detail: str


def job_fields(job: Job, error: dict[str, str] | None) -> dict[str, Any]:
    return {
        "id": uuid_text(job.job),
        "state": job.state.value,
        "created_at": utc_text(job.created_us),
        "updated_at": utc_text(job.updated_us),
        "expires_at": None if job.expires_us is None else utc_text(job.expires_us),
        "error": JobError(**error) if error else None,
    }


def job_id_parameter(kind: JobKind, example: str) -> PathParameter:
    schema = {"type": "string", "format": "uuid"}
    return PathParameter(name="id", description=f"The {kind}'s id.", schema=schema, example=example)


def need_folders(request: AnyRequest, kind: JobKind) -> JobFolders:
    """Return the folders of the jobs' files. Raises NoFilesFolder."""
    folders = dependencies_of(request).folders
    if folders is None:
        raise NoFilesFolder(
            f"{kind}s need a folder for their files: set CALLTALLY_FILES_FOLDER, the same on every node"
        )
    return folders


async def queue_job(request: AnyRequest, kind: JobKind, operation: StoreOperation[Job]) -> Job:
    """Queue a job. Raises TooManyRequests if too many are open."""
    deps = dependencies_of(request)
    job: Job = await deps.store.write(operation)
    deps.metrics.count_job(kind, "started")
    return job


def queued_response(request: AnyRequest, kind: JobKind, resource: Any) -> Response:  # noqa: ANN401 (a Struct)
    location = f"{link_base(request)}/api/v1/{kind}s/{resource.id}".encode()
    return Response.json(resource, status=202, headers=((b"location", location),))


async def requested_job(request: AnyRequest, kind: JobKind) -> Job:
    """Return the job of the path. Raises NotFound."""
    operation = _need_job(tenant_of(request), id_after(request, f"{kind}s"), kind)
    job: Job = await dependencies_of(request).store.read(operation)
    return job


async def requested_file(request: AnyRequest, kind: JobKind, name: str) -> tuple[Job, JobFile | None]:
    """Return the job of the path, and its file of that name if it is complete. Raises NotFound."""
    operation = _job_and_file(tenant_of(request), id_after(request, f"{kind}s"), kind, name)
    found: tuple[Job, JobFile | None] = await dependencies_of(request).store.read(operation)
    return found


async def contains_erased(
    request: AnyRequest, job: Job, contains: Callable[[AbstractSet[bytes]], bool]
) -> bool:
    """Return true if the files contain a call that was erased since, even before their deletion.

    `contains` reads a file, in a thread.
    """
    store = dependencies_of(request).store
    erased: ErasedIds = await store.read(erased_after(tenant_of(request), job.checked), long=True)
    return await asyncio.to_thread(contains, erased.ids)


async def cancel_job(request: AnyRequest, kind: JobKind) -> Response:
    """Cancel the job of the path, or delete its files. A running worker stops within about a second."""
    deps, job = dependencies_of(request), await requested_job(request, kind)
    await deps.store.write(cancel_or_expire(tenant_of(request), job.job, deps.clock()))
    deps.metrics.count_job(kind, "ended")
    return Response.empty()


def _need_job(tenant: str, job_id: bytes, kind: JobKind) -> StoreOperation[Job]:
    job = yield from need_job(tenant, job_id)
    if job.kind is not kind:
        raise NotFound(f"no {kind} has this id")
    return job


def _job_and_file(
    tenant: str, job_id: bytes, kind: JobKind, name: str
) -> StoreOperation[tuple[Job, JobFile | None]]:
    job = yield from _need_job(tenant, job_id, kind)
    return job, (yield from file_of(tenant, job_id, name)) if job.state is JobState.COMPLETE else None
