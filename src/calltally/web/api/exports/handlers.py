"""`/api/v1/exports`: bulk exports as jobs. The handlers queue, show and cancel jobs; a worker runs them."""

import asyncio
import re
from typing import Any, Final

from litestar import delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp
from msgspec.structs import replace

from calltally.calls.errors import FilesGone, InvalidInput, NoFilesFolder, NotFound
from calltally.calls.export_query import ExportQuery, parse_export_query
from calltally.calls.identity import parse_uuid
from calltally.calls.parameters import read_values
from calltally.exports.erasures import contains_any
from calltally.exports.request import queue_export
from calltally.exports.spec import read_progress, read_spec
from calltally.store.db.operation import StoreOperation
from calltally.store.jobs.cleanup import ErasedIds, erased_after
from calltally.store.jobs.folders import JobFolders
from calltally.store.jobs.jobs import (
    Job,
    JobFile,
    JobKind,
    JobState,
    cancel_or_expire,
    file_of,
    files_of,
    list_jobs,
    need_job,
)
from calltally.web.api.call_logs.list_calls import with_search
from calltally.web.api.exports import operations
from calltally.web.api.exports.schemas import PATH, ExportJob, ExportList, export_manifest, export_resource
from calltally.web.auth.admission import pairs_without_tenant
from calltally.web.request.bodies import json_body
from calltally.web.request.context import AnyRequest, access_of, context_of, dependencies_of, tenant_of
from calltally.web.request.paths import last_segment, segment_after
from calltally.web.response.file_response import StoredFile, check_file_access, file_response
from calltally.web.response.link_header import PageWindow, link_header
from calltally.web.response.response import Response

_ONE: Final = PATH + "/{id:str}"
_KEY_PATTERN: Final = re.compile(rb"[\x21-\x7e]{1,200}")
_IDEMPOTENCY_KEY: Final = "Idempotency-Key"

Found = tuple[Job, list[JobFile]]


@post(PATH, operation=operations.START, status_code=200)
async def post_export(request: AnyRequest) -> Response:
    """Queue an export of the current or named snapshot."""
    query = parse_export_query(await json_body(request, dict[str, Any]))
    job = await start_export(request, query, _idempotency_key(request))
    export = await _resource(request, job)
    return Response.json(
        export, status=202, headers=((b"location", f"{_base(request)}{PATH}/{export.id}".encode()),)
    )


async def start_export(request: AnyRequest, query: ExportQuery, key: str | None) -> Job:
    """Queue an export with the key's search rights. Raises the errors of `ask_export`, and NoFilesFolder."""
    deps = dependencies_of(request)
    _folders(request)
    query, is_masked = _restricted(request, query), access_of(request).is_masked
    operation = queue_export(tenant_of(request), query, key, deps.clock(), are_masked=is_masked)
    job: Job = await deps.store.write(operation)
    deps.metrics.count_job(JobKind.EXPORT, "started")
    return job


@get(PATH, operation=operations.LIST)
async def get_exports(request: AnyRequest) -> Response:
    """List the exports; forgotten ones are missing."""
    parameters = {each.name: each for each in operations.PAGE}
    page = {
        "limit": operations.DEFAULT_LIMIT,
        "offset": 0,
        **read_values(pairs_without_tenant(request), parameters),
    }
    found, total = await dependencies_of(request).store.read(exports_of(tenant_of(request), **page))
    data = [export_resource(job, files, _base(request)) for job, files in found]
    window = PageWindow(page["limit"], page["offset"], total)
    return Response.json(ExportList(data, **page, total=total), headers=(link_header(request, window),))


@get(_ONE, operation=operations.READ)
async def get_export(request: AnyRequest) -> Response:
    """Return one export of the tenant."""
    return Response.json(export_resource(*await requested_export(request), _base(request)))


# The framework does not let a handler declared as 204 return a Response, so this declares 200. The Response
# itself has status 204.
@delete(_ONE, operation=operations.END, status_code=200)
async def delete_export(request: AnyRequest) -> Response:
    """Cancel an export or delete its files. A running worker stops after its current chunk."""
    deps, (job, _) = dependencies_of(request), await requested_export(request)
    await deps.store.write(cancel_or_expire(tenant_of(request), job.job, deps.clock()))
    deps.metrics.count_job(JobKind.EXPORT, "ended")
    return Response.empty()


@get(_ONE + "/manifest.json", operation=operations.MANIFEST)
async def get_manifest(request: AnyRequest) -> Response:
    """Return the manifest; an incomplete export has `complete: false`."""
    return Response.json(export_manifest(*await requested_export(request)))


