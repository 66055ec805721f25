"""Operations on webhook endpoints."""

from functools import partial
from typing import Any, Final

from calltally.calls.event_types import COMPLETED, SUBSCRIBABLE
from calltally.calls.list_query import DEFAULT_LIMIT
from calltally.calls.parameters import Parameter, id_value, instant_parameter, one_of_parameter, text_value
from calltally.store.webhooks.deliveries import STATES
from calltally.web.api.webhooks.schemas import (
    CreatedWebhookEndpoint,
    EndpointBody,
    ReplayBody,
    ReplayResult,
    RotationBody,
    WebhookDeliveryDetail,
    WebhookDeliveryPage,
    WebhookEndpoint,
    WebhookEndpointList,
)
from calltally.web.openapi.operation import Operation, PathParameter, json_request, one_response
from calltally.web.request.access import WEBHOOKS_WRITE
from calltally.web.response.paging import page_parameters

TAG: Final = "Webhooks"
MAX_LIMIT: Final = 1000

_ID: Final = "0d9c3f5e-8f54-4c37-9d0f-6a7d0c1f4b52"
_MESSAGE: Final = "msg_01a1b2c3-d4e5-4f60-8a7b-9c0d1e2f3a4b"
_CALL: Final = "550e8400-e29b-81d4-a716-446655440000"
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
FILTERS: Final = (
    page_parameters("deliveries", most=MAX_LIMIT)[0],
    Parameter(
        "before",
        "before",
        "Only older deliveries: the `next` value of the previous page.",
        {"type": "string"},
        _MESSAGE,
        text_value,
    ),
    one_of_parameter("state", "Only deliveries in this state.", STATES, "dead"),
    one_of_parameter("event", "Only events of this type.", SUBSCRIBABLE, COMPLETED),
    Parameter(
        "call_id",
        "call_id",
        "Only events of this call.",
        {"type": "string", "format": "uuid"},
        _CALL,
        id_value,
    ),
    instant_parameter("from", "since_us", "Only events at or after this time.", "2026-10-01"),
    instant_parameter("to", "until_us", "Only events before this time.", "2026-11-01"),
)


_ALL: Final = partial(Operation, tag=TAG, scope=WEBHOOKS_WRITE, is_tenant_scoped=True)
_ONE: Final = partial(_ALL, path=(ENDPOINT_ID,))

ADD: Final = _ALL(
    id="addWebhookEndpoint",
    summary="Create a webhook endpoint.",
    description="The key also needs `calls:read`, and `pii:read` for full numbers if the tenant masks them;"
    " without it, the endpoint's events have masked numbers. Delivery starts with new events; past"
    " events are not sent. The `secret` is shown only once.",
    body=json_request(EndpointBody, _SETTINGS),
    responses=one_response(
        201,
        "The endpoint.",
        CreatedWebhookEndpoint,
        _WITH_SECRET,
        headers={"Location": "URL of the endpoint."},
    ),
    problems=("conflict",),
    takes_idempotency_key=True,
)
LIST: Final = _ALL(
    id="listWebhookEndpoints",
    summary="List a tenant's webhook endpoints.",
    responses=one_response(200, "All endpoints.", WebhookEndpointList, {"data": [_EXAMPLE]}),
)
READ: Final = _ONE(
    id="getWebhookEndpoint",
    summary="Get one webhook endpoint.",
    responses=one_response(200, "The endpoint.", WebhookEndpoint, _EXAMPLE),
)
CHANGE: Final = _ONE(
    id="setWebhookEndpoint",
    summary="Replace the settings of an endpoint.",
    description="The key needs the scopes of a new endpoint; its `pii:read` decides whether numbers are"
    " masked. The body replaces all settings: missing fields get their defaults. Waiting events go to"
    " the new URL.",
    body=json_request(EndpointBody, _SETTINGS),
    responses=one_response(200, "It is so.", WebhookEndpoint, _EXAMPLE),
)
DELETE: Final = _ONE(
    id="deleteWebhookEndpoint",
    summary="Delete an endpoint and its waiting events.",
    responses=one_response(204, "The endpoint is deleted."),
)
ROTATE: Final = _ONE(
    id="rotateWebhookSecret",
    summary="Give an endpoint a new secret.",
    description="For `grace_hours`, deliveries are signed with both secrets, so that a receiver can verify"
    " with either.",
    body=json_request(RotationBody, {"grace_hours": 24}),
    responses=one_response(200, "The new secret.", CreatedWebhookEndpoint, _WITH_SECRET),
    takes_idempotency_key=True,
    problems=("conflict",),
)
PAUSE: Final = _ONE(
    id="pauseWebhookEndpoint",
    summary="Pause an endpoint; its events wait.",
    responses=one_response(
        200,
        "The paused endpoint.",
        WebhookEndpoint,
        {**_EXAMPLE, "state": "paused", "reason": "paused by request"},
    ),
)
RESUME: Final = _ONE(
    id="resumeWebhookEndpoint",
    summary="Resume an endpoint; waiting events are sent at once.",
    responses=one_response(200, "The active endpoint.", WebhookEndpoint, _EXAMPLE),
)
TEST: Final = _ONE(
    id="testWebhookEndpoint",
    summary="Send an endpoint a `voice.webhook.test` event.",
    description="The event is signed, sent and recorded like any other. Its delivery shows the result.",
    responses=one_response(
        202, "It is on its way.", WebhookDeliveryDetail, {**_DELIVERY, "tries": _ATTEMPTS}
    ),
)
DELIVERIES: Final = _ONE(
    id="listDeliveries",
    summary="List the deliveries of an endpoint, newest first.",
    query=FILTERS,
    responses=one_response(
        200, "One page.", WebhookDeliveryPage, {"data": [_DELIVERY], "limit": DEFAULT_LIMIT, "next": None}
    ),
)
DELIVERY: Final = _ALL(
    id="getDelivery",
    summary="Get one delivery with all attempts.",
    path=(ENDPOINT_ID, MESSAGE_ID),
    responses=one_response(200, "The delivery.", WebhookDeliveryDetail, {**_DELIVERY, "tries": _ATTEMPTS}),
)
REPLAY_ONE: Final = _ALL(
    id="replayDelivery",
    summary="Replay one delivery under the same id.",
    path=(ENDPOINT_ID, MESSAGE_ID),
    responses=one_response(202, "It is on its way.", ReplayResult, {"replayed": 1}),
)
REPLAY: Final = _ONE(
    id="replayDeliveries",
    summary="Replay the deliveries of a window, or only the dead ones.",
    description="Each delivery keeps its id. Waiting deliveries are unchanged.",
    body=json_request(ReplayBody, {"from": "2026-10-01", "only": "dead"}),
    responses=one_response(202, "The number of queued deliveries.", ReplayResult, {"replayed": 42}),
)
