"""What each operation on exports declares of itself."""

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
MOST_LISTED: Final = 100
LISTED: Final = 25

_ID: Final = "0b6f7a52-1d0e-4c57-9d3a-5b1f0f6f9a11"
_SHA256: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_FILE: Final = {"name": "calls.ndjson", "rows": 1234, "bytes": 1_122_334, "sha256": _SHA256}
_WINDOW: Final = {"from": "2026-10-01T00:00:00.000000Z", "to": "2026-11-01T00:00:00.000000Z"}
_ASKED: Final = {"format": "ndjson", "order": "asc", "tz": None, "partition": None, "window": _WINDOW}
_FILTERS: Final = {"filters": {"status": ["completed"]}}
_EXAMPLE: Final = {
    "id": _ID,
    "state": "complete",
    "name": "October",
    **_ASKED,
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
    **_ASKED,
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
    description="The name of one of its files.",
    schema={"type": "string", "minLength": 1, "maxLength": 200},
    example="calls.ndjson",
)
PAGE: Final = page_parameters("exports", most=MOST_LISTED, default=LISTED)

START: Final = Operation(
    id="startExport",
    tag=TAG,
    summary="Export calls as files, as a job.",
    description="The export is of the instant of this answer, or of the `snapshot` or `hold` that is named,"
    " however long it takes. Ask its Location until `state` is `complete`. With an Idempotency-Key header"
    " (1 to 200 printable characters) the same request sent again brings the same export. Its files are"
    " handed out until `expires_at`, or until a call in them is erased.",
    scope=EXPORTS_WRITE,
    is_tenant_scoped=True,
    body=RequestBodySpec(
        content={JSON_BODY: body_schema()},
        description="The filters of the list, as there; null is as good as left out. Unknown names are refused.",
        example={"from": "2026-10-01", "to": "2026-11-01", "status": ["completed"], "format": "ndjson"},
    ),
    responses={
        202: ResponseSpec(
            description="It is queued, or what became of it since.",
            schema=ExportJob,
            example={**_EXAMPLE, "state": "queued", "rows": None, "rows_done": 0, "files": []},
            headers={"Location": "Where the export can be asked for."},
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
    summary="The exports of a tenant, newest first.",
    scope=CALLS_READ,
    is_tenant_scoped=True,
    query=PAGE,
    responses={
        200: ResponseSpec(
            description="One page.",
            schema=ExportList,
            example={"data": [_EXAMPLE], "limit": LISTED, "offset": 0, "total": 1},
            headers=LINK_HEADERS,
        )
    },
)
READ: Final = Operation(
    id="getExport",
    tag=TAG,
    summary="One export: how far it is, and its files.",
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
    summary="Cancel an export, or let go of its files.",
    description="One that waits or runs is canceled; the files of one that is complete are handed out no more."
    " They are deleted within minutes. Safe to repeat.",
    scope=EXPORTS_WRITE,
    is_tenant_scoped=True,
    path=(EXPORT_ID,),
    responses={204: ResponseSpec(description="It is so.")},
    problems=("not-found",),
)
MANIFEST: Final = Operation(
    id="getExportManifest",
    tag=TAG,
    summary="What an export is: window, snapshot, counts, and the files with their SHA-256.",
    description="The same as `calltally export` writes beside its files.",
    scope=CALLS_READ,
    is_tenant_scoped=True,
    path=(EXPORT_ID,),
    responses={200: ResponseSpec(description="The manifest.", schema=ExportManifest, example=_MANIFEST)},
    problems=("not-found",),
)
FILE: Final = Operation(
    id="getExportFile",
    tag=TAG,
    summary="A file of an export, whole or a part of it.",
    description="By Range a download goes on where it broke off; If-Range with the ETag keeps parts of two files"
    " apart.",
    scope=CALLS_READ,
    is_tenant_scoped=True,
    # Its type is that of the file: whoever asks for it knows which that is.
    is_negotiated=False,
    path=(EXPORT_ID, _NAME),
    responses={
        200: ResponseSpec(
            description="All of it.",
            schema=STREAMED[FORMATS["ndjson"].media_type],
            media_type=FORMATS["ndjson"].media_type,
            alternatives=STREAMED,
            headers={**FILE_HEADERS, "Content-Digest": "RFC 9530: the same, of all that is sent."},
        ),
        206: ResponseSpec(
            description="The range that was asked for.",
            schema=STREAMED[FORMATS["ndjson"].media_type],
            media_type=FORMATS["ndjson"].media_type,
            alternatives=STREAMED,
            headers={**FILE_HEADERS, "Content-Range": "Which bytes of how many."},
        ),
        304: ResponseSpec(description="What the client has by its If-None-Match is this file."),
    },
    problems=("not-found", "files-gone", "range-not-satisfiable"),
)
