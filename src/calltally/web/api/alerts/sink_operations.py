"""Operations on alert sinks."""

from typing import Any, Final

from calltally.web.api.alerts.operations import TAG
from calltally.web.api.alerts.schemas import AlertSink, AlertSinkList, NewAlertSink, SinkBody, SinkTestResult
from calltally.web.openapi.operation import Operation, PathParameter, RequestBodySpec, ResponseSpec
from calltally.web.request.access import ALERTS_WRITE
from calltally.web.request.bodies import JSON_BODY

_ID: Final = "7d9a2f10-3c44-4f0e-8f43-0a1c5f6b7e21"
_PROBLEMS: Final = ("invalid-body", "too-large", "unsupported-media-type", "conflict")
_EXAMPLE: Final[dict[str, Any]] = {
    "id": _ID,
    "kind": "webhook",
    "name": "our own",
    "settings": {"url": "https://alerts.example.com/calltally"},
    "created_at": "2026-11-02T09:30:00.000000Z",
    "updated_at": "2026-11-02T09:30:00.000000Z",
    "told_at": None,
    "fault": None,
}
_EXAMPLE_WITH_SECRET: Final = {**_EXAMPLE, "secret": "whsec_" + "A" * 32}
_BODY: Final = RequestBodySpec(
    content={JSON_BODY: SinkBody},
    description="Kinds: `webhook` {url, secret}, `slack` {url}, `pagerduty` {routing_key, url},"
    " `alertmanager` {url, username, password, token}, `email` {host, port, security, username,"
    " password, from, to}.",
    example={
        "kind": "webhook",
        "name": "our own",
        "settings": {"url": "https://alerts.example.com/calltally"},
    },
)
SINK_ID: Final = PathParameter(
    name="id", description="The sink's id.", schema={"type": "string", "format": "uuid"}, example=_ID
)

ADD: Final = Operation(
    id="addAlertSink",
    tag=TAG,
    summary="Create an alert sink.",
    description="The key also needs `calls:read`, because notifications describe calls. Notifications start"
    " with new alerts; open alerts are not sent. Addresses that are not public are refused unless the"
    " operator allows them.",
    scope=ALERTS_WRITE,
    is_tenant_scoped=True,
    body=_BODY,
    responses={
        201: ResponseSpec(
            description="The sink. Its secret is shown only once.",
            schema=NewAlertSink,
            example=_EXAMPLE_WITH_SECRET,
        )
    },
    problems=_PROBLEMS,
)
LIST: Final = Operation(
    id="listAlertSinks",
    tag=TAG,
    summary="List the alert sinks, without secrets, with the result of the last notification.",
    scope=ALERTS_WRITE,
    is_tenant_scoped=True,
    responses={
        200: ResponseSpec(description="All sinks.", schema=AlertSinkList, example={"data": [_EXAMPLE]})
    },
)
READ: Final = Operation(
    id="getAlertSink",
    tag=TAG,
    summary="Get one alert sink.",
    scope=ALERTS_WRITE,
    is_tenant_scoped=True,
    path=(SINK_ID,),
    responses={200: ResponseSpec(description="The sink.", schema=AlertSink, example=_EXAMPLE)},
    problems=("not-found",),
)
PUT: Final = Operation(
    id="putAlertSink",
    tag=TAG,
    summary="Change an alert sink.",
    description="The key also needs `calls:read`. The body replaces the sink, including its secrets: a"
    " missing value is removed or generated anew.",
    scope=ALERTS_WRITE,
    is_tenant_scoped=True,
    path=(SINK_ID,),
    body=_BODY,
    responses={
        200: ResponseSpec(description="The current sink.", schema=NewAlertSink, example=_EXAMPLE_WITH_SECRET)
    },
    problems=("not-found", *_PROBLEMS[:3]),
)
DELETE: Final = Operation(
    id="deleteAlertSink",
    tag=TAG,
    summary="Delete an alert sink.",
    scope=ALERTS_WRITE,
    is_tenant_scoped=True,
    path=(SINK_ID,),
    responses={204: ResponseSpec(description="The sink is deleted.")},
    problems=("not-found",),
)
TEST: Final = Operation(
    id="testAlertSink",
    tag=TAG,
    summary="Send a test notification to a sink.",
    scope=ALERTS_WRITE,
    is_tenant_scoped=True,
    path=(SINK_ID,),
    responses={
        200: ResponseSpec(
            description="The result.",
            schema=SinkTestResult,
            example={"told": False, "fault": "it answered 404: no_service"},
        )
    },
    problems=("not-found",),
)
