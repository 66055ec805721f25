"""`/api/v1/reconciliations`: comparisons as jobs.

The handlers queue, show and cancel jobs; a worker runs them.
"""

import asyncio
from typing import Final

import msgspec
from litestar import delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from calltally.calls.errors import FilesGone, NotFound
from calltally.calls.identity import parse_uuid
from calltally.calls.parameters import Parameter, read_values
from calltally.reconcile.jobs.erasures import names_any
from calltally.reconcile.jobs.findings_file import read_findings
from calltally.reconcile.jobs.request import new_job_id, queue_reconciliation
from calltally.reconcile.jobs.spec import FINDINGS_NAME, FindingFiles, ReconciliationSpec, read_progress
from calltally.store.db.operation import StoreOperation
from calltally.store.jobs.cleanup import ErasedIds, erased_after
from calltally.store.jobs.folders import JobFolder
from calltally.store.jobs.jobs import (
    Job,
    JobFile,
    JobKind,
    JobState,
    cancel_or_expire,
    check_open_jobs,
    file_of,
    list_jobs,
    need_job,
)
from calltally.web.api.events.uploads import job_folders, remove_upload, store_upload
from calltally.web.api.reconciliations import operations
from calltally.web.api.reconciliations.request import events_spec, provider_spec
from calltally.web.api.reconciliations.schemas import (
    PATH,
    FindingPage,
    ReconciliationList,
    reconciliation_resource,
)
from calltally.web.auth.admission import pairs_without_tenant
from calltally.web.request.bodies import JSON_BODY, MAX_EVENTS_BYTES, NDJSON_BODY, body_type, short_body
from calltally.web.request.context import AnyRequest, access_of, dependencies_of, tenant_of
from calltally.web.request.paths import segment_after
from calltally.web.response.file_response import StoredFile, check_file_access, file_response
from calltally.web.response.link_header import PageWindow, link_header
from calltally.web.response.response import Response

_ONE: Final = PATH + "/{id:str}"
_MAX_JSON_BYTES: Final = 64 * 1024


@post(PATH, operation=operations.START, request_max_body_size=MAX_EVENTS_BYTES, status_code=200)
async def post_reconciliation(request: AnyRequest) -> Response:
    """Queue a reconciliation and store uploaded events."""
    job_folders(request)
    if body_type(request, JSON_BODY, NDJSON_BODY) == NDJSON_BODY:
        job = await _start_with_events(request)
    else:
        body = await short_body(request, _MAX_JSON_BYTES)
        spec = provider_spec(body, pairs_without_tenant(request), access_of(request))
        job = await start_reconciliation(request, spec)
    resource = reconciliation_resource(job, _base(request))
    location = f"{_base(request)}{PATH}/{resource.id}".encode()
    return Response.json(resource, status=202, headers=((b"location", location),))


async def start_reconciliation(request: AnyRequest, spec: ReconciliationSpec) -> Job:
    """Queue a comparison that needs no upload. Raises TooManyRequests, and NoFilesFolder."""
    job_folders(request)
    return await _add_job(request, new_job_id(), spec)


@get(PATH, operation=operations.LIST)
async def get_reconciliations(request: AnyRequest) -> Response:
    """List the reconciliations; forgotten ones are missing."""
    limit, offset = _page(request, operations.PAGE, operations.DEFAULT_LIMIT)
    jobs: list[Job]
    jobs, total = await dependencies_of(request).store.read(
        list_jobs(tenant_of(request), JobKind.RECONCILIATION, limit=limit, offset=offset)
    )
    data = [reconciliation_resource(job, _base(request)) for job in jobs]
    link = link_header(request, PageWindow(limit, offset, total))
    return Response.json(ReconciliationList(data, limit, offset, total), headers=(link,))


@get(_ONE, operation=operations.READ)
async def get_reconciliation(request: AnyRequest) -> Response:
    """Return one reconciliation of the tenant."""
    return Response.json(reconciliation_resource(await requested_reconciliation(request), _base(request)))


# The framework does not let a handler declared as 204 return a Response, so this declares 200. The Response
# itself has status 204.
@delete(_ONE, operation=operations.END, status_code=200)
async def delete_reconciliation(request: AnyRequest) -> Response:
    """Cancel a reconciliation or delete its findings. A running worker stops within about a second."""
    deps, job = dependencies_of(request), await requested_reconciliation(request)
    await deps.store.write(cancel_or_expire(tenant_of(request), job.job, deps.clock()))
    return Response.empty()


