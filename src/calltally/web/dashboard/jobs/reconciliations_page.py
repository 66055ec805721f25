"""`/reconciliations` and `/reconciliations/{id}`: comparisons with a provider or with events."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from litestar import get, post
from litestar.types import ASGIApp

from calltally.calls.errors import FilesGone
from calltally.calls.identity import uuid_text
from calltally.providers.registry import FETCHERS
from calltally.reconcile.findings import KIND_TEXTS, FindingKind
from calltally.reconcile.jobs.spec import FINDINGS_NAME
from calltally.store.jobs.jobs import Job, JobKind, list_jobs
from calltally.web.api.reconciliations.handlers import (
    delete_reconciliation,
    get_findings,
    get_findings_file,
    requested_reconciliation,
    start_reconciliation,
)
from calltally.web.api.reconciliations.operations import PAGE
from calltally.web.api.reconciliations.request import provider_spec
from calltally.web.api.reconciliations.schemas import ReconciliationJob, reconciliation_resource
from calltally.web.dashboard.call_format import DASH, call_path
from calltally.web.dashboard.calls.links import non_empty, url
from calltally.web.dashboard.calls.local_window import in_utc
from calltally.web.dashboard.calls.page import renewed
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.error_page import handle_page_exception
from calltally.web.dashboard.forms import checked_form, return_path
from calltally.web.dashboard.jobs.progress import (
    adjacent_pages,
    is_done,
    parse_page,
    progress_of,
    window_text,
)
from calltally.web.dashboard.number_format import grouped, minute
from calltally.web.dashboard.operations import page_operation
from calltally.web.dashboard.rendering import redirect, render_page
from calltally.web.dashboard.sign_in.scopes import require_scope
from calltally.web.dashboard.sign_in.visitor import Visitor, visitor_of
from calltally.web.request.access import EVENTS_WRITE, EXPORTS_WRITE
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.query import query_pairs
from calltally.web.response.response import Response

PATH: Final = "/reconciliations"
ONE: Final = PATH + "/{id:str}"
_HANDLING: Final[Any] = {Exception: handle_page_exception}


@get(PATH, operation=page_operation(PATH), exception_handlers=_HANDLING)
async def show_reconciliations(request: AnyRequest) -> Response:
    """List reconciliations, newest first, with a form."""
    visitor = await visitor_of(request)
    pairs = non_empty(query_pairs(request.scope["query_string"]))
    paging = parse_page(pairs, PAGE)
    jobs: list[Job]
    jobs, total = await dependencies_of(request).store.read(
        list_jobs(visitor.tenant, JobKind.RECONCILIATION, **paging)
    )
    values = {
        "lines": [_line(visitor, reconciliation_resource(job, "")) for job in jobs],
        "total": total,
        **adjacent_pages(PATH, paging, total),
        "providers": sorted(FETCHERS),
        "may_write": visitor.access.has_scope(EXPORTS_WRITE),
        "may_heal": visitor.access.has_scope(EVENTS_WRITE),
        "has_folder": dependencies_of(request).folders is not None,
        "here": url(pairs, PATH),
    }
    return render_page("reconciliations.html", visitor, values, headers=renewed(request, visitor))


@post(PATH, operation=page_operation(f"POST {PATH}"), status_code=200, exception_handlers=_HANDLING)
async def request_reconciliation(request: AnyRequest) -> Response:
    """Start a comparison with a provider from the form and redirect to its page."""
    visitor, pairs = await checked_form(request)
    require_scope(visitor, EXPORTS_WRITE)
    sent = dict(in_utc(non_empty(pairs), visitor.zone))
    body = {
        "against": "provider",
        **{name: sent.get(name, "") for name in ("provider", "from", "to")},
        "heal": "heal" in sent,
        "deliver": "deliver" in sent,
    }
    spec = provider_spec(msgspec.json.encode(body), (), visitor.access)
    job = await start_reconciliation(request, spec)
    return redirect(f"{PATH}/{uuid_text(job.job)}")


@get(ONE, operation=page_operation(ONE), exception_handlers=_HANDLING)
async def show_reconciliation_page(request: AnyRequest) -> Response:
    """Show one reconciliation: counts per kind of finding, and a page of the findings."""
    visitor = await visitor_of(request)
    job_resource = reconciliation_resource(await requested_reconciliation(request), "")
    pairs = non_empty(query_pairs(request.scope["query_string"]))
    values = {
        **_line(visitor, job_resource),
        "counts": [_count_row(name, count) for name, count in job_resource.counts.items()],
        "looked_at": [
            (name.replace("_", " "), grouped(count)) for name, count in job_resource.looked_at.items()
        ],
        "healed": [
            (name.replace("_", " "), grouped(count)) for name, count in (job_resource.healed or {}).items()
        ],
        "error": job_resource.error,
        **await _findings(request, job_resource),
        "file": f"{PATH}/{job_resource.id}/{FINDINGS_NAME}",
        "may_write": visitor.access.has_scope(EXPORTS_WRITE),
        "here": url(pairs, f"{PATH}/{job_resource.id}"),
    }
    return render_page("reconciliation.html", visitor, values, headers=renewed(request, visitor))


@post(
    ONE + "/cancel",
    operation=page_operation(f"POST {ONE}/cancel"),
    status_code=200,
    exception_handlers=_HANDLING,
)
async def cancel_reconciliation(request: AnyRequest) -> Response:
    """Cancel a reconciliation or delete its findings."""
    visitor, pairs = await checked_form(request)
    require_scope(visitor, EXPORTS_WRITE)
    await delete_reconciliation.fn(request)
    return redirect(return_path(pairs))


@get(
    f"{ONE}/{FINDINGS_NAME}", operation=page_operation(f"{ONE}/{FINDINGS_NAME}"), exception_handlers=_HANDLING
)
async def download_findings(request: AnyRequest) -> ASGIApp:
    """Return the API's response, authorized by the session."""
    await visitor_of(request)
    answer: ASGIApp = await get_findings_file.fn(request)
    return answer


