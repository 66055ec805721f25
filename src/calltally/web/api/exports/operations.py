"""Operations on exports."""

from functools import partial
from typing import Final

from calltally.calls.export_formats import NDJSON
from calltally.calls.list_query import DEFAULT_LIMIT, EXAMPLE_SNAPSHOT
from calltally.store.jobs.jobs import JobKind
from calltally.web.api.call_logs.streams import STREAMED
from calltally.web.api.exports.schemas import ExportJob, ExportList, ExportManifest, body_schema
from calltally.web.api.jobs import job_id_parameter
from calltally.web.openapi.operation import (
    IDEMPOTENCY_KEY,
    Operation,
    PathParameter,
    json_request,
    one_response,
)
from calltally.web.request.access import CALLS_READ, EXPORTS_WRITE
from calltally.web.response.file_response import file_responses
from calltally.web.response.paging import page_parameters, page_response

TAG: Final = "Exports"
MAX_LIMIT: Final = 100

_ID: Final = "0b6f7a52-1d0e-4c57-9d3a-5b1f0f6f9a11"
_SHA256: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_FILE: Final = {"name": "calls.ndjson", "rows": 1234, "bytes": 1_122_334, "sha256": _SHA256}
_WINDOW: Final = {"from": "2026-10-01T00:00:00.000000Z", "to": "2026-11-01T00:00:00.000000Z"}
_SETTINGS: Final = {"format": "ndjson", "order": "asc", "tz": None, "partition": None, "window": _WINDOW}
_FILTERS: Final = {"filters": {"status": ["completed"]}}
_EXAMPLE: Final = {
    "id": _ID,
    "state": "complete",
    "name": "October",
    **_SETTINGS,
    **_FILTERS,
    "snapshot": EXAMPLE_SNAPSHOT,
    "rows": 1234,
    "rows_done": 1234,
    "files": [{**_FILE, "href": f"/api/v1/exports/{_ID}/files/calls.ndjson"}],
    "manifest": f"/api/v1/exports/{_ID}/manifest.json",
    "created_at": "2026-11-02T09:30:00.000000Z",
    "updated_at": "2026-11-02T09:30:04.000000Z",
    "expires_at": "2026-11-09T09:30:04.000000Z",
    "error": None,
}
_MANIFEST: Final = {
    **_SETTINGS,
    **_FILTERS,
    "snapshot": EXAMPLE_SNAPSHOT,
    "complete": True,
    "rows": 1234,
    "by_status": {"completed": 1234},
    "files": [_FILE],
}

EXPORT_ID: Final = job_id_parameter(JobKind.EXPORT, _ID)
_NAME: Final = PathParameter(
    name="name",
    description="The name of a file of the export.",
    schema={"type": "string", "minLength": 1, "maxLength": 200},
    example="calls.ndjson",
)
PAGE: Final = page_parameters("exports", most=MAX_LIMIT)

_READ: Final = partial(Operation, tag=TAG, scope=CALLS_READ, is_tenant_scoped=True)
_WRITE: Final = partial(_READ, scope=EXPORTS_WRITE)

START: Final = _WRITE(
    # Its job knows its key: a repeat gets the present state of the export.
    headers=(IDEMPOTENCY_KEY,),
    id="startExport",
    summary="Start an export of calls to files.",
    description="The export contains the calls as of this response, or as of the given `snapshot` or"
    " `hold`, even if it takes long. Poll its Location until `state` is `complete`. With an"
    " Idempotency-Key header (1 to 200 printable characters), a repeated request returns the same"
    " export. Files are available until `expires_at`, or until a call in them is erased.",
    body=json_request(
        body_schema(),
        {"from": "2026-10-01", "to": "2026-11-01", "status": ["completed"], "format": "ndjson"},
        description="The same filters as the list of calls. Null equals a missing field. Unknown fields are"
        " refused.",
    ),
    responses=one_response(
        202,
        "The export: queued, or its current state for a repeated request.",
        ExportJob,
        {**_EXAMPLE, "state": "queued", "rows": None, "rows_done": 0, "files": []},
        headers={"Location": "URL of the export."},
    ),
    problems=("conflict", "snapshot-gone", "rate-limited", "no-files-folder", "format-unavailable"),
)
LIST: Final = _READ(
    id="listExports",
    summary="List a tenant's exports, newest first.",
    query=PAGE,
    responses=page_response(ExportList, [_EXAMPLE], DEFAULT_LIMIT),
)
READ: Final = _READ(
    id="getExport",
    summary="Get one export: its progress and files.",
    description="`state` is `queued`, `running`, `complete`, `failed`, `canceled` or `expired`.",
    path=(EXPORT_ID,),
    responses=one_response(200, "The export.", ExportJob, _EXAMPLE),
)
END: Final = _WRITE(
    id="endExport",
    summary="Cancel an export, or delete its files.",
    description="A queued or running export is canceled; the files of a complete one become unavailable and"
    " are deleted within minutes. Safe to repeat.",
    path=(EXPORT_ID,),
    responses=one_response(204, "The export is canceled or deleted."),
)
MANIFEST: Final = _READ(
    id="getExportManifest",
    summary="Get the manifest: window, snapshot, counts, and the files with their SHA-256.",
    description="The same format as the manifest of `calltally export`.",
    path=(EXPORT_ID,),
    responses=one_response(200, "The manifest.", ExportManifest, _MANIFEST),
)
FILE: Final = _READ(
    id="getExportFile",
    summary="Download a file of an export, or a range of it.",
    description="Use Range to resume a download, with If-Range and the ETag to keep ranges of two files"
    " apart.",
    # The media type is that of the file, which the client knows.
    is_negotiated=False,
    path=(EXPORT_ID, _NAME),
    responses=file_responses("The whole file.", NDJSON.media_type, STREAMED),
    publishes_head=True,
    problems=("files-gone", "range-not-satisfiable"),
)
