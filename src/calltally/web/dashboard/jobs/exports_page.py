"""`/exports` and `/exports/{id}`: exports of calls to files."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import get, post
from litestar.types import ASGIApp

from calltally.calls.export_query import EXPORT_FIELDS, EXPORT_FORMATS, PARTITIONS, parse_export_query
from calltally.calls.filters import FILTERS, WINDOW_FIELDS
from calltally.calls.identity import uuid_text
from calltally.calls.model import DIRECTIONS, STATUSES
from calltally.web.api.exports.handlers import (
    delete_export,
    exports_of,
    get_file,
    get_manifest,
    requested_export,
    start_export,
)
from calltally.web.api.exports.operations import PAGE
from calltally.web.api.exports.schemas import ExportJob, export_resource
from calltally.web.dashboard.calls.links import non_empty, url
from calltally.web.dashboard.calls.local_window import field_value, in_utc
from calltally.web.dashboard.calls.page import renewed
from calltally.web.dashboard.error_page import handle_page_exception
from calltally.web.dashboard.forms import checked_form, return_path
from calltally.web.dashboard.jobs.progress import (
    adjacent_pages,
    parse_page,
    progress_of,
    size_text,
    window_text,
)
from calltally.web.dashboard.number_format import grouped, minute
from calltally.web.dashboard.operations import page_operation
from calltally.web.dashboard.rendering import redirect, render_page
from calltally.web.dashboard.sign_in.scopes import require_scope
from calltally.web.dashboard.sign_in.visitor import Visitor, visitor_of
from calltally.web.request.access import EXPORTS_WRITE
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.query import Pairs, query_pairs
from calltally.web.response.response import Response

PATH: Final = "/exports"
ONE: Final = PATH + "/{id:str}"
_HANDLING: Final[Any] = {Exception: handle_page_exception}
_FIELDS: Final = {each.name: each for each in EXPORT_FIELDS}
# Fields of the form. Other filters of the URL become hidden fields.
_FORM_FIELDS: Final = frozenset(
    {"format", "partition", "name", "from", "to", "route", "agent", "status", "direction"}
)


@get(PATH, operation=page_operation(PATH), exception_handlers=_HANDLING)
async def show_exports(request: AnyRequest) -> Response:
    """List exports, newest first, with a form prefilled by the filters of the URL."""
    visitor = await visitor_of(request)
    pairs = non_empty(query_pairs(request.scope["query_string"]))
    paging = parse_page(pairs, PAGE)
    found, total = await dependencies_of(request).store.read(exports_of(visitor.tenant, **paging))
    filled = [pair for pair in pairs if pair[0] in _FIELDS]
    values = {
        "lines": [_line(visitor, export_resource(job, files, "")) for job, files in found],
        "total": total,
        **adjacent_pages(PATH, paging, total),
        "filled": dict(filled),
        "typed": {name: field_value(dict(filled).get(name, ""), visitor.zone) for name in ("from", "to")},
        "carried": [pair for pair in filled if pair[0] not in _FORM_FIELDS],
        "choices": {
            "formats": EXPORT_FORMATS,
            "partitions": PARTITIONS,
            "statuses": STATUSES,
            "directions": DIRECTIONS,
        },
        "may_write": visitor.access.has_scope(EXPORTS_WRITE),
        "has_folder": dependencies_of(request).folders is not None,
        "here": url(pairs, PATH),
    }
    return render_page("exports.html", visitor, values, headers=renewed(request, visitor))


@post(PATH, operation=page_operation(f"POST {PATH}"), status_code=200, exception_handlers=_HANDLING)
async def request_export(request: AnyRequest) -> Response:
    """Start an export from the form and redirect to its page."""
    visitor, pairs = await checked_form(request)
    require_scope(visitor, EXPORTS_WRITE)
    job = await start_export(request, parse_export_query(_body(visitor, pairs)), None)
    return redirect(f"{PATH}/{uuid_text(job.job)}")


def _body(visitor: Visitor, pairs: Pairs) -> dict[str, Any]:
    """Convert the form fields into the body of the API; days are in the reader's zone."""
    body: dict[str, Any] = {}
    for name, value in in_utc(non_empty(pairs), visitor.zone):
        if name not in _FIELDS:
            continue
        if _FIELDS[name].schema.get("type") == "boolean":
            body[name] = value == "true"
        elif _FIELDS[name].is_repeatable:
            body.setdefault(name, []).append(value)
        else:
            body[name] = value
    return body


@get(ONE, operation=page_operation(ONE), exception_handlers=_HANDLING)
async def show_export_page(request: AnyRequest) -> Response:
    """Show one export with its progress and files."""
    visitor = await visitor_of(request)
    job, files = await requested_export(request)
    export = export_resource(job, files, "")
    values = {
        **_line(visitor, export),
        "files": [
            {
                "name": file.name,
                "rows": grouped(file.rows),
                "size": size_text(file.bytes),
                "sha256": file.sha256,
                "path": f"{PATH}/{export.id}/files/{file.name}",
            }
            for file in export.files
        ],
        "error": export.error,
        "snapshot": export.snapshot,
        "calls": url(_calls(export)),
        "may_write": visitor.access.has_scope(EXPORTS_WRITE),
        "here": f"{PATH}/{export.id}",
    }
    return render_page("export.html", visitor, values, headers=renewed(request, visitor))


@post(
    ONE + "/cancel",
    operation=page_operation(f"POST {ONE}/cancel"),
    status_code=200,
    exception_handlers=_HANDLING,
)
async def cancel_export(request: AnyRequest) -> Response:
    """Cancel an export or delete its files."""
    visitor, pairs = await checked_form(request)
    require_scope(visitor, EXPORTS_WRITE)
    await delete_export.fn(request)
    return redirect(return_path(pairs))


@get(ONE + "/manifest.json", operation=page_operation(f"{ONE}/manifest.json"), exception_handlers=_HANDLING)
async def download_manifest(request: AnyRequest) -> Response:
    """Return the API's response, authorized by the session."""
    await visitor_of(request)
    answer: Response = await get_manifest.fn(request)
    return answer


@get(ONE + "/files/{name:str}", operation=page_operation(f"{ONE}/files"), exception_handlers=_HANDLING)
async def download_file(request: AnyRequest) -> ASGIApp:
    """Return the API's response, authorized by the session."""
    await visitor_of(request)
    answer: ASGIApp = await get_file.fn(request)
    return answer


def _line(visitor: Visitor, export: ExportJob) -> dict[str, Any]:
    return {
        "id": export.id,
        "path": f"{PATH}/{export.id}",
        "name": export.name or "",
        "format": export.format,
        "partition": export.partition,
        "window": window_text(export.window.from_, export.window.to, visitor.zone),
        "filters": _filters(export.filters),
        "progress": progress_of(export.state, export.rows_done, export.rows),
        "created": minute(export.created_at, visitor.zone),
        "expires": minute(export.expires_at, visitor.zone) if export.expires_at else "",
    }


def _filters(filters: Mapping[str, list[str]]) -> list[tuple[str, str]]:
    return [
        (name, ", ".join(values)) for name, values in filters.items() if name not in {"format", "snapshot"}
    ]


def _calls(export: ExportJob) -> Pairs:
    """Return the query of the same calls in the list, as of the export."""
    window = [("from", export.window.from_), ("to", export.window.to)]
    filters = [
        (name, value) for name, values in export.filters.items() for value in values if name in _FILTERS
    ]
    return (*filters, *((name, value) for name, value in window if value), ("snapshot", export.snapshot))


_FILTERS: Final = frozenset(row.name for row in FILTERS if row.field not in WINDOW_FIELDS)
