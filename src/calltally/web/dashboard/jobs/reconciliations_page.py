"""`/reconciliations` and `/reconciliations/{id}`: comparisons with a provider or with events."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from calltally.calls.errors import DamagedStore, FilesGone, InvalidInput, Misconfigured
from calltally.calls.identity import uuid_text
from calltally.providers.registry import FETCHERS
from calltally.reconcile.findings import KIND_MEANINGS, FindingKind, count_name, kind_title
from calltally.reconcile.jobs.spec import FINDINGS_NAME
from calltally.store.jobs.jobs import JobKind, JobState, list_jobs
from calltally.store.tenants.vault import Vault, secrets_of_tenant
from calltally.web.api.jobs import requested_job
from calltally.web.api.reconciliations.handlers import (
    delete_reconciliation,
    get_findings,
    get_findings_file,
    start_reconciliation,
)
from calltally.web.api.reconciliations.operations import PAGE
from calltally.web.api.reconciliations.request import provider_spec
from calltally.web.api.reconciliations.schemas import ReconciliationJob, reconciliation_resource
from calltally.web.dashboard.calls.links import adjacent_pages, url
from calltally.web.dashboard.calls.local_window import field_value, in_utc
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.formats import DASH, call_path, grouped
from calltally.web.dashboard.jobs.job_lines import job_line, list_values, progress_of
from calltally.web.dashboard.pages import download, form, page
from calltally.web.dashboard.rendering import redirect, render_page
from calltally.web.dashboard.sign_in.visitor import Visitor
from calltally.web.request.access import EVENTS_WRITE, EXPORTS_WRITE
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.query import Pairs
from calltally.web.response.paging import PageWindow, page_in
from calltally.web.response.response import Response

PATH: Final = "/reconciliations"
ONE: Final = PATH + "/{id:str}"


@page(PATH)
async def show_reconciliations(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> Response:
    return await _list_response(request, visitor, pairs)


async def _list_response(
    request: AnyRequest, visitor: Visitor, pairs: Pairs, fault: str | None = None
) -> Response:
    """Return the list; with a `fault`, the form of `pairs` was refused and comes back filled."""
    filled = {} if fault is None else dict(pairs)
    paging = page_in(pairs, PAGE)
    operation = list_jobs(visitor.tenant, JobKind.RECONCILIATION, **paging)
    jobs, total = await dependencies_of(request).store.read(operation)
    providers = await _listable_providers(request, visitor.tenant)
    values = {
        "lines": [_line(visitor, reconciliation_resource(job, "")) for job in jobs],
        **list_values(request, visitor, PATH, paging, total),
        "providers": providers,
        "others": sorted(FETCHERS.keys() - set(providers)),
        "is_admin": visitor.access.is_admin,
        "may_heal": visitor.access.has_scope(EVENTS_WRITE),
        "fault": fault,
        "filled": filled,
        "typed": {name: field_value(filled.get(name, ""), visitor.zone) for name in ("from", "to")},
        "here": url(pairs, PATH) if fault is None else PATH,
    }
    return render_page("reconciliations.html", visitor, values, status=200 if fault is None else 400)


async def _listable_providers(request: AnyRequest, tenant: str) -> list[str]:
    """Return the providers whose stored secrets can list calls."""
    deps = dependencies_of(request)
    stored = await deps.store.read(secrets_of_tenant(tenant))
    return [
        name for name, sealed in stored if name in FETCHERS and _can_list(deps.vault, tenant, name, sealed)
    ]


def _can_list(vault: Vault, tenant: str, provider: str, sealed: bytes) -> bool:
    try:
        FETCHERS[provider].account_of(vault.open(tenant, provider, sealed))
    except (Misconfigured, DamagedStore):
        return False
    return True


@form(PATH, EXPORTS_WRITE)
async def request_reconciliation(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> Response:
    fields = in_utc(pairs, visitor.zone)
    sent = dict(fields)
    body = {
        "against": "provider",
        **{name: sent.get(name, "") for name in ("provider", "from", "to")},
        "heal": "heal" in sent,
        "deliver": "deliver" in sent,
    }
    try:
        spec = provider_spec(msgspec.json.encode(body), (), visitor.access)
    except InvalidInput as error:
        return await _list_response(request, visitor, fields, error.detail)
    job = await start_reconciliation(request, spec)
    return redirect(f"{PATH}/{uuid_text(job.job)}")


@page(ONE)
async def show_reconciliation_page(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> Response:
    """Show one reconciliation: counts per kind of finding, and a page of the findings."""
    job_resource = reconciliation_resource(await requested_job(request, JobKind.RECONCILIATION), "")
    values = {
        **_line(visitor, job_resource),
        "counts": [_count_row(name, count) for name, count in job_resource.counts.items()],
        "looked_at": _counts(job_resource.looked_at),
        "healed": _counts(job_resource.healed or {}),
        "error": job_resource.error,
        **await _findings(request, job_resource),
        "file": f"{PATH}/{job_resource.id}/{FINDINGS_NAME}",
        "may_write": visitor.access.has_scope(EXPORTS_WRITE),
        "here": url(pairs, f"{PATH}/{job_resource.id}"),
    }
    return render_page("reconciliation.html", visitor, values)


@form(ONE + "/cancel", EXPORTS_WRITE)
async def cancel_reconciliation(request: AnyRequest, _visitor: Visitor, _pairs: Pairs) -> None:
    await delete_reconciliation.fn(request)


download_findings = download(f"{ONE}/{FINDINGS_NAME}", get_findings_file)


def _line(visitor: Visitor, job_resource: ReconciliationJob) -> dict[str, Any]:
    found = sum(job_resource.counts.values())
    return {
        **job_line(visitor, PATH, job_resource),
        "against": job_resource.provider or text("against_events"),
        "progress": progress_of(job_resource.state, 0, None),
        "is_clean": job_resource.clean,
        "found": grouped(found) if job_resource.clean is not None else DASH,
        "heal": job_resource.heal,
    }


def _counts(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    return [(count_name(name), grouped(count)) for name, count in counts.items()]


def _count_row(name: str, count: int) -> tuple[str, str, str]:
    kind = FindingKind(name)
    return kind_title(kind), grouped(count), KIND_MEANINGS[kind]


async def _findings(request: AnyRequest, job_resource: ReconciliationJob) -> dict[str, Any]:
    """Return a page of findings, or the reason why they are gone."""
    nothing: dict[str, Any] = {
        "findings": [],
        "findings_total": 0,
        "gone": "",
        "previous": None,
        "next": None,
    }
    if job_resource.state != JobState.COMPLETE or not job_resource.counts:
        return nothing
    try:
        answer: Response = await get_findings.fn(request)
    except FilesGone as gone:
        return {**nothing, "gone": gone.detail}
    stored = msgspec.json.decode(answer.body)
    window = PageWindow(stored["limit"], stored["offset"], stored["total"])
    found = [_finding(each) for each in stored["data"]]
    pages = adjacent_pages([("limit", str(window.limit))], f"{PATH}/{job_resource.id}", window)
    return {**nothing, "findings": found, "findings_total": stored["total"], **pages}


def _finding(stored: Mapping[str, Any]) -> dict[str, Any]:
    named = stored["call_id"] or stored["call_sid"]
    return {
        "kind": kind_title(FindingKind(stored["kind"])),
        "detail": stored["detail"],
        "name": stored["call_sid"] or stored["call_id"] or DASH,
        "path": call_path(named) if named else None,
        "ours": stored["ours"] or DASH,
        "theirs": stored["theirs"] or DASH,
    }
