"""`/api/v1/exports`: bulk exports as jobs."""

from functools import partial
from typing import Any, Final

from litestar import delete, get, post
from litestar.types import ASGIApp
from msgspec.structs import replace

from calltally.calls.errors import FilesGone, NotFound
from calltally.calls.export_formats import DEFAULT_FORMAT, FORMATS
from calltally.calls.export_query import ExportQuery, parse_export_query
from calltally.exports.request import queue_export
from calltally.exports.rows import contains_any
from calltally.exports.spec import read_progress, read_spec
from calltally.formats.writers import check_server_format
from calltally.store.db.operation import StoreOperation
from calltally.store.jobs.jobs import Job, JobFile, JobKind, JobState, files_of, list_jobs
from calltally.web.api.exports import operations
from calltally.web.api.exports.schemas import PATH, ExportList, export_manifest, export_resource
from calltally.web.api.jobs import (
    cancel_job,
    contains_erased,
    need_folders,
    queue_job,
    queued_response,
    requested_file,
    requested_job,
)
from calltally.web.auth.search_rights import with_search
from calltally.web.request.bodies import json_body
from calltally.web.request.context import (
    AnyRequest,
    access_of,
    dependencies_of,
    link_base,
    tenant_of,
)
from calltally.web.request.idempotency import idempotency_key
from calltally.web.request.paths import last_segment
from calltally.web.response.file_response import StoredFile, check_file_access, file_response
from calltally.web.response.paging import list_response, requested_page
from calltally.web.response.response import Response

_ONE: Final = PATH + "/{id:str}"

Found = tuple[Job, list[JobFile]]


@post(PATH, operation=operations.START, status_code=200)
async def post_export(request: AnyRequest) -> Response:
    query = parse_export_query(await json_body(request, dict[str, Any]))
    job = await start_export(request, query, idempotency_key(request))
    files = await dependencies_of(request).store.read(_files(tenant_of(request), job))
    return queued_response(request, JobKind.EXPORT, export_resource(job, files, link_base(request)))


async def start_export(request: AnyRequest, query: ExportQuery, key: str | None) -> Job:
    """Queue an export with the key's search rights.

    Raises Forbidden, NoFilesFolder, FormatUnavailable, and the errors of `queue_export`.
    """
    need_folders(request, JobKind.EXPORT)
    check_server_format(FORMATS[query.query.format or DEFAULT_FORMAT])
    access, clock = access_of(request), dependencies_of(request).clock
    query = replace(query, query=with_search(query.query, access))
    operation = queue_export(tenant_of(request), query, key, clock(), are_masked=access.is_masked)
    return await queue_job(request, JobKind.EXPORT, operation)


@get(PATH, operation=operations.LIST)
async def get_exports(request: AnyRequest) -> Response:
    page = requested_page(request, operations.PAGE)
    found, total = await dependencies_of(request).store.read(exports_of(tenant_of(request), **page))
    data = [export_resource(job, files, link_base(request)) for job, files in found]
    return list_response(request, ExportList, data, page, total)


@get(_ONE, operation=operations.READ)
async def get_export(request: AnyRequest) -> Response:
    return Response.json(export_resource(*await requested_export(request), link_base(request)))


@delete(_ONE, operation=operations.END, status_code=200)
async def delete_export(request: AnyRequest) -> Response:
    return await cancel_job(request, JobKind.EXPORT)


@get(_ONE + "/manifest.json", operation=operations.MANIFEST)
async def get_manifest(request: AnyRequest) -> Response:
    """Return the manifest; an incomplete export has `complete: false`."""
    return Response.json(export_manifest(*await requested_export(request)))


@get(_ONE + "/files/{name:str}", operation=operations.FILE)
async def get_file(request: AnyRequest) -> ASGIApp:
    """Return a file. It is unavailable from the moment a call in it is erased."""
    folders = need_folders(request, JobKind.EXPORT)
    job, file = await requested_file(request, JobKind.EXPORT, last_segment(request, "files"))
    if job.state is JobState.EXPIRED:
        raise FilesGone(
            "the files of this export have expired or were deleted; request it again with another"
            " Idempotency-Key"
        )
    if file is None:
        raise NotFound("the export has no file of that name, or is not complete; see its list of files")
    check_file_access(request, has_full_numbers=not read_spec(job.spec).are_masked)
    folder = folders.of(tenant_of(request), job.job)
    if await contains_erased(
        request, job, partial(contains_any, folder, read_progress(job.progress).ids_name)
    ):
        raise FilesGone(
            "a call in this export was erased since; request it again with another Idempotency-Key"
        )
    return await file_response(request, StoredFile(folder.path_of(file.stored_name), file))


async def requested_export(request: AnyRequest) -> Found:
    """Return the export of the path, and its files once all are complete. Raises NotFound."""
    job = await requested_job(request, JobKind.EXPORT)
    return job, await dependencies_of(request).store.read(_files(tenant_of(request), job))


def _files(tenant: str, job: Job) -> StoreOperation[list[JobFile]]:
    """Return the files of a complete export; none before."""
    return (yield from files_of(tenant, job.job)) if job.state is JobState.COMPLETE else []


def exports_of(tenant: str, limit: int, offset: int) -> StoreOperation[tuple[list[Found], int]]:
    """Return a page of a tenant's exports with their files, newest first, and the total."""
    jobs, total = yield from list_jobs(tenant, JobKind.EXPORT, limit=limit, offset=offset)
    files: list[list[JobFile]] = []
    for job in jobs:
        files += [(yield from _files(tenant, job))]
    return list(zip(jobs, files, strict=True)), total
