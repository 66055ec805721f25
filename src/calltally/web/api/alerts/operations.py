"""Operations on alerts and alert rules."""

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
DEFAULT_LIMIT: Final = 25
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
_EXAMPLE_WITH_HISTORY: Final = {**_EXAMPLE, "history": [_OPENED]}

ALERT_ID: Final = PathParameter(
    name="id",
    description="The alert's id.",
    schema={"type": "string", "format": "uuid"},
    example="0b6f7f0a-5f57-8c1e-9a35-2f8f7d1c2b3a",
)
PARAMETERS: Final = (
    *page_parameters("alerts", most=1_000, default=DEFAULT_LIMIT),
    Parameter(
        "state",
        "state",
        "Only alerts in this state; unresolved is open or acknowledged.",
        words_schema(_STATES),
        "unresolved",
        one_of(_STATES),
    ),
    Parameter(
        "kind",
        "kind",
        "Only alerts of this kind.",
        words_schema(tuple(AlertKind)),
        "rate",
        one_of(tuple(AlertKind)),
    ),
    Parameter("route", "route", "Only alerts of this route.", _TEXT, "support-de", text_value),
    Parameter("provider", "provider", "Only alerts of this provider.", _TEXT, "twilio", text_value),
    Parameter(
        "from",
        "lo_us",
        "Only alerts opened at or after this time.",
        _INSTANT,
        "2026-10-01T00:00:00Z",
        instant_value,
    ),
    Parameter(
        "to", "hi_us", "Only alerts opened before this time.", _INSTANT, "2026-11-01T00:00:00Z", instant_value
    ),
)

LIST: Final = Operation(
    id="listAlerts",
    tag=TAG,
    summary="List alerts, newest first, with their evidence.",
    scope=CALLS_READ,
    is_tenant_scoped=True,
    query=PARAMETERS,
    responses={
        200: ResponseSpec(
            description="One page and the total.",
            schema=AlertList,
            example={"data": [_EXAMPLE], "limit": DEFAULT_LIMIT, "offset": 0, "total": 1},
            headers=LINK_HEADERS,
        )
    },
)
READ: Final = Operation(
    id="getAlert",
    tag=TAG,
    summary="Get one alert with its evidence and history.",
    scope=CALLS_READ,
    is_tenant_scoped=True,
    path=(ALERT_ID,),
    responses={
        200: ResponseSpec(description="The alert.", schema=AlertWithHistory, example=_EXAMPLE_WITH_HISTORY)
    },
    problems=("not-found",),
)


def _lifecycle_operation(
    operation: str, summary: str, description: str, body: RequestBodySpec, *more: str
) -> Operation:
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
            200: ResponseSpec(
                description="The current alert.", schema=AlertWithHistory, example=_EXAMPLE_WITH_HISTORY
            )
        },
        problems=("not-found", *more, *_BODY_PROBLEMS),
    )


_NOTE: Final = RequestBodySpec(
    content={JSON_BODY: NoteBody}, example={"note": "The carrier knows."}, required=False
)
ACKNOWLEDGE: Final = _lifecycle_operation(
    "acknowledgeAlert",
    "Acknowledge an alert.",
    "PagerDuty is notified. A resolved alert cannot be acknowledged. Safe to repeat.",
    _NOTE,
    "conflict",
)
RESOLVE: Final = _lifecycle_operation(
    "resolveAlert",
    "Resolve an alert.",
    "It opens again only after its numbers recovered and it started anew. Safe to repeat.",
    _NOTE,
)
MUTE: Final = _lifecycle_operation(
    "muteAlert",
    "Mute the notifications of an alert until a time.",
    "The mute also covers a new alert of the same cause before then. The alert stays in the list. `null`"
    " ends the mute.",
    RequestBodySpec(content={JSON_BODY: MuteBody}, example={"until": "2026-11-03T08:00:00Z"}),
)

_RULES: Final = {"false_alarms_a_week": 1.0, "holidays": ["2026-12-25"], "tz": "Europe/Berlin"}
READ_RULES: Final = Operation(
    id="getAlertRules",
    tag=TAG,
    summary="Get a tenant's alert rules.",
    description="Missing fields have their defaults.",
    scope=CALLS_READ,
    is_tenant_scoped=True,
    responses={200: ResponseSpec(description="The rules.", schema=Rules, example=_RULES)},
)
PUT_RULES: Final = Operation(
    id="putAlertRules",
    tag=TAG,
    summary="Set a tenant's alert rules.",
    description="The main setting is `false_alarms_a_week`: the accepted false alarms per week over all"
    " monitored series. Test rules on past calls first: `calltally alerts backtest`.",
    scope=ALERTS_WRITE,
    is_tenant_scoped=True,
    body=RequestBodySpec(content={JSON_BODY: Rules}, example=_RULES),
    responses={200: ResponseSpec(description="The current rules.", schema=Rules, example=_RULES)},
    problems=_BODY_PROBLEMS,
)
