"""What each operation on alerts and their rules declares of itself."""

from typing import Any, Final

from calltally.alerts.model.finding import AlertKind
from calltally.alerts.model.rules import Rules
from calltally.calls.parameters import Parameter, instant_value, one_of, text_value, words_schema
from calltally.store.alerts.alerts import UNRESOLVED, AlertState
from calltally.web.api.alerts.schemas import AlertList, AlertWithHistory, MuteBody, NoteBody
from calltally.web.openapi.operation import Operation, PathParameter, RequestBodySpec, ResponseSpec
from calltally.web.request.access import ALERTS_WRITE, CALLS_READ
from calltally.web.request.bodies import JSON_BODY
from calltally.web.request.paging import page_parameters
from calltally.web.response.link_header import LINK_HEADERS

TAG: Final = "Alerts"
LISTED: Final = 25
_STATES: Final = (*AlertState, UNRESOLVED)
_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": 200}
_INSTANT: Final = {"type": "string", "format": "date-time"}
_BODY_PROBLEMS: Final = ("invalid-body", "too-large", "unsupported-media-type")

_EVIDENCE: Final[dict[str, Any]] = {
    "dimension": "route",
    "series": "support-de",
    "metric": "no_answer_rate",
    "window": {"from": "2026-11-02T09:35:00.000000Z", "to": "2026-11-02T10:15:00.000000Z"},
    "calls": 212,
    "events": 87,
    "observed": 0.41,
    "expected": 0.12,
    "low": 0.08,
    "high": 0.16,
}
_EXAMPLE: Final[dict[str, Any]] = {
    "id": "0b6f7f0a-5f57-8c1e-9a35-2f8f7d1c2b3a",
    "state": "open",
    "kind": "rate",
    "message": "No-answer on support-de: 41 % against 12 ± 4 % expected, since 09:35, 212 calls",
    "dimension": "route",
    "series": "support-de",
    "metric": "no_answer_rate",
    "direction": "up",
    "speed": "collapse",
    "route": "support-de",
    "provider": None,
    "since": "2026-11-02T09:35:00.000000Z",
    "opened_at": "2026-11-02T09:45:31.000000Z",
    "updated_at": "2026-11-02T10:15:31.000000Z",
    "resolved_at": None,
    "muted_until": None,
    "evidence": _EVIDENCE,
    "children": [],
    "call_sids": [],
    "calls": "/api/v1/call-logs?route=support-de&status=no-answer",
    "sureness": 31.4,
    "false_alarms_a_week": 0.0001,
    "budget_a_week": 1.0,
}
_OPENED: Final = {"at": "2026-11-02T09:45:31.000000Z", "what": "opened", "by": None, "note": None}
_WHOLE: Final = {**_EXAMPLE, "history": [_OPENED]}

ALERT_ID: Final = PathParameter(
    name="id",
    description="The alert's id.",
    schema={"type": "string", "format": "uuid"},
    example="0b6f7f0a-5f57-8c1e-9a35-2f8f7d1c2b3a",
)
PARAMETERS: Final = (
    *page_parameters("alerts", most=1_000, default=LISTED),
    Parameter(
        "state",
        "state",
        "In this state; unresolved is open or acknowledged.",
        words_schema(_STATES),
        "unresolved",
        one_of(_STATES),
    ),
    Parameter(
        "kind", "kind", "What it is about.", words_schema(tuple(AlertKind)), "rate", one_of(tuple(AlertKind))
    ),
    Parameter("route", "route", "Of this route.", _TEXT, "support-de", text_value),
    Parameter("provider", "provider", "Of this provider.", _TEXT, "twilio", text_value),
    Parameter("from", "lo_us", "Opened at or after this.", _INSTANT, "2026-10-01T00:00:00Z", instant_value),
    Parameter("to", "hi_us", "Opened before this.", _INSTANT, "2026-11-01T00:00:00Z", instant_value),
)

LIST: Final = Operation(
    id="listAlerts",
    tag=TAG,
    summary="What fires, and what fired: the newest first, with its evidence.",
    scope=CALLS_READ,
    is_tenant_scoped=True,
    query=PARAMETERS,
    responses={
        200: ResponseSpec(
            description="One page, and how many there are in all.",
            schema=AlertList,
            example={"data": [_EXAMPLE], "limit": LISTED, "offset": 0, "total": 1},
            headers=LINK_HEADERS,
        )
    },
)
READ: Final = Operation(
    id="getAlert",
    tag=TAG,
    summary="One alert with its evidence and everything that became of it.",
    scope=CALLS_READ,
    is_tenant_scoped=True,
    path=(ALERT_ID,),
    responses={200: ResponseSpec(description="The alert.", schema=AlertWithHistory, example=_WHOLE)},
    problems=("not-found",),
)


def _doing(operation: str, summary: str, description: str, body: RequestBodySpec, *more: str) -> Operation:
    return Operation(
        id=operation,
        tag=TAG,
        summary=summary,
        description=description,
        scope=ALERTS_WRITE,
        is_tenant_scoped=True,
        path=(ALERT_ID,),
        body=body,
        responses={
            200: ResponseSpec(description="The alert as it is now.", schema=AlertWithHistory, example=_WHOLE)
        },
        problems=("not-found", *more, *_BODY_PROBLEMS),
    )


_NOTE: Final = RequestBodySpec(
    content={JSON_BODY: NoteBody}, example={"note": "The carrier knows."}, required=False
)
ACKNOWLEDGE: Final = _doing(
    "acknowledgeAlert",
    "Say that somebody looks after it.",
    "PagerDuty is told. One that is resolved cannot be acknowledged. Safe to repeat.",
    _NOTE,
    "conflict",
)
RESOLVE: Final = _doing(
    "resolveAlert",
    "Say that it is over.",
    "It opens again once it has recovered by the numbers and begun anew. Safe to repeat.",
    _NOTE,
)
MUTE: Final = _doing(
    "muteAlert",
    "Tell nobody of it until a time.",
    "Also where the same begins again before then. It stays in the list. `null` ends the mute.",
    RequestBodySpec(content={JSON_BODY: MuteBody}, example={"until": "2026-11-03T08:00:00Z"}),
)

_RULES: Final = {"false_alarms_a_week": 1.0, "holidays": ["2026-12-25"], "tz": "Europe/Berlin"}
READ_RULES: Final = Operation(
    id="getAlertRules",
    tag=TAG,
    summary="What a tenant wants to be told of.",
    description="What is left out has its default.",
    scope=CALLS_READ,
    is_tenant_scoped=True,
    responses={200: ResponseSpec(description="The rules.", schema=Rules, example=_RULES)},
)
PUT_RULES: Final = Operation(
    id="putAlertRules",
    tag=TAG,
    summary="Say what a tenant wants to be told of.",
    description="One number rules the rest: how many false alarms a week are borne, over everything that is"
    " watched. Try them on your own past first: `calltally alerts backtest`.",
    scope=ALERTS_WRITE,
    is_tenant_scoped=True,
    body=RequestBodySpec(content={JSON_BODY: Rules}, example=_RULES),
    responses={200: ResponseSpec(description="The rules as they are now.", schema=Rules, example=_RULES)},
    problems=_BODY_PROBLEMS,
)