def _line(visitor: Visitor, job_resource: ReconciliationJob) -> dict[str, Any]:
    found = sum(job_resource.counts.values())
    return {
        "id": job_resource.id,
        "path": f"{PATH}/{job_resource.id}",
        "against": job_resource.provider or text("against_events"),
        "window": window_text(job_resource.window.from_, job_resource.window.to, visitor.zone),
        "progress": progress_of(job_resource.state, 0, None),
        "is_clean": job_resource.clean,
        "found": grouped(found) if job_resource.clean is not None else DASH,
        "heal": job_resource.heal,
        "created": minute(job_resource.created_at, visitor.zone),
        "expires": minute(job_resource.expires_at, visitor.zone) if job_resource.expires_at else "",
    }


def _count_row(name: str, count: int) -> tuple[str, str, str]:
    words = KIND_TEXTS[FindingKind(name)]
    return words.title, grouped(count), words.meaning


async def _findings(request: AnyRequest, job_resource: ReconciliationJob) -> dict[str, Any]:
    """Return a page of findings, or the reason why they are gone."""
    nothing: dict[str, Any] = {
        "findings": [],
        "findings_total": 0,
        "gone": "",
        "previous": None,
        "next": None,
    }
    if not is_done(job_resource.state) or not job_resource.counts:
        return nothing
    try:
        answer: Response = await get_findings.fn(request)
    except FilesGone as gone:
        return {**nothing, "gone": gone.detail}
    stored = msgspec.json.decode(answer.body)
    paging = {"limit": stored["limit"], "offset": stored["offset"]}
    found = [_finding(each) for each in stored["data"]]
    pages = adjacent_pages(f"{PATH}/{job_resource.id}", paging, stored["total"])
    return {**nothing, "findings": found, "findings_total": stored["total"], **pages}


def _finding(stored: Mapping[str, Any]) -> dict[str, Any]:
    named = stored["call_id"] or stored["call_sid"]
    return {
        "kind": KIND_TEXTS[FindingKind(stored["kind"])].title,
        "detail": stored["detail"],
        "name": stored["call_sid"] or stored["call_id"] or DASH,
        "path": call_path(named) if named else None,
        "ours": stored["ours"] or DASH,
        "theirs": stored["theirs"] or DASH,
    }
