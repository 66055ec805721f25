"""Operations on reconciliations."""

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
DEFAULT_LIMIT: Final = 25
FINDINGS_DEFAULT_LIMIT: Final = 100

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
_QUEUED_EXAMPLE: Final = {
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
PAGE: Final = page_parameters("reconciliations", most=100, default=DEFAULT_LIMIT)
FINDINGS_PAGE: Final = page_parameters("findings", most=1_000, default=FINDINGS_DEFAULT_LIMIT)

START: Final = Operation(
    id="startReconciliation",
    tag=TAG,
    summary="Start a comparison of calls with a provider's list or with received events.",
    description="To compare with a provider, send JSON. To compare with events, send them as NDJSON, one"
    " delivery per line, and the settings as parameters. Poll its Location until `state` is"
    " `complete`. With `heal`, the provider's data of the calls in the findings is recorded in the"
    " ledger; no call is closed otherwise. Healing needs the scope `events:write` in addition to"
    " `exports:write`. With `deliver`, webhook endpoints receive events of healed calls.",
    scope=EXPORTS_WRITE,
    is_tenant_scoped=True,
    query=EVENT_TERMS,
    body=RequestBodySpec(
        content={
            JSON_BODY: ReconciliationBody,
            NDJSON_BODY: {"type": "string", "description": "One received event per line."},
        },
        description=f"Up to {MAX_EVENTS_BYTES} bytes of events, uncompressed. Unknown fields are refused.",
        example={"against": "provider", "provider": "twilio", "from": "2026-10-01", "to": "2026-11-01"},
    ),
    responses={
        202: ResponseSpec(
            description="The queued reconciliation.",
            schema=ReconciliationJob,
            example=_QUEUED_EXAMPLE,
            headers={"Location": "URL of the reconciliation."},
        )
    },
    problems=("invalid-body", "too-large", "unsupported-media-type", "rate-limited", "no-files-folder"),
)
LIST: Final = Operation(
    id="listReconciliations",
    tag=TAG,
    summary="List a tenant's reconciliations, newest first.",
    scope=CALLS_READ,
    is_tenant_scoped=True,
    query=PAGE,
    responses={
        200: ResponseSpec(
            description="One page.",
            schema=ReconciliationList,
            example={"data": [_EXAMPLE], "limit": DEFAULT_LIMIT, "offset": 0, "total": 1},
            headers=LINK_HEADERS,
        )
    },
)
READ: Final = Operation(
    id="getReconciliation",
    tag=TAG,
    summary="Get one reconciliation with its results.",
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
    summary="Cancel a reconciliation, or delete its findings.",
    description="A queued or running reconciliation is canceled and its upload deleted; completed healing"
    " stays. The findings of a complete one become unavailable. Safe to repeat.",
    scope=EXPORTS_WRITE,
    is_tenant_scoped=True,
    path=(RECONCILIATION_ID,),
    responses={204: ResponseSpec(description="The reconciliation is canceled, or its findings are deleted.")},
    problems=("not-found",),
)
FINDINGS: Final = Operation(
    id="listFindings",
    tag=TAG,
    summary="List the findings of a reconciliation.",
    description="Findings exist from completion until `expires_at`, or until a call in them is erased.",
    scope=CALLS_READ,
    is_tenant_scoped=True,
    path=(RECONCILIATION_ID,),
    query=FINDINGS_PAGE,
    responses={
        200: ResponseSpec(
            description="One page.",
            schema=FindingList,
            example={"data": [_FINDING], "limit": FINDINGS_DEFAULT_LIMIT, "offset": 0, "total": 1},
            headers=LINK_HEADERS,
        )
    },
    problems=("not-found", "files-gone"),
)
_LINES: Final = {"type": "string", "description": "One finding per line."}
FILE: Final = Operation(
    id="getFindings",
    tag=TAG,
    summary="Download all findings of a reconciliation as NDJSON, or a range of the file.",
    description="One byte range is supported. Use it with If-Range to resume a download.",
    scope=CALLS_READ,
    is_tenant_scoped=True,
    path=(RECONCILIATION_ID,),
    responses={
        200: ResponseSpec(
            description="The file.",
            schema=_LINES,
            media_type=NDJSON_BODY,
            headers={
                **FILE_HEADERS,
                "Content-Digest": "RFC 9530: the SHA-256 of the content of this response.",
            },
        ),
        206: ResponseSpec(
            description="The requested range.",
            schema=_LINES,
            media_type=NDJSON_BODY,
            headers={**FILE_HEADERS, "Content-Range": "The range and the size of the file."},
        ),
        304: ResponseSpec(description="The client's copy is current, by If-None-Match."),
    },
    problems=("not-found", "files-gone", "range-not-satisfiable"),
)
