"""Webhook endpoints and deliveries as the outside sees them. Times are RFC 3339 in UTC."""

from base64 import b64encode
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from calltally.calls.event_types import SUBSCRIBABLE
from calltally.calls.identity import uuid_text
from calltally.calls.model import DIRECTIONS
from calltally.calls.times import utc_text
from calltally.deliveries.payload_formats import FORMS
from calltally.net.target_url import MAX_URL_CHARS
from calltally.store.ledger.outbox import message_id
from calltally.store.tenants.tenants import LINE_CHAR
from calltally.store.webhooks.deliveries import WAITING, Delivery, StoredAttempt
from calltally.store.webhooks.endpoints import Endpoint
from calltally.web.api.admin.schemas import Word

PATH: Final = "/api/v1/webhook-endpoints"
MOST_DESCRIBED: Final = 200
MOST_GRACE_HOURS: Final = 168
GRACE_HOURS: Final = 24

Url: TypeAlias = Annotated[
    str, Meta(extra_json_schema={"format": "uri", "minLength": 8, "maxLength": MAX_URL_CHARS})
]
Described: TypeAlias = Annotated[
    str, Meta(extra_json_schema={"maxLength": MOST_DESCRIBED, "pattern": f"^{LINE_CHAR}*$"})
]
EventName: TypeAlias = Annotated[str, Meta(extra_json_schema={"enum": list(SUBSCRIBABLE)})]
Form: TypeAlias = Annotated[str, Meta(extra_json_schema={"enum": list(FORMS)})]
Direction: TypeAlias = Annotated[str, Meta(extra_json_schema={"enum": list(DIRECTIONS)})]
Instant: TypeAlias = Annotated[str, Meta(examples=["2026-10-01"], extra_json_schema={"format": "date-time"})]
Hours: TypeAlias = Annotated[
    float, Meta(multiple_of=1, extra_json_schema={"minimum": 0, "maximum": MOST_GRACE_HOURS})
]


class EndpointBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where events go and which; a filter or `events` left out is for all.

    `form` is `standard` (our envelope) or `cloudevents` (CloudEvents 1.0, structured).
    """

    url: Url
    events: list[EventName] = []
    description: Described | None = None
    form: Form = "standard"
    direction: Direction | None = None
    route: Word | None = None
    agent: Word | None = None


class WebhookEndpoint(msgspec.Struct, frozen=True):
    """One endpoint. `state` is `active` or `paused`, then with a `reason`.

    `failing_since` is the first failure since the last success; `previous_secret_until` says until when
    deliveries are signed with the secret from before a rotation as well. It `masks_numbers` where the tenant
    does, and the key that set the endpoint last had no `pii:read`.
    """

    id: str
    url: str
    events: list[str]
    description: str | None
    form: str
    direction: str | None
    route: str | None
    agent: str | None
    masks_numbers: bool
    state: Literal["active", "paused"]
    reason: str | None
    failing_since: str | None
    previous_secret_until: str | None
    created_at: str
    updated_at: str


class NewWebhookEndpoint(WebhookEndpoint, frozen=True):
    """A new endpoint, or one with a new secret; the `secret` is never shown again."""

    secret: str


class WebhookEndpointList(msgspec.Struct, frozen=True):
    """A tenant's endpoints by age."""

    data: list[WebhookEndpoint]


class RotationBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For how many hours the secret from before is signed with as well; 24 unless said."""

    grace_hours: Hours = GRACE_HOURS


class ReplayBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """Which deliveries are made again: of events from `from` to before `to` (now, if left out).

    With `only` `dead` those that were given up alone.
    """

    from_: Instant
    to: Instant | None = None
    only: Annotated[str, Meta(extra_json_schema={"enum": ["all", "dead"]})] = "all"


class ReplayResult(msgspec.Struct, frozen=True):
    """How many deliveries were begun anew."""

    replayed: int


class WebhookDelivery(msgspec.Struct, frozen=True):
    """What becomes of one event at one endpoint. `id` is the event's `webhook-id`.

    `state` is `waiting`, `delivered` or `dead`; `next_attempt_at` is null unless it waits. `reason` says why
    the last attempt was not taken.
    """

    id: str
    endpoint_id: str
    event: str
    call_id: str | None
    revision: int
    state: Literal["waiting", "delivered", "dead"]
    attempts: int
    reason: str | None
    created_at: str
    updated_at: str
    next_attempt_at: str | None


class DeliveryAttempt(msgspec.Struct, frozen=True):
    """One attempt. `status` is null where no answer came. `answer` is the first KiB of the answer's body."""

    attempt: int
    at: str
    seconds: float
    status: int | None
    reason: str | None
    answer: str
    answer_encoding: Literal["utf-8", "base64"]
    next_attempt_at: str | None


class WebhookDeliveryDetail(WebhookDelivery, frozen=True):
    """One delivery with every attempt."""

    tries: list[DeliveryAttempt]


class WebhookDeliveryPage(msgspec.Struct, frozen=True):
    """Deliveries, the newest first; `next` is what to send as `before` to go on, null at the end."""

    data: list[WebhookDelivery]
    limit: int
    next: str | None


def endpoint_resource(endpoint: Endpoint) -> WebhookEndpoint:
    """An endpoint without its secret."""
    return WebhookEndpoint(**_endpoint(endpoint))


def new_endpoint_resource(endpoint: Endpoint, secret: str) -> NewWebhookEndpoint:
    """The same with it."""
    return NewWebhookEndpoint(**_endpoint(endpoint), secret=secret)


def delivery_resource(delivery: Delivery) -> WebhookDelivery:
    """A delivery without its attempts."""
    return WebhookDelivery(**_delivery(delivery))


def delivery_detail(delivery: Delivery, attempts: list[StoredAttempt]) -> WebhookDeliveryDetail:
    """The same with them."""
    return WebhookDeliveryDetail(**_delivery(delivery), tries=[_attempt(each) for each in attempts])


def _endpoint(endpoint: Endpoint) -> dict[str, Any]:
    wanted = endpoint.settings._asdict()
    del wanted["sees_numbers"]
    return {
        **wanted,
        "masks_numbers": endpoint.is_masked,
        "id": uuid_text(endpoint.endpoint),
        "events": list(wanted["events"]),
        "state": endpoint.state,
        "reason": endpoint.reason,
        "failing_since": _time(endpoint.failing_since_us),
        "previous_secret_until": _time(endpoint.previous_until_us),
        "created_at": utc_text(endpoint.created_us),
        "updated_at": utc_text(endpoint.updated_us),
    }


def _delivery(delivery: Delivery) -> dict[str, Any]:
    is_of_call = delivery.call_id != delivery.event_id
    return {
        "id": message_id(delivery.event_id),
        "endpoint_id": uuid_text(delivery.endpoint),
        "event": delivery.event,
        "call_id": uuid_text(delivery.call_id) if is_of_call else None,
        "revision": delivery.revision,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "reason": delivery.reason,
        "created_at": utc_text(delivery.created_us),
        "updated_at": utc_text(delivery.updated_us),
        "next_attempt_at": utc_text(delivery.due_us) if delivery.state == WAITING else None,
    }


def _attempt(attempt: StoredAttempt) -> DeliveryAttempt:
    try:
        answer, encoding = attempt.answer.decode(), "utf-8"
    except UnicodeDecodeError:
        answer, encoding = b64encode(attempt.answer).decode(), "base64"
    return DeliveryAttempt(
        attempt.attempt,
        utc_text(attempt.at_us),
        attempt.took_us / 1_000_000,
        attempt.status,
        attempt.reason,
        answer,
        "utf-8" if encoding == "utf-8" else "base64",
        _time(attempt.next_us),
    )


def _time(at_us: int | None) -> str | None:
    return None if at_us is None else utc_text(at_us)
