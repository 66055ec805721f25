"""Operations on exports."""

from typing import Final

from calltally.calls.filters import EXAMPLE_SNAPSHOT
from calltally.formats.table import FORMATS
from calltally.web.api.call_logs.streams import STREAMED
from calltally.web.api.exports.schemas import ExportJob, ExportList, ExportManifest, body_schema
from calltally.web.openapi.operation import Operation, PathParameter, RequestBodySpec, ResponseSpec
from calltally.web.request.access import CALLS_READ, EXPORTS_WRITE
from calltally.web.request.bodies import JSON_BODY
from calltally.web.request.paging import page_parameters
from calltally.web.response.file_response import FILE_HEADERS
from calltally.web.response.link_header import LINK_HEADERS

TAG: Final = "Exports"
MAX_LIMIT: Final = 100
DEFAULT_LIMIT: Final = 25

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

EXPORT_ID: Final = PathParameter(
    name="id",
    description="The export's id.",
    schema={"type": "string", "format": "uuid"},
    example=_ID,
)
_NAME: Final = PathParameter(
    name="name",
    description="The name of a file of the export.",
    schema={"type": "string", "minLength": 1, "maxLength": 200},
    example="calls.ndjson",
)
PAGE: Final = page_parameters("exports", most=MAX_LIMIT, default=DEFAULT_LIMIT)

START: Final = Operation(
    id="startExport",
    tag=TAG,
    summary="Start an export of calls to files.",
    description="The export contains the calls as of this response, or as of the given `snapshot` or"
    " `hold`, even if it takes long. Poll its Location until `state` is `complete`. With an"
    " Idempotency-Key header (1 to 200 printable characters), a repeated request returns the same"
    " export. Files are available until `expires_at`, or until a call in them is erased.",
    scope=EXPORTS_WRITE,
    is_tenant_scoped=True,
    body=RequestBodySpec(
        content={JSON_BODY: body_schema()},
        description="The same filters as the list of calls. Null equals a missing field. Unknown fields are"
        " refused.",
        example={"from": "2026-10-01", "to": "2026-11-01", "status": ["completed"], "format": "ndjson"},
    ),
    responses={
        202: ResponseSpec(
            description="The export: queued, or its current state for a repeated request.",
            schema=ExportJob,
            example={**_EXAMPLE, "state": "queued", "rows": None, "rows_done": 0, "files": []},
            headers={"Location": "URL of the export."},
        )
    },
    problems=(
        *("invalid-body", "too-large", "unsupported-media-type", "conflict", "snapshot-gone"),
        *("rate-limited", "no-files-folder"),
    ),
)
LIST: Final = Operation(
    id="listExports",
    tag=TAG,
    summary="List a tenant's exports, newest first.",
    scope=CALLS_READ,
    is_tenant_scoped=True,
    query=PAGE,
    responses={
        200: ResponseSpec(
            description="One page.",
            schema=ExportList,
            example={"data": [_EXAMPLE], "limit": DEFAULT_LIMIT, "offset": 0, "total": 1},
            headers=LINK_HEADERS,
        )
    },
)
READ: Final = Operation(
    id="getExport",
    tag=TAG,
    summary="Get one export: its progress and files.",
    description="`state` is `queued`, `running`, `complete`, `failed`, `canceled` or `expired`.",
    scope=CALLS_READ,
    is_tenant_scoped=True,
    path=(EXPORT_ID,),
    responses={200: ResponseSpec(description="The export.", schema=ExportJob, example=_EXAMPLE)},
    problems=("not-found",),
)
END: Final = Operation(
    id="endExport",
    tag=TAG,
    summary="Cancel an export, or delete its files.",
    description="A queued or running export is canceled; the files of a complete one become unavailable and"
    " are deleted within minutes. Safe to repeat.",
    scope=EXPORTS_WRITE,
    is_tenant_scoped=True,
    path=(EXPORT_ID,),
    responses={204: ResponseSpec(description="The export is canceled or deleted.")},
    problems=("not-found",),
)
MANIFEST: Final = Operation(
    id="getExportManifest",
    tag=TAG,
    summary="Get the manifest: window, snapshot, counts, and the files with their SHA-256.",
    description="The same format as the manifest of `calltally export`.",
    scope=CALLS_READ,
    is_tenant_scoped=True,
    path=(EXPORT_ID,),
    responses={200: ResponseSpec(description="The manifest.", schema=ExportManifest, example=_MANIFEST)},
    problems=("not-found",),
)
FILE: Final = Operation(
    id="getExportFile",
    tag=TAG,
    summary="Download a file of an export, or a range of it.",
    description="Use Range to resume a download, with If-Range and the ETag to keep ranges of two files"
    " apart.",
    scope=CALLS_READ,
    is_tenant_scoped=True,
    # The media type is that of the file, which the client knows.
    is_negotiated=False,
    path=(EXPORT_ID, _NAME),
    responses={
        200: ResponseSpec(
            description="The whole file.",
            schema=STREAMED[FORMATS["ndjson"].media_type],
            media_type=FORMATS["ndjson"].media_type,
            alternatives=STREAMED,
            headers={
                **FILE_HEADERS,
                "Content-Digest": "RFC 9530: the SHA-256 of the content of this response.",
            },
        ),
        206: ResponseSpec(
            description="The requested range.",
            schema=STREAMED[FORMATS["ndjson"].media_type],
            media_type=FORMATS["ndjson"].media_type,
            alternatives=STREAMED,
            headers={**FILE_HEADERS, "Content-Range": "The range and the size of the file."},
        ),
        304: ResponseSpec(description="The client's copy is current, by If-None-Match."),
    },
    problems=("not-found", "files-gone", "range-not-satisfiable"),
)
