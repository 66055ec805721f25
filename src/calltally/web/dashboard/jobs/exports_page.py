"""`/exports` and `/exports/{id}`: exports of calls to files."""

from typing import Any, Final

from calltally.calls.errors import FormatUnavailable, InvalidInput
from calltally.calls.export_formats import FORMATS
from calltally.calls.export_query import EXPORT_FIELDS, PARTITIONS, parse_export_query
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
from calltally.web.dashboard.calls.links import url
from calltally.web.dashboard.calls.local_window import field_value, in_utc
from calltally.web.dashboard.formats import grouped
from calltally.web.dashboard.jobs.job_lines import job_line, list_values, progress_of, size_text
from calltally.web.dashboard.pages import download, form, page
from calltally.web.dashboard.rendering import redirect, render_page
from calltally.web.dashboard.sign_in.visitor import Visitor
from calltally.web.request.access import EXPORTS_WRITE
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.query import Pairs
from calltally.web.response.paging import page_in
from calltally.web.response.response import Response

PATH: Final = "/exports"
ONE: Final = PATH + "/{id:str}"
_FIELDS: Final = {each.name: each for each in EXPORT_FIELDS}
# Fields of the form. Other filters of the URL become hidden fields.
_FORM_FIELDS: Final = frozenset(
    {"format", "partition", "name", "from", "to", "route", "agent", "status", "direction"}
)
_FILTERS: Final = frozenset(row.name for row in FILTERS if row.field not in WINDOW_FIELDS)
_CHOICES: Final = {
    "formats": tuple(FORMATS),
    "partitions": PARTITIONS,
    "statuses": STATUSES,
    "directions": DIRECTIONS,
}


@page(PATH)
async def show_exports(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> Response:
    """List exports, newest first, with a form prefilled by the filters of the URL."""
    return await _list_response(request, visitor, pairs)


async def _list_response(
    request: AnyRequest, visitor: Visitor, pairs: Pairs, fault: str | None = None
) -> Response:
    """Return the list; with a `fault`, the form of `pairs` was refused and comes back filled."""
    paging = page_in(pairs, PAGE)
    found, total = await dependencies_of(request).store.read(exports_of(visitor.tenant, **paging))
    filled = [pair for pair in pairs if pair[0] in _FIELDS]
    values = {
        "lines": [_line(visitor, export_resource(job, files, "")) for job, files in found],
        **list_values(request, visitor, PATH, paging, total),
        "filled": dict(filled),
        "typed": {name: field_value(dict(filled).get(name, ""), visitor.zone) for name in ("from", "to")},
        "carried": [pair for pair in filled if pair[0] not in _FORM_FIELDS],
        "choices": _CHOICES,
        "fault": fault,
        "here": url(pairs, PATH) if fault is None else PATH,
    }
    return render_page("exports.html", visitor, values, status=200 if fault is None else 400)


@form(PATH, EXPORTS_WRITE)
async def request_export(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> Response:
    sent = in_utc(pairs, visitor.zone)
    try:
        query = parse_export_query(_body(sent))
        job = await start_export(request, query, None)
    except (InvalidInput, FormatUnavailable) as error:
        return await _list_response(request, visitor, sent, error.detail)
    return redirect(f"{PATH}/{uuid_text(job.job)}")


def _body(pairs: Pairs) -> dict[str, Any]:
    """Convert the form fields into the body of the API."""
    body: dict[str, Any] = {}
    for name, value in pairs:
        if name not in _FIELDS:
            continue
        if _FIELDS[name].schema.get("type") == "boolean":
            body[name] = value == "true"
        elif _FIELDS[name].is_repeatable:
            body.setdefault(name, []).append(value)
        else:
            body[name] = value
    return body


@page(ONE)
async def show_export_page(request: AnyRequest, visitor: Visitor, _pairs: Pairs) -> Response:
    export = export_resource(*await requested_export(request), "")
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
    return render_page("export.html", visitor, values)


@form(ONE + "/cancel", EXPORTS_WRITE)
async def cancel_export(request: AnyRequest, _visitor: Visitor, _pairs: Pairs) -> None:
    await delete_export.fn(request)


download_manifest = download(ONE + "/manifest.json", get_manifest)
download_file = download(ONE + "/files/{name:str}", get_file)


def _line(visitor: Visitor, export: ExportJob) -> dict[str, Any]:
    filters = [(name, ", ".join(values)) for name, values in export.filters.items()]
    return {
        **job_line(visitor, PATH, export),
        "name": export.name or "",
        "format": export.format,
        "partition": export.partition,
        "filters": [pair for pair in filters if pair[0] not in {"format", "snapshot"}],
        "progress": progress_of(export.state, export.rows_done, export.rows),
    }


def _calls(export: ExportJob) -> Pairs:
    """Return the query of the same calls in the list, as of the export."""
    window = [("from", export.window.from_), ("to", export.window.to)]
    filters = [
        (name, value) for name, values in export.filters.items() for value in values if name in _FILTERS
    ]
    return (*filters, *((name, value) for name, value in window if value), ("snapshot", export.snapshot))
