"""What each operation on reconciliations declares of itself."""

from typing import Any, Final

from calltally.reconcile.findings import FindingKind
from calltally.web.api.reconciliations.request import EVENT_TERMS
from calltally.web.api.reconciliations.schemas import (
    FindingList,
    ReconciliationBody,
    ReconciliationJob,
    ReconciliationList,
)
from calltally.web.openapi.operation import Operation, PathParameter, RequestBodySpec, ResponseSpec
from calltally.web.request.access import CALLS_READ, EXPORTS_WRITE
from calltally.web.request.bodies import JSON_BODY, MAX_EVENTS_BYTES, NDJSON_BODY
from calltally.web.request.paging import page_parameters
from calltally.web.response.file_response import FILE_HEADERS
from calltally.web.response.link_header import LINK_HEADERS

TAG: Final = "Reconciliations"
LISTED: Final = 25
FINDINGS_LISTED: Final = 100

_ID: Final = "4c1f3a60-7d5e-4b0a-8c39-2f6f5b1f9e27"
_SID: Final = "CA1234567890abcdef1234567890abcdef"
_EXAMPLE: Final[dict[str, Any]] = {
    "id": _ID,
    "state": "complete",
    "against": "provider",
    "provider": "twilio",
    "window": {"from": "2026-10-01T00:00:00.000000Z", "to": "2026-11-01T00:00:00.000000Z"},
    "terms": {"tolerance_seconds": 1, "late_seconds": None, "grace_seconds": None},
    "heal": True,
    "deliver": False,
    "counts": {"missing-final-state": 2},
    "looked_at": {"calls": 1234, "listed": 1234, "asked": 0, "disputed": 0},
    "healed": {"recorded": 2, "known": 0, "unchanged": 0, "refused": 0, "left": 0},
    "clean": False,
    "findings": f"/api/v1/reconciliations/{_ID}/findings",
    "created_at": "2026-11-02T09:30:00.000000Z",
    "updated_at": "2026-11-02T09:30:04.000000Z",
    "expires_at": "2026-11-09T09:30:04.000000Z",
    "error": None,
}
_FRESH: Final = {
    **_EXAMPLE,
    **dict.fromkeys(("healed", "clean", "expires_at")),
    "counts": {},
    "looked_at": {},
    "state": "queued",
}
_FINDING: Final = {
    "kind": FindingKind.MISSING_FINAL_STATE.value,
    "detail": "twilio lists it as completed, and there is no final state here",
    "call_id": "550e8400-e29b-81d4-a716-446655440000",
    "call_sid": _SID,
    "ours": "in-progress",
    "theirs": "completed",
    "event_ids": [],
    "times": {"created_at": "2026-10-01T09:30:00.000000Z"},
}

RECONCILIATION_ID: Final = PathParameter(
    name="id",
    description="The reconciliation's id.",
    schema={"type": "string", "format": "uuid"},
    example=_ID,
)
PAGE: Final = page_parameters("reconciliations", most=100, default=LISTED)
FINDINGS_PAGE: Final = page_parameters("findings", most=1_000, default=FINDINGS_LISTED)

START: Final = Operation(
    id="startReconciliation",
    tag=TAG,
    summary="Compare calls with what a provider lists, or with events that were received, as a job.",
    description="For a provider send JSON. For events send them as NDJSON, one delivery a line, and the terms as"
    " parameters. Ask its Location until `state` is `complete`. With `heal` the provider's word of the calls"
    " that the findings name is brought into the ledger, and nothing is closed by hand; for that the key"
    " needs `events:write` beside `exports:write`. The tenant's endpoints are told of it with `deliver`.",
    scope=EXPORTS_WRITE,
    is_tenant_scoped=True,
    query=EVENT_TERMS,
    body=RequestBodySpec(
        content={
            JSON_BODY: ReconciliationBody,
            NDJSON_BODY: {"type": "string", "description": "One event a line, as it was received."},
        },
        description=f"Up to {MAX_EVENTS_BYTES} bytes of events, not compressed. Unknown names are refused.",
        example={"against": "provider", "provider": "twilio", "from": "2026-10-01", "to": "2026-11-01"},
    ),
    responses={
        202: ResponseSpec(
            description="It is queued.",
            schema=ReconciliationJob,
            example=_FRESH,
            headers={"Location": "Where the reconciliation can be asked for."},
        )
    },
    problems=("invalid-body", "too-large", "unsupported-media-type", "rate-limited", "no-files-folder"),
)
LIST: Final = Operation(
    id="listReconciliations",
    tag=TAG,
    summary="The reconciliations of a tenant, newest first.",
    scope=CALLS_READ,
    is_tenant_scoped=True,
    query=PAGE,
    responses={
        200: ResponseSpec(
            description="One page.",
            schema=ReconciliationList,
            example={"data": [_EXAMPLE], "limit": LISTED, "offset": 0, "total": 1},
            headers=LINK_HEADERS,
        )
    },
)
READ: Final = Operation(
    id="getReconciliation",
    tag=TAG,
    summary="One reconciliation: what came of it.",
    description="`state` is `queued`, `running`, `complete`, `failed`, `canceled` or `expired`.",
    scope=CALLS_READ,
    is_tenant_scoped=True,
    path=(RECONCILIATION_ID,),
    responses={
        200: ResponseSpec(description="The reconciliation.", schema=ReconciliationJob, example=_EXAMPLE)
    },
    problems=("not-found",),
)
END: Final = Operation(
    id="endReconciliation",
    tag=TAG,
    summary="Cancel a reconciliation, or let go of its findings.",
    description="One that waits or runs is canceled, and what was uploaded for it is deleted; what it healed by"
    " then stays. The findings of one that is complete are told no more. Safe to repeat.",
    scope=EXPORTS_WRITE,
    is_tenant_scoped=True,
    path=(RECONCILIATION_ID,),
    responses={204: ResponseSpec(description="It is so.")},
    problems=("not-found",),
)
FINDINGS: Final = Operation(
    id="listFindings",
    tag=TAG,
    summary="What a reconciliation found, page by page.",
    description="There are findings once it is complete, until `expires_at`, or until a call that they name is"
    " erased.",
    scope=CALLS_READ,
    is_tenant_scoped=True,
    path=(RECONCILIATION_ID,),
    query=FINDINGS_PAGE,
    responses={
        200: ResponseSpec(
            description="One page.",
            schema=FindingList,
            example={"data": [_FINDING], "limit": FINDINGS_LISTED, "offset": 0, "total": 1},
            headers=LINK_HEADERS,
        )
    },
    problems=("not-found", "files-gone"),
)
_LINES: Final = {"type": "string", "description": "One finding a line."}
FILE: Final = Operation(
    id="getFindings",
    tag=TAG,
    summary="All findings of a reconciliation as NDJSON, or a part of the file.",
    description="One Range of bytes is served. A download that broke off goes on with it, and If-Range.",
    scope=CALLS_READ,
    is_tenant_scoped=True,
    path=(RECONCILIATION_ID,),
    responses={
        200: ResponseSpec(
            description="The file.",
            schema=_LINES,
            media_type=NDJSON_BODY,
            headers={**FILE_HEADERS, "Content-Digest": "RFC 9530: the same, of all that is sent."},
        ),
        206: ResponseSpec(
            description="The range that was asked for.",
            schema=_LINES,
            media_type=NDJSON_BODY,
            headers={**FILE_HEADERS, "Content-Range": "Which bytes of how many."},
        ),
        304: ResponseSpec(description="What the client has by its If-None-Match is this file."),
    },
    problems=("not-found", "files-gone", "range-not-satisfiable"),
)