@get(_ONE + "/findings", operation=operations.FINDINGS)
async def get_findings(request: AnyRequest) -> Response:
    """Return findings. They are unavailable from the moment a call in them is erased."""
    limit, offset = _page(request, operations.FINDINGS_PAGE, operations.FINDINGS_DEFAULT_LIMIT)
    folder, stored_findings, file = await _findings(request)
    lines = await asyncio.to_thread(read_findings, folder, stored_findings, file, limit=limit, offset=offset)
    page = FindingPage([msgspec.Raw(line) for line in lines], limit, offset, file.rows)
    return Response.json(page, headers=(link_header(request, PageWindow(limit, offset, file.rows)),))


@get(f"{_ONE}/{FINDINGS_NAME}", operation=operations.FILE)
async def get_findings_file(request: AnyRequest) -> ASGIApp:
    """Return the findings file as stored."""
    # A finding may quote an unreadable value, so it can contain full numbers.
    check_file_access(request, has_full_numbers=True)
    folder, _, file = await _findings(request)
    return await file_response(request, StoredFile(folder.path_of(file.stored_name), file))


async def _start_with_events(request: AnyRequest) -> Job:
    spec, job_id = events_spec(pairs_without_tenant(request)), new_job_id()
    # Checked before the upload as well, so that no client uploads in vain.
    await dependencies_of(request).store.read(check_open_jobs(tenant_of(request)))
    try:
        await store_upload(request, job_id)
        return await _add_job(request, job_id, spec)
    except BaseException:
        await remove_upload(request, job_id)
        raise


async def _add_job(request: AnyRequest, job_id: bytes, spec: ReconciliationSpec) -> Job:
    deps = dependencies_of(request)
    job: Job = await deps.store.write(queue_reconciliation(tenant_of(request), job_id, spec, deps.clock()))
    return job


async def requested_reconciliation(request: AnyRequest) -> Job:
    """Return the reconciliation of the path. Raises NotFound."""
    job: Job = await dependencies_of(request).store.read(_reconciliation(tenant_of(request), _id(request)))
    return job


async def _findings(request: AnyRequest) -> tuple[JobFolder, FindingFiles, JobFile]:
    """Return the location of the findings.

    Raises NotFound before they exist, FilesGone once they are deleted.
    """
    tenant, store = tenant_of(request), dependencies_of(request).store
    job, file = await store.read(_job_and_file(tenant, _id(request)))
    if job.state is JobState.EXPIRED:
        raise FilesGone("the findings of this reconciliation have expired or were deleted; request it again")
    stored_findings = read_progress(job.progress).files
    if file is None or stored_findings is None or job.state is not JobState.COMPLETE:
        raise NotFound(f"no findings exist: the reconciliation is {job.state}")
    folder = job_folders(request).of(tenant, job.job)
    erased: ErasedIds = await store.read(erased_after(tenant, job.checked), long=job.checked == 0)
    if await asyncio.to_thread(names_any, folder, stored_findings, erased.ids):
        raise FilesGone("a call in the findings was erased since; request the reconciliation again")
    return folder, stored_findings, file


def _reconciliation(tenant: str, job_id: bytes) -> StoreOperation[Job]:
    job = yield from need_job(tenant, job_id)
    if job.kind is not JobKind.RECONCILIATION:
        raise NotFound("no reconciliation has this id")
    return job


def _job_and_file(tenant: str, job_id: bytes) -> StoreOperation[tuple[Job, JobFile | None]]:
    job = yield from _reconciliation(tenant, job_id)
    return job, (yield from file_of(tenant, job.job, FINDINGS_NAME))


def _page(request: AnyRequest, parameters: tuple[Parameter, ...], default: int) -> tuple[int, int]:
    by_name = {each.name: each for each in parameters}
    values = {"limit": default, "offset": 0, **read_values(pairs_without_tenant(request), by_name)}
    return values["limit"], values["offset"]


def _id(request: AnyRequest) -> bytes:
    return parse_uuid(segment_after(request, "reconciliations")) or b""


def _base(request: AnyRequest) -> str:
    return dependencies_of(request).public_url or ""


RECONCILIATION_HANDLERS: Final[tuple[HTTPRouteHandler, ...]] = (
    post_reconciliation,
    get_reconciliations,
    get_reconciliation,
    delete_reconciliation,
    get_findings,
    get_findings_file,
)
