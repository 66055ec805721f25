"""What each operation on alert sinks declares of itself."""

from typing import Any, Final

from calltally.web.api.alerts.operations import TAG
from calltally.web.api.alerts.schemas import AlertSink, AlertSinkList, NewAlertSink, SinkBody, SinkTestResult
from calltally.web.openapi.operation import Operation, PathParameter, RequestBodySpec, ResponseSpec
from calltally.web.request.access import ALERTS_WRITE
from calltally.web.request.bodies import JSON_BODY

_ID: Final = "7d9a2f10-3c44-4f0e-8f43-0a1c5f6b7e21"
_PROBLEMS: Final = ("invalid-body", "too-large", "unsupported-media-type", "conflict")
_SHOWN: Final[dict[str, Any]] = {
    "id": _ID,
    "kind": "webhook",
    "name": "our own",
    "settings": {"url": "https://alerts.example.com/calltally"},
    "created_at": "2026-11-02T09:30:00.000000Z",
    "updated_at": "2026-11-02T09:30:00.000000Z",
    "told_at": None,
    "fault": None,
}
_NEW: Final = {**_SHOWN, "secret": "whsec_" + "A" * 32}
_BODY: Final = RequestBodySpec(
    content={JSON_BODY: SinkBody},
    description="Kinds: `webhook` {url, secret}, `slack` {url}, `pagerduty` {routing_key, url}, `alertmanager`"
    " {url, username, password, token}, `email` {host, port, security, username, password, from, to}.",
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
    summary="Name a place where alerts are told.",
    description="It takes `calls:read` too, since alerts tell of calls. From now on; what is open already is not"
    " told there. Places that are not public are refused unless the operator allows them.",
    scope=ALERTS_WRITE,
    is_tenant_scoped=True,
    body=_BODY,
    responses={
        201: ResponseSpec(
            description="The sink; its secret is shown this once.", schema=NewAlertSink, example=_NEW
        )
    },
    problems=_PROBLEMS,
)
LIST: Final = Operation(
    id="listAlertSinks",
    tag=TAG,
    summary="Where alerts are told, without secrets, and what came of it.",
    scope=ALERTS_WRITE,
    is_tenant_scoped=True,
    responses={
        200: ResponseSpec(description="All of them.", schema=AlertSinkList, example={"data": [_SHOWN]})
    },
)
READ: Final = Operation(
    id="getAlertSink",
    tag=TAG,
    summary="One alert sink.",
    scope=ALERTS_WRITE,
    is_tenant_scoped=True,
    path=(SINK_ID,),
    responses={200: ResponseSpec(description="The sink.", schema=AlertSink, example=_SHOWN)},
    problems=("not-found",),
)
PUT: Final = Operation(
    id="putAlertSink",
    tag=TAG,
    summary="Change an alert sink.",
    description="It takes `calls:read` too. It becomes what the body says, secrets included: what is left out is"
    " gone, or made anew.",
    scope=ALERTS_WRITE,
    is_tenant_scoped=True,
    path=(SINK_ID,),
    body=_BODY,
    responses={200: ResponseSpec(description="The sink as it is now.", schema=NewAlertSink, example=_NEW)},
    problems=("not-found", *_PROBLEMS[:3]),
)
DELETE: Final = Operation(
    id="deleteAlertSink",
    tag=TAG,
    summary="Tell nothing there any more.",
    scope=ALERTS_WRITE,
    is_tenant_scoped=True,
    path=(SINK_ID,),
    responses={204: ResponseSpec(description="It is gone.")},
    problems=("not-found",),
)
TEST: Final = Operation(
    id="testAlertSink",
    tag=TAG,
    summary="Tell a sink that this is a test, now, and say what came of it.",
    scope=ALERTS_WRITE,
    is_tenant_scoped=True,
    path=(SINK_ID,),
    responses={
        200: ResponseSpec(
            description="What came of it.",
            schema=SinkTestResult,
            example={"told": False, "fault": "it answered 404: no_service"},
        )
    },
    problems=("not-found",),
)
