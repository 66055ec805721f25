"""Operations on reconciliations."""

from functools import partial
from typing import Any, Final

from calltally.calls.list_query import DEFAULT_LIMIT
from calltally.reconcile.findings import FindingKind
from calltally.store.jobs.jobs import JobKind
from calltally.web.api.jobs import job_id_parameter
from calltally.web.api.reconciliations.request import EVENT_TERMS
from calltally.web.api.reconciliations.schemas import (
    FindingList,
    ReconciliationBody,
    ReconciliationJob,
    ReconciliationList,
)
from calltally.web.openapi.operation import Operation, RequestBodySpec, one_response
from calltally.web.request.access import CALLS_READ, EXPORTS_WRITE
from calltally.web.request.bodies import JSON_BODY, MAX_EVENTS_BYTES, NDJSON_BODY
from calltally.web.response.file_response import file_responses
from calltally.web.response.paging import page_parameters, page_response

TAG: Final = "Reconciliations"
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

RECONCILIATION_ID: Final = job_id_parameter(JobKind.RECONCILIATION, _ID)
PAGE: Final = page_parameters("reconciliations", most=100)
FINDINGS_PAGE: Final = page_parameters("findings", most=1_000, default=FINDINGS_DEFAULT_LIMIT)

_READ: Final = partial(Operation, tag=TAG, scope=CALLS_READ, is_tenant_scoped=True)
_WRITE: Final = partial(_READ, scope=EXPORTS_WRITE)

START: Final = _WRITE(
    id="startReconciliation",
    summary="Start a comparison of calls with a provider's list or with received events.",
    description="To compare with a provider, send JSON. To compare with events, send them as NDJSON, one"
    " delivery per line, and the settings as parameters. Poll its Location until `state` is"
    " `complete`. With `heal`, the provider's data of the calls in the findings is recorded in the"
    " ledger; no call is closed otherwise. Healing needs the scope `events:write` in addition to"
    " `exports:write`. With `deliver`, webhook endpoints receive events of healed calls.",
    query=EVENT_TERMS,
    body=RequestBodySpec(
        content={
            JSON_BODY: ReconciliationBody,
            NDJSON_BODY: {"type": "string", "description": "One received event per line."},
        },
        description=f"Up to {MAX_EVENTS_BYTES} bytes of events, uncompressed. Unknown fields are refused.",
        example={"against": "provider", "provider": "twilio", "from": "2026-10-01", "to": "2026-11-01"},
    ),
    responses=one_response(
        202,
        "The queued reconciliation.",
        ReconciliationJob,
        _QUEUED_EXAMPLE,
        headers={"Location": "URL of the reconciliation."},
    ),
    problems=("conflict", "rate-limited", "no-files-folder"),
    takes_idempotency_key=True,
)
LIST: Final = _READ(
    id="listReconciliations",
    summary="List a tenant's reconciliations, newest first.",
    query=PAGE,
    responses=page_response(ReconciliationList, [_EXAMPLE], DEFAULT_LIMIT),
)
READ: Final = _READ(
    id="getReconciliation",
    summary="Get one reconciliation with its results.",
    description="`state` is `queued`, `running`, `complete`, `failed`, `canceled` or `expired`.",
    path=(RECONCILIATION_ID,),
    responses=one_response(200, "The reconciliation.", ReconciliationJob, _EXAMPLE),
)
END: Final = _WRITE(
    id="endReconciliation",
    summary="Cancel a reconciliation, or delete its findings.",
    description="A queued or running reconciliation is canceled and its upload deleted; completed healing"
    " stays. The findings of a complete one become unavailable. Safe to repeat.",
    path=(RECONCILIATION_ID,),
    responses=one_response(204, "The reconciliation is canceled, or its findings are deleted."),
)
_LINES: Final = {"type": "string", "format": "binary", "description": "One finding per line."}
FINDINGS: Final = _READ(
    id="listFindings",
    summary="List the findings of a reconciliation.",
    description="Findings exist from completion until `expires_at`, or until a call in them is erased.",
    path=(RECONCILIATION_ID,),
    query=FINDINGS_PAGE,
    responses=page_response(FindingList, [_FINDING], FINDINGS_DEFAULT_LIMIT),
    problems=("files-gone",),
)
FILE: Final = _READ(
    id="getFindings",
    summary="Download all findings of a reconciliation as NDJSON, or a range of the file.",
    description="One byte range is supported. Use it with If-Range to resume a download.",
    path=(RECONCILIATION_ID,),
    responses=file_responses("The file.", NDJSON_BODY, {NDJSON_BODY: _LINES}),
    publishes_head=True,
    problems=("files-gone", "range-not-satisfiable"),
)
