"""Operations on webhook endpoints."""

from typing import Any, Final

from calltally.calls.event_types import COMPLETED, SUBSCRIBABLE
from calltally.calls.parameters import (
    Parameter,
    id_value,
    instant_value,
    one_of,
    range_schema,
    text_value,
    whole_number,
    words_schema,
)
from calltally.store.webhooks.deliveries import STATES
from calltally.web.api.webhooks.schemas import (
    EndpointBody,
    NewWebhookEndpoint,
    ReplayBody,
    ReplayResult,
    RotationBody,
    WebhookDeliveryDetail,
    WebhookDeliveryPage,
    WebhookEndpoint,
    WebhookEndpointList,
)
from calltally.web.openapi.operation import Operation, PathParameter, RequestBodySpec, ResponseSpec
from calltally.web.request.access import WEBHOOKS_WRITE
from calltally.web.request.bodies import JSON_BODY

TAG: Final = "Webhooks"
DEFAULT_LIMIT: Final = 25
MAX_LIMIT: Final = 1000

_ID: Final = "0d9c3f5e-8f54-4c37-9d0f-6a7d0c1f4b52"
_MESSAGE: Final = "msg_01a1b2c3-d4e5-4f60-8a7b-9c0d1e2f3a4b"
_CALL: Final = "550e8400-e29b-81d4-a716-446655440000"
_TIME: Final = {"type": "string", "format": "date-time"}
_EXAMPLE: Final[dict[str, Any]] = {
    "id": _ID,
    "url": "https://hooks.example.com/calltally",
    "events": [COMPLETED],
    "description": "the CRM",
    "form": "standard",
    "direction": None,
    "route": "sales",
    "agent": None,
    "masks_numbers": False,
    "state": "active",
    "reason": None,
    "failing_since": None,
    "previous_secret_until": None,
    "created_at": "2026-10-01T09:00:00.000000Z",
    "updated_at": "2026-10-01T09:00:00.000000Z",
}
_WITH_SECRET: Final = {**_EXAMPLE, "secret": "whsec_VGhpcyBpcyBhbiBleGFtcGxlIG9mIGEgc2VjcmV0LiAh"}
_SETTINGS: Final = {name: _EXAMPLE[name] for name in ("url", "events", "description", "route")}
_DELIVERY: Final[dict[str, Any]] = {
    "id": _MESSAGE,
    "endpoint_id": _ID,
    "event": COMPLETED,
    "call_id": _CALL,
    "revision": 4,
    "state": "waiting",
    "attempts": 1,
    "reason": "answered 503",
    "created_at": "2026-10-01T09:32:31.204418Z",
    "updated_at": "2026-10-01T09:32:31.300000Z",
    "next_attempt_at": "2026-10-01T09:32:38.300000Z",
}
_ATTEMPTS: Final = [
    {
        "attempt": 1,
        "at": "2026-10-01T09:32:31.210000Z",
        "seconds": 0.09,
        "status": 503,
        "reason": "answered 503",
        "answer": "busy",
        "answer_encoding": "utf-8",
        "next_attempt_at": "2026-10-01T09:32:38.300000Z",
    }
]

_MESSAGE_SCHEMA: Final = {"type": "string", "pattern": "^msg_[0-9a-f-]{36}$"}
ENDPOINT_ID: Final = PathParameter(
    name="id", description="The endpoint's id.", schema={"type": "string", "format": "uuid"}, example=_ID
)
MESSAGE_ID: Final = PathParameter(
    name="delivery",
    description="The event's `webhook-id`.",
    schema=_MESSAGE_SCHEMA,
    example=_MESSAGE,
)
LIMIT: Final = Parameter(
    "limit",
    "limit",
    "The most deliveries to return.",
    range_schema(1, MAX_LIMIT, DEFAULT_LIMIT),
    str(DEFAULT_LIMIT),
    whole_number(1, MAX_LIMIT),
)
FILTERS: Final = (
    LIMIT,
    Parameter(
        "before",
        "before",
        "Only older deliveries: the `next` value of the previous page.",
        {"type": "string"},
        _MESSAGE,
        text_value,
    ),
    Parameter(
        "state", "state", "Only deliveries in this state.", words_schema(STATES), "dead", one_of(STATES)
    ),
    Parameter(
        "event",
        "event",
        "Only events of this type.",
        words_schema(SUBSCRIBABLE),
        COMPLETED,
        one_of(SUBSCRIBABLE),
    ),
    Parameter(
        "call_id",
        "call_id",
        "Only events of this call.",
        {"type": "string", "format": "uuid"},
        _CALL,
        id_value,
    ),
    Parameter("from", "since_us", "Only events at or after this time.", _TIME, "2026-10-01", instant_value),
    Parameter("to", "until_us", "Only events before this time.", _TIME, "2026-11-01", instant_value),
)


def _endpoint_operation(**fields: Any) -> Operation:  # noqa: ANN401 (an operation's own fields)
    """Return an operation on one endpoint."""
    path = fields.pop("path", (ENDPOINT_ID,))
    problems = ("not-found", *fields.pop("problems", ()))
    return Operation(
        tag=TAG, scope=WEBHOOKS_WRITE, is_tenant_scoped=True, path=path, problems=problems, **fields
    )


