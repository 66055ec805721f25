"""What each operation on webhook endpoints declares of itself."""

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
LISTED: Final = 25
MOST_LISTED: Final = 1000

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
_ASKED: Final = {name: _EXAMPLE[name] for name in ("url", "events", "description", "route")}
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
_TRIES: Final = [
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
    range_schema(1, MOST_LISTED, LISTED),
    str(LISTED),
    whole_number(1, MOST_LISTED),
)
FILTERS: Final = (
    LIMIT,
    Parameter(
        "before",
        "before",
        "Only older: `next` of the page before.",
        {"type": "string"},
        _MESSAGE,
        text_value,
    ),
    Parameter("state", "state", "Only of this state.", words_schema(STATES), "dead", one_of(STATES)),
    Parameter(
        "event", "event", "Only of this kind.", words_schema(SUBSCRIBABLE), COMPLETED, one_of(SUBSCRIBABLE)
    ),
    Parameter(
        "call_id", "call_id", "Only of this call.", {"type": "string", "format": "uuid"}, _CALL, id_value
    ),
    Parameter(
        "from", "since_us", "Only of events that happened at or after it.", _TIME, "2026-10-01", instant_value
    ),
    Parameter(
        "to", "until_us", "Only of events that happened before it.", _TIME, "2026-11-01", instant_value
    ),
)


def _of_one(**said: Any) -> Operation:  # noqa: ANN401 (an operation's own fields)
    """An operation on one endpoint."""
    path = said.pop("path", (ENDPOINT_ID,))
    problems = ("not-found", *said.pop("problems", ()))
    return Operation(
        tag=TAG, scope=WEBHOOKS_WRITE, is_tenant_scoped=True, path=path, problems=problems, **said
    )


ADD: Final = Operation(
    id="addWebhookEndpoint",
    tag=TAG,
    summary="Have events delivered to a URL.",
    description="It takes `calls:read` too, and `pii:read` for whole numbers where the tenant masks them: without"
    " it the endpoint's events have them masked. From now on; there is no backlog. The `secret` in the answer"
    " is never shown again.",
    scope=WEBHOOKS_WRITE,
    is_tenant_scoped=True,
    body=RequestBodySpec(content={JSON_BODY: EndpointBody}, example=_ASKED),
    responses={
        201: ResponseSpec(
            description="It is made.",
            schema=NewWebhookEndpoint,
            example=_WITH_SECRET,
            headers={"Location": "Where it can be asked for."},
        )
    },
    problems=("invalid-body", "unsupported-media-type", "conflict"),
)
LIST: Final = Operation(
    id="listWebhookEndpoints",
    tag=TAG,
    summary="The webhook endpoints of a tenant.",
    scope=WEBHOOKS_WRITE,
    is_tenant_scoped=True,
    responses={
        200: ResponseSpec(
            description="All of them.", schema=WebhookEndpointList, example={"data": [_EXAMPLE]}
        )
    },
)
READ: Final = _of_one(
    id="getWebhookEndpoint",
    summary="One webhook endpoint.",
    responses={200: ResponseSpec(description="The endpoint.", schema=WebhookEndpoint, example=_EXAMPLE)},
)
CHANGE: Final = _of_one(
    id="setWebhookEndpoint",
    summary="Set what an endpoint is sent and where.",
    description="It takes the scopes that a new one takes; numbers are masked or whole by the key that sets it."
    " As a whole: what is left out is as for a new one. What waits goes to the new URL.",
    body=RequestBodySpec(content={JSON_BODY: EndpointBody}, example=_ASKED),
    responses={200: ResponseSpec(description="It is so.", schema=WebhookEndpoint, example=_EXAMPLE)},
    problems=("invalid-body", "unsupported-media-type"),
)
DELETE: Final = _of_one(
    id="deleteWebhookEndpoint",
    summary="Delete an endpoint; what waits for it is not delivered.",
    responses={204: ResponseSpec(description="It is gone.")},
)
ROTATE: Final = _of_one(
    id="rotateWebhookSecret",
    summary="Give an endpoint a new secret.",
    description="For `grace_hours` deliveries are signed with both, so that a receiver may know either.",
    body=RequestBodySpec(content={JSON_BODY: RotationBody}, example={"grace_hours": 24}),
    responses={
        200: ResponseSpec(description="The new secret.", schema=NewWebhookEndpoint, example=_WITH_SECRET)
    },
    problems=("invalid-body", "unsupported-media-type"),
)
PAUSE: Final = _of_one(
    id="pauseWebhookEndpoint",
    summary="Send an endpoint nothing; its events wait.",
    responses={
        200: ResponseSpec(
            description="It is paused.",
            schema=WebhookEndpoint,
            example={**_EXAMPLE, "state": "paused", "reason": "paused by request"},
        )
    },
)
RESUME: Final = _of_one(
    id="resumeWebhookEndpoint",
    summary="Send an endpoint what waits, and what comes.",
    responses={200: ResponseSpec(description="It is active.", schema=WebhookEndpoint, example=_EXAMPLE)},
)
TEST: Final = _of_one(
    id="testWebhookEndpoint",
    summary="Send an endpoint a `voice.webhook.test` event.",
    description="It is signed, tried and recorded as any other; look at its delivery for what came of it.",
    responses={
        202: ResponseSpec(
            description="It is on its way.",
            schema=WebhookDeliveryDetail,
            example={**_DELIVERY, "tries": _TRIES},
        )
    },
)
DELIVERIES: Final = _of_one(
    id="listDeliveries",
    summary="What became of events at an endpoint, the newest first.",
    query=FILTERS,
    responses={
        200: ResponseSpec(
            description="One page.",
            schema=WebhookDeliveryPage,
            example={"data": [_DELIVERY], "limit": LISTED, "next": None},
        )
    },
)
DELIVERY: Final = _of_one(
    id="getDelivery",
    summary="One delivery with every attempt.",
    path=(ENDPOINT_ID, MESSAGE_ID),
    responses={
        200: ResponseSpec(
            description="The delivery.", schema=WebhookDeliveryDetail, example={**_DELIVERY, "tries": _TRIES}
        )
    },
)
REPLAY_ONE: Final = _of_one(
    id="replayDelivery",
    summary="Make one delivery again, under the same id.",
    path=(ENDPOINT_ID, MESSAGE_ID),
    responses={
        202: ResponseSpec(description="It is on its way.", schema=ReplayResult, example={"replayed": 1})
    },
)
REPLAY: Final = _of_one(
    id="replayDeliveries",
    summary="Make the deliveries of a window again, or all that were given up since.",
    description="Each under the id that it had. What waits anyway is left as it is.",
    body=RequestBodySpec(content={JSON_BODY: ReplayBody}, example={"from": "2026-10-01", "only": "dead"}),
    responses={
        202: ResponseSpec(description="They are on their way.", schema=ReplayResult, example={"replayed": 42})
    },
    problems=("invalid-body", "unsupported-media-type"),
)
