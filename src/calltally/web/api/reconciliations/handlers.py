"""`/api/v1/reconciliations`: comparisons as jobs, with a provider or with uploaded events."""

import asyncio
from functools import partial
from typing import Final

import msgspec
from litestar import delete, get, post
from litestar.types import ASGIApp

from calltally.calls.errors import FilesGone, InvalidBody, NotFound
from calltally.calls.times import DAY_US
from calltally.reconcile.jobs.findings_file import names_any, read_findings
from calltally.reconcile.jobs.spec import (
    EVENTS_FILE,
    FINDINGS_NAME,
    FindingFiles,
    ReconciliationSpec,
    new_job_id,
    queue_reconciliation,
    read_progress,
    unknown_jobs,
)
from calltally.store.jobs.folders import JobFolder
from calltally.store.jobs.jobs import Job, JobFile, JobKind, JobState, check_open_jobs, list_jobs
from calltally.web.api.jobs import (
    cancel_job,
    contains_erased,
    need_folders,
    queue_job,
    queued_response,
    requested_file,
    requested_job,
)
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
from calltally.web.request.context import AnyRequest, access_of, dependencies_of, link_base, tenant_of
from calltally.web.response.file_response import StoredFile, check_file_access, file_response
from calltally.web.response.paging import list_response, requested_page
from calltally.web.response.response import Response

_ONE: Final = PATH + "/{id:str}"
# No upload takes this long. An older folder without a job belongs to a killed process.
_ABANDONED_AFTER_US: Final = DAY_US
_MAX_JSON_BYTES: Final = 64 * 1024


@post(PATH, operation=operations.START, request_max_body_size=MAX_EVENTS_BYTES, status_code=200)
async def post_reconciliation(request: AnyRequest) -> Response:
    need_folders(request, JobKind.RECONCILIATION)
    if body_type(request, JSON_BODY, NDJSON_BODY) == NDJSON_BODY:
        job = await _start_with_events(request)
    else:
        body = await short_body(request, _MAX_JSON_BYTES)
        spec = provider_spec(body, pairs_without_tenant(request), access_of(request))
        job = await start_reconciliation(request, spec)
    return queued_response(request, JobKind.RECONCILIATION, reconciliation_resource(job, link_base(request)))


async def start_reconciliation(
    request: AnyRequest, spec: ReconciliationSpec, job_id: bytes | None = None
) -> Job:
    """Queue a comparison, with `job_id` after an upload. Raises TooManyRequests, and NoFilesFolder."""
    need_folders(request, JobKind.RECONCILIATION)
    now_us = dependencies_of(request).clock()
    operation = queue_reconciliation(tenant_of(request), job_id or new_job_id(), spec, now_us)
    return await queue_job(request, JobKind.RECONCILIATION, operation)


@get(PATH, operation=operations.LIST)
async def get_reconciliations(request: AnyRequest) -> Response:
    page = requested_page(request, operations.PAGE)
    operation = list_jobs(tenant_of(request), JobKind.RECONCILIATION, **page)
    jobs, total = await dependencies_of(request).store.read(operation)
    data = [reconciliation_resource(job, link_base(request)) for job in jobs]
    return list_response(request, ReconciliationList, data, page, total)


@get(_ONE, operation=operations.READ)
async def get_reconciliation(request: AnyRequest) -> Response:
    job = await requested_job(request, JobKind.RECONCILIATION)
    return Response.json(reconciliation_resource(job, link_base(request)))


@delete(_ONE, operation=operations.END, status_code=200)
async def delete_reconciliation(request: AnyRequest) -> Response:
    return await cancel_job(request, JobKind.RECONCILIATION)


@get(_ONE + "/findings", operation=operations.FINDINGS)
async def get_findings(request: AnyRequest) -> Response:
    """Return findings. They are unavailable from the moment a call in them is erased."""
    page = requested_page(request, operations.FINDINGS_PAGE)
    folder, stored_findings, file = await _findings(request)
    lines = await asyncio.to_thread(read_findings, folder, stored_findings, file, **page)
    return list_response(request, FindingPage, [msgspec.Raw(line) for line in lines], page, file.rows)


@get(f"{_ONE}/{FINDINGS_NAME}", operation=operations.FILE)
async def get_findings_file(request: AnyRequest) -> ASGIApp:
    # A finding may quote an unreadable value, so it can contain full numbers.
    check_file_access(request, has_full_numbers=True)
    folder, _, file = await _findings(request)
    return await file_response(request, StoredFile(folder.path_of(file.stored_name), file))


async def _start_with_events(request: AnyRequest) -> Job:
    spec, job_id = events_spec(pairs_without_tenant(request)), new_job_id()
    # Checked before the upload as well, so that no client uploads in vain.
    await dependencies_of(request).store.read(check_open_jobs(tenant_of(request)))
    try:
        await _store_upload(request, job_id)
        return await start_reconciliation(request, spec, job_id)
    except BaseException:
        await _remove_upload(request, job_id)
        raise


async def _findings(request: AnyRequest) -> tuple[JobFolder, FindingFiles, JobFile]:
    """Return the location of the findings.

    Raises NotFound before they exist, FilesGone once they are deleted.
    """
    job, file = await requested_file(request, JobKind.RECONCILIATION, FINDINGS_NAME)
    if job.state is JobState.EXPIRED:
        raise FilesGone("the findings of this reconciliation have expired or were deleted; request it again")
    stored_findings = read_progress(job.progress).files
    if file is None or stored_findings is None:
        raise NotFound(f"no findings exist: the reconciliation is {job.state}")
    folder = need_folders(request, JobKind.RECONCILIATION).of(tenant_of(request), job.job)
    if await contains_erased(request, job, partial(names_any, folder, stored_findings)):
        raise FilesGone("a call in the findings was erased since; request the reconciliation again")
    return folder, stored_findings, file


async def _store_upload(request: AnyRequest, job: bytes) -> None:
    """Write the body durably to the job's folder. Raises InvalidBody for an empty body, and TooLarge."""
    await _remove_abandoned(request)
    folder, size = need_folders(request, JobKind.RECONCILIATION).of(tenant_of(request), job), 0
    await asyncio.to_thread(folder.make)
    await asyncio.to_thread(folder.cut, EVENTS_FILE, 0)
    async for chunk in request.stream():
        await asyncio.to_thread(folder.write_at, EVENTS_FILE, size, chunk)
        size += len(chunk)
    if not size:
        raise InvalidBody.of("body", "the body is empty: send the received events, one per line")
    await asyncio.to_thread(folder.sync, EVENTS_FILE)


async def _remove_upload(request: AnyRequest, job: bytes) -> None:
    await asyncio.to_thread(
        need_folders(request, JobKind.RECONCILIATION).of(tenant_of(request), job).remove_all
    )


async def _remove_abandoned(request: AnyRequest) -> None:
    """Remove abandoned uploads: no job refers to them, so nothing else deletes them."""
    tenant, deps, folders = (
        tenant_of(request),
        dependencies_of(request),
        need_folders(request, JobKind.RECONCILIATION),
    )
    old = await asyncio.to_thread(folders.jobs_unchanged_since, tenant, deps.clock() - _ABANDONED_AFTER_US)
    for job in await deps.store.read(unknown_jobs(tenant, old)) if old else ():
        await asyncio.to_thread(folders.of(tenant, job).remove_all)
