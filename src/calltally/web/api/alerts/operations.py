"""Operations on alerts, alert rules and alert sinks."""

from functools import partial
from typing import Any, Final

from calltally.alerts.model.finding import AlertKind
from calltally.alerts.model.rules import Rules
from calltally.calls.list_query import DEFAULT_LIMIT
from calltally.calls.parameters import instant_parameter, one_of_parameter, text_parameter
from calltally.store.alerts.alerts import UNRESOLVED, AlertState
from calltally.web.api.alerts.schemas import (
    AlertList,
    AlertSink,
    AlertSinkList,
    AlertWithHistory,
    CreatedAlertSink,
    MuteBody,
    NoteBody,
    SinkBody,
    SinkTestResult,
)
from calltally.web.openapi.operation import (
    Operation,
    PathParameter,
    RequestBodySpec,
    json_request,
    one_response,
)
from calltally.web.request.access import ALERTS_WRITE, CALLS_READ
from calltally.web.response.paging import page_parameters, page_response

TAG: Final = "Alerts"
_STATES: Final = (*AlertState, UNRESOLVED)

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
    "message": "No-answer on support-de: 41 % against 12 % expected (8 to 16 %), since 09:35, 212 calls",
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
    *page_parameters("alerts", most=1_000),
    one_of_parameter(
        "state", "Only alerts in this state; unresolved is open or acknowledged.", _STATES, "unresolved"
    ),
    one_of_parameter("kind", "Only alerts of this kind.", tuple(AlertKind), "rate"),
    text_parameter("route", "Only alerts of this route.", "support-de"),
    text_parameter("provider", "Only alerts of this provider.", "twilio"),
    instant_parameter("from", "lo_us", "Only alerts opened at or after this time.", "2026-10-01T00:00:00Z"),
    instant_parameter("to", "hi_us", "Only alerts opened before this time.", "2026-11-01T00:00:00Z"),
)

_READ: Final = partial(Operation, tag=TAG, scope=CALLS_READ, is_tenant_scoped=True)
_WRITE: Final = partial(_READ, scope=ALERTS_WRITE)

LIST: Final = _READ(
    id="listAlerts",
    summary="List alerts, newest first, with their evidence.",
    query=PARAMETERS,
    responses=page_response(AlertList, [_EXAMPLE], DEFAULT_LIMIT, "One page and the total."),
)
READ: Final = _READ(
    id="getAlert",
    summary="Get one alert with its evidence and history.",
    path=(ALERT_ID,),
    responses=one_response(200, "The alert.", AlertWithHistory, _EXAMPLE_WITH_HISTORY),
)


def _lifecycle_operation(
    operation: str, summary: str, description: str, body: RequestBodySpec, *more: str
) -> Operation:
    return _WRITE(
        id=operation,
        summary=summary,
        description=description,
        path=(ALERT_ID,),
        body=body,
        responses=one_response(200, "The current alert.", AlertWithHistory, _EXAMPLE_WITH_HISTORY),
        problems=(*more,),
    )


_NOTE: Final = json_request(NoteBody, {"note": "The carrier knows."}, required=False)
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
    json_request(MuteBody, {"until": "2026-11-03T08:00:00Z"}),
)

_RULES: Final = {"false_alarms_a_week": 1.0, "holidays": ["2026-12-25"], "tz": "Europe/Berlin"}
READ_RULES: Final = _READ(
    id="getAlertRules",
    summary="Get a tenant's alert rules.",
    description="Missing fields have their defaults.",
    responses=one_response(200, "The rules.", Rules, _RULES),
)
PUT_RULES: Final = _WRITE(
    id="putAlertRules",
    summary="Set a tenant's alert rules.",
    description="The main setting is `false_alarms_a_week`: the accepted false alarms per week over all"
    " monitored series. Test rules on past calls first: `calltally alerts backtest`.",
    body=json_request(Rules, _RULES),
    responses=one_response(200, "The current rules.", Rules, _RULES),
)

_SINK_EXAMPLE_ID: Final = "7d9a2f10-3c44-4f0e-8f43-0a1c5f6b7e21"
_SINK_EXAMPLE: Final[dict[str, Any]] = {
    "id": _SINK_EXAMPLE_ID,
    "kind": "webhook",
    "name": "our own",
    "settings": {"url": "https://alerts.example.com/calltally"},
    "created_at": "2026-11-02T09:30:00.000000Z",
    "updated_at": "2026-11-02T09:30:00.000000Z",
    "told_at": None,
    "fault": None,
}
_SINK_WITH_SECRET: Final = {**_SINK_EXAMPLE, "secret": "whsec_" + "A" * 32}
_SINK_BODY: Final = json_request(
    SinkBody,
    {
        "kind": "webhook",
        "name": "our own",
        "settings": {"url": "https://alerts.example.com/calltally"},
    },
    description="Kinds: `webhook` {url, secret}, `slack` {url}, `pagerduty` {routing_key, url},"
    " `alertmanager` {url, username, password, token}, `email` {host, port, security, username,"
    " password, from, to}.",
)
SINK_ID: Final = PathParameter(
    name="id",
    description="The sink's id.",
    schema={"type": "string", "format": "uuid"},
    example=_SINK_EXAMPLE_ID,
)

_SINKS: Final = partial(Operation, tag=TAG, scope=ALERTS_WRITE, is_tenant_scoped=True)
_ONE_SINK: Final = partial(_SINKS, path=(SINK_ID,))

ADD_SINK: Final = _SINKS(
    id="addAlertSink",
    summary="Create an alert sink.",
    description="The key also needs `calls:read`, because notifications describe calls. Notifications start"
    " with new alerts; open alerts are not sent. Addresses that are not public are refused unless the"
    " operator allows them.",
    body=_SINK_BODY,
    responses=one_response(
        201, "The sink. Its secret is shown only once.", CreatedAlertSink, _SINK_WITH_SECRET
    ),
    problems=("conflict",),
    takes_idempotency_key=True,
)
LIST_SINKS: Final = _SINKS(
    id="listAlertSinks",
    summary="List the alert sinks, without secrets, with the result of the last notification.",
    responses=one_response(200, "All sinks.", AlertSinkList, {"data": [_SINK_EXAMPLE]}),
)
READ_SINK: Final = _ONE_SINK(
    id="getAlertSink",
    summary="Get one alert sink.",
    responses=one_response(200, "The sink.", AlertSink, _SINK_EXAMPLE),
)
PUT_SINK: Final = _ONE_SINK(
    id="putAlertSink",
    summary="Change an alert sink.",
    description="The key also needs `calls:read`. The body replaces the sink, including its secrets: a"
    " missing value is removed or generated anew.",
    body=_SINK_BODY,
    responses=one_response(200, "The current sink.", CreatedAlertSink, _SINK_WITH_SECRET),
)
DELETE_SINK: Final = _ONE_SINK(
    id="deleteAlertSink",
    summary="Delete an alert sink.",
    responses=one_response(204, "The sink is deleted."),
)
TEST_SINK: Final = _ONE_SINK(
    id="testAlertSink",
    summary="Send a test notification to a sink.",
    responses=one_response(
        200, "The result.", SinkTestResult, {"told": False, "fault": "it answered 404: no_service"}
    ),
)