@get(_ONE + "/files/{name:str}", operation=operations.FILE)
async def get_file(request: AnyRequest) -> ASGIApp:
    """Return a file. It is unavailable from the moment a call in it is erased, even before its deletion."""
    tenant, name = tenant_of(request), last_segment(request, "files")
    folders, store = _folders(request), dependencies_of(request).store
    job, file = await store.read(_job_and_file(tenant, _id(request), name))
    if job.state is JobState.EXPIRED:
        raise FilesGone(
            "the files of this export have expired or were deleted; request it again with another"
            " Idempotency-Key"
        )
    if file is None or job.state is not JobState.COMPLETE:
        raise NotFound("the export has no file of that name, or is not complete; see its list of files")
    check_file_access(request, has_full_numbers=not read_spec(job.spec).are_masked)
    folder = folders.of(tenant, job.job)
    erased: ErasedIds = await store.read(erased_after(tenant, job.checked), long=True)
    ids_name = read_progress(job.progress).ids_name
    if await asyncio.to_thread(contains_any, folder, ids_name, erased.ids):
        raise FilesGone(
            "a call in this export was erased since; request it again with another Idempotency-Key"
        )
    return await file_response(request, StoredFile(folder.path_of(file.stored_name), file))


def _folders(request: AnyRequest) -> JobFolders:
    folders = dependencies_of(request).folders
    if folders is None:
        raise NoFilesFolder(
            "exports need a folder for their files: set CALLTALLY_FILES_FOLDER, the same on every node"
        )
    return folders


def _restricted(request: AnyRequest, query: ExportQuery) -> ExportQuery:
    """Restrict the search of the query to the rights of the key. Raises Forbidden."""
    return replace(query, query=with_search(query.query, access_of(request)))


def _idempotency_key(request: AnyRequest) -> str | None:
    value = context_of(request.scope).headers.get(_IDEMPOTENCY_KEY.lower().encode())
    if value is not None and not _KEY_PATTERN.fullmatch(value):
        raise InvalidInput.of(
            _IDEMPOTENCY_KEY, "Idempotency-Key is 1 to 200 printable ASCII characters without spaces"
        )
    return None if value is None else value.decode()


def _id(request: AnyRequest) -> bytes:
    return parse_uuid(segment_after(request, "exports")) or b""


async def requested_export(request: AnyRequest) -> Found:
    """Return the export of the path, and its files once all are complete. Raises NotFound."""
    found: Found = await dependencies_of(request).store.read(_job_and_files(tenant_of(request), _id(request)))
    return found


async def _resource(request: AnyRequest, job: Job) -> ExportJob:
    files = await dependencies_of(request).store.read(files_of(tenant_of(request), job.job))
    return export_resource(job, files if job.state is JobState.COMPLETE else [], _base(request))


def _base(request: AnyRequest) -> str:
    return dependencies_of(request).public_url or ""


def _export(tenant: str, job_id: bytes) -> StoreOperation[Job]:
    job = yield from need_job(tenant, job_id)
    if job.kind is not JobKind.EXPORT:
        raise NotFound("no export has this id")
    return job


def _job_and_files(tenant: str, job_id: bytes) -> StoreOperation[Found]:
    job = yield from _export(tenant, job_id)
    return job, (yield from _files(tenant, job))


def _files(tenant: str, job: Job) -> StoreOperation[list[JobFile]]:
    """Return the files of a complete export; none before."""
    return (yield from files_of(tenant, job.job)) if job.state is JobState.COMPLETE else []


def _job_and_file(tenant: str, job_id: bytes, name: str) -> StoreOperation[tuple[Job, JobFile | None]]:
    job = yield from _export(tenant, job_id)
    return job, (yield from file_of(tenant, job.job, name))


def exports_of(tenant: str, limit: int, offset: int) -> StoreOperation[tuple[list[Found], int]]:
    """Return a page of a tenant's exports with their files, newest first, and the total."""
    jobs, total = yield from list_jobs(tenant, JobKind.EXPORT, limit=limit, offset=offset)
    files: list[list[JobFile]] = []
    for job in jobs:
        files += [(yield from _files(tenant, job))]
    return list(zip(jobs, files, strict=True)), total


EXPORT_HANDLERS: Final[tuple[HTTPRouteHandler, ...]] = (
    post_export,
    get_exports,
    get_export,
    delete_export,
    get_manifest,
    get_file,
)