ADD: Final = Operation(
    id="addWebhookEndpoint",
    tag=TAG,
    summary="Create a webhook endpoint.",
    description="The key also needs `calls:read`, and `pii:read` for full numbers if the tenant masks them;"
    " without it, the endpoint's events have masked numbers. Delivery starts with new events; past"
    " events are not sent. The `secret` is shown only once.",
    scope=WEBHOOKS_WRITE,
    is_tenant_scoped=True,
    body=RequestBodySpec(content={JSON_BODY: EndpointBody}, example=_SETTINGS),
    responses={
        201: ResponseSpec(
            description="The endpoint.",
            schema=NewWebhookEndpoint,
            example=_WITH_SECRET,
            headers={"Location": "URL of the endpoint."},
        )
    },
    problems=("invalid-body", "unsupported-media-type", "conflict"),
)
LIST: Final = Operation(
    id="listWebhookEndpoints",
    tag=TAG,
    summary="List a tenant's webhook endpoints.",
    scope=WEBHOOKS_WRITE,
    is_tenant_scoped=True,
    responses={
        200: ResponseSpec(
            description="All endpoints.", schema=WebhookEndpointList, example={"data": [_EXAMPLE]}
        )
    },
)
READ: Final = _endpoint_operation(
    id="getWebhookEndpoint",
    summary="Get one webhook endpoint.",
    responses={200: ResponseSpec(description="The endpoint.", schema=WebhookEndpoint, example=_EXAMPLE)},
)
CHANGE: Final = _endpoint_operation(
    id="setWebhookEndpoint",
    summary="Replace the settings of an endpoint.",
    description="The key needs the scopes of a new endpoint; its `pii:read` decides whether numbers are"
    " masked. The body replaces all settings: missing fields get their defaults. Waiting events go to"
    " the new URL.",
    body=RequestBodySpec(content={JSON_BODY: EndpointBody}, example=_SETTINGS),
    responses={200: ResponseSpec(description="It is so.", schema=WebhookEndpoint, example=_EXAMPLE)},
    problems=("invalid-body", "unsupported-media-type"),
)
DELETE: Final = _endpoint_operation(
    id="deleteWebhookEndpoint",
    summary="Delete an endpoint and its waiting events.",
    responses={204: ResponseSpec(description="The endpoint is deleted.")},
)
ROTATE: Final = _endpoint_operation(
    id="rotateWebhookSecret",
    summary="Give an endpoint a new secret.",
    description="For `grace_hours`, deliveries are signed with both secrets, so that a receiver can verify"
    " with either.",
    body=RequestBodySpec(content={JSON_BODY: RotationBody}, example={"grace_hours": 24}),
    responses={
        200: ResponseSpec(description="The new secret.", schema=NewWebhookEndpoint, example=_WITH_SECRET)
    },
    problems=("invalid-body", "unsupported-media-type"),
)
PAUSE: Final = _endpoint_operation(
    id="pauseWebhookEndpoint",
    summary="Pause an endpoint; its events wait.",
    responses={
        200: ResponseSpec(
            description="The paused endpoint.",
            schema=WebhookEndpoint,
            example={**_EXAMPLE, "state": "paused", "reason": "paused by request"},
        )
    },
)
RESUME: Final = _endpoint_operation(
    id="resumeWebhookEndpoint",
    summary="Resume an endpoint; waiting events are sent at once.",
    responses={
        200: ResponseSpec(description="The active endpoint.", schema=WebhookEndpoint, example=_EXAMPLE)
    },
)
TEST: Final = _endpoint_operation(
    id="testWebhookEndpoint",
    summary="Send an endpoint a `voice.webhook.test` event.",
    description="The event is signed, sent and recorded like any other. Its delivery shows the result.",
    responses={
        202: ResponseSpec(
            description="It is on its way.",
            schema=WebhookDeliveryDetail,
            example={**_DELIVERY, "tries": _ATTEMPTS},
        )
    },
)
DELIVERIES: Final = _endpoint_operation(
    id="listDeliveries",
    summary="List the deliveries of an endpoint, newest first.",
    query=FILTERS,
    responses={
        200: ResponseSpec(
            description="One page.",
            schema=WebhookDeliveryPage,
            example={"data": [_DELIVERY], "limit": DEFAULT_LIMIT, "next": None},
        )
    },
)
DELIVERY: Final = _endpoint_operation(
    id="getDelivery",
    summary="Get one delivery with all attempts.",
    path=(ENDPOINT_ID, MESSAGE_ID),
    responses={
        200: ResponseSpec(
            description="The delivery.",
            schema=WebhookDeliveryDetail,
            example={**_DELIVERY, "tries": _ATTEMPTS},
        )
    },
)
REPLAY_ONE: Final = _endpoint_operation(
    id="replayDelivery",
    summary="Replay one delivery under the same id.",
    path=(ENDPOINT_ID, MESSAGE_ID),
    responses={
        202: ResponseSpec(description="It is on its way.", schema=ReplayResult, example={"replayed": 1})
    },
)
REPLAY: Final = _endpoint_operation(
    id="replayDeliveries",
    summary="Replay the deliveries of a window, or only the dead ones.",
    description="Each delivery keeps its id. Waiting deliveries are unchanged.",
    body=RequestBodySpec(content={JSON_BODY: ReplayBody}, example={"from": "2026-10-01", "only": "dead"}),
    responses={
        202: ResponseSpec(
            description="The number of queued deliveries.", schema=ReplayResult, example={"replayed": 42}
        )
    },
    problems=("invalid-body", "unsupported-media-type"),
)
