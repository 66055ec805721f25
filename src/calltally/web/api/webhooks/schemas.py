"""Webhook endpoints and deliveries in the API. Times are RFC 3339 in UTC."""

from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta
from msgspec.structs import asdict

from calltally.calls.event_types import SUBSCRIBABLE, TEST
from calltally.calls.identity import uuid_text
from calltally.calls.model import DIRECTIONS
from calltally.calls.payload_formats import FORMS
from calltally.calls.times import utc_text
from calltally.calls.wire_types import TimeOrDate, Timestamp, UuidText
from calltally.net.addresses import MAX_URL_CHARS
from calltally.store.ledger.outbox import message_id
from calltally.store.tenants.tenants import LINE_CHAR
from calltally.store.webhooks.deliveries import WAITING, Delivery, StoredAttempt
from calltally.store.webhooks.endpoints import Endpoint
from calltally.web.api.admin.schemas import Word
from calltally.web.api.call_logs.schemas import text_and_encoding

PATH: Final = "/api/v1/webhook-endpoints"
MAX_DESCRIPTION_CHARS: Final = 200
MAX_GRACE_HOURS: Final = 168
GRACE_HOURS: Final = 24

Url: TypeAlias = Annotated[
    str, Meta(extra_json_schema={"format": "uri", "minLength": 8, "maxLength": MAX_URL_CHARS})
]
Description: TypeAlias = Annotated[
    str, Meta(extra_json_schema={"maxLength": MAX_DESCRIPTION_CHARS, "pattern": f"^{LINE_CHAR}*$"})
]
EventName: TypeAlias = Annotated[str, Meta(extra_json_schema={"enum": list(SUBSCRIBABLE)})]
Form: TypeAlias = Annotated[str, Meta(extra_json_schema={"enum": list(FORMS)})]
Direction: TypeAlias = Annotated[str, Meta(extra_json_schema={"enum": list(DIRECTIONS)})]
AnyEventName: TypeAlias = Annotated[str, Meta(extra_json_schema={"enum": [*SUBSCRIBABLE, TEST]})]
Hours: TypeAlias = Annotated[
    float, Meta(multiple_of=1, extra_json_schema={"minimum": 0, "maximum": MAX_GRACE_HOURS})
]


class EndpointBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of an endpoint. A missing filter, or missing `events`, matches everything.

    `form` is `standard` (Calltally's envelope) or `cloudevents` (CloudEvents 1.0, structured).
    """

    url: Url
    events: list[EventName] = []
    description: Description | None = None
    form: Form = "standard"
    direction: Direction | None = None
    route: Word | None = None
    agent: Word | None = None


class WebhookEndpoint(msgspec.Struct, frozen=True):
    """One endpoint. `state` is `active`, or `paused` with a `reason`.

    `failing_since` is the first failure since the last success. Until `previous_secret_until`, deliveries are
    also signed with the previous secret. `masks_numbers`: the tenant masks numbers, and the key that last set
    the endpoint lacked `pii:read`.
    """

    id: UuidText
    url: str
    events: list[EventName]
    description: str | None
    form: Form
    direction: Direction | None
    route: str | None
    agent: str | None
    masks_numbers: bool
    state: Literal["active", "paused"]
    reason: str | None
    failing_since: Timestamp | None
    previous_secret_until: Timestamp | None
    created_at: Timestamp
    updated_at: Timestamp


class CreatedWebhookEndpoint(WebhookEndpoint, frozen=True):
    """A new endpoint, or one with a new secret. The `secret` is shown only once."""

    secret: str


class WebhookEndpointList(msgspec.Struct, frozen=True):
    """A tenant's endpoints by age."""

    data: list[WebhookEndpoint]


class RotationBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hours during which deliveries are also signed with the previous secret; default 24."""

    grace_hours: Hours = GRACE_HOURS


class ReplayBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """Deliveries to replay: of events from `from` to before `to` (default: now).

    With `only` set to `dead`, only dead deliveries.
    """

    from_: TimeOrDate
    to: TimeOrDate | None = None
    only: Annotated[str, Meta(extra_json_schema={"enum": ["all", "dead"]})] = "all"


class ReplayResult(msgspec.Struct, frozen=True):
    """Number of replayed deliveries."""

    replayed: int


class WebhookDelivery(msgspec.Struct, frozen=True):
    """Delivery of one event to one endpoint. `id` is the event's `webhook-id`.

    `state` is `waiting`, `delivered` or `dead`; `next_attempt_at` is null unless it is waiting. `reason` is
    why the last attempt failed.
    """

    id: str
    endpoint_id: UuidText
    event: AnyEventName
    call_id: UuidText | None
    revision: int
    state: Literal["waiting", "delivered", "dead"]
    attempts: int
    reason: str | None
    created_at: Timestamp
    updated_at: Timestamp
    next_attempt_at: Timestamp | None


class DeliveryAttempt(msgspec.Struct, frozen=True):
    """One attempt. `status` is null without a response. `answer` is the first KiB of the response body."""

    attempt: int
    at: Timestamp
    seconds: float
    status: int | None
    reason: str | None
    answer: str
    answer_encoding: Literal["utf-8", "base64"]
    next_attempt_at: Timestamp | None


class WebhookDeliveryDetail(WebhookDelivery, frozen=True):
    """One delivery with all attempts."""

    tries: list[DeliveryAttempt]


class WebhookDeliveryPage(msgspec.Struct, frozen=True):
    """Deliveries, newest first. Send `next` as `before` to continue; null at the end."""

    data: list[WebhookDelivery]
    limit: int
    next: str | None


def endpoint_resource(endpoint: Endpoint) -> WebhookEndpoint:
    settings = endpoint.settings._asdict()
    del settings["sees_numbers"]
    return WebhookEndpoint(
        **{**settings, "events": list(settings["events"])},
        masks_numbers=endpoint.is_masked,
        id=uuid_text(endpoint.endpoint),
        state=endpoint.state,
        reason=endpoint.reason,
        failing_since=_time(endpoint.failing_since_us),
        previous_secret_until=_time(endpoint.previous_until_us),
        created_at=utc_text(endpoint.created_us),
        updated_at=utc_text(endpoint.updated_us),
    )


def new_endpoint_resource(endpoint: Endpoint, secret: str) -> CreatedWebhookEndpoint:
    return CreatedWebhookEndpoint(**asdict(endpoint_resource(endpoint)), secret=secret)


def delivery_resource(delivery: Delivery) -> WebhookDelivery:
    has_call = delivery.call_id != delivery.event_id
    return WebhookDelivery(
        id=message_id(delivery.event_id),
        endpoint_id=uuid_text(delivery.endpoint),
        event=delivery.event,
        call_id=uuid_text(delivery.call_id) if has_call else None,
        revision=delivery.revision,
        state=delivery.state,  # type: ignore[arg-type]  # one of STATES
        attempts=delivery.attempts,
        reason=delivery.reason,
        created_at=utc_text(delivery.created_us),
        updated_at=utc_text(delivery.updated_us),
        next_attempt_at=utc_text(delivery.due_us) if delivery.state == WAITING else None,
    )


def delivery_detail(delivery: Delivery, attempts: list[StoredAttempt]) -> WebhookDeliveryDetail:
    tries = [_attempt(each) for each in attempts]
    return WebhookDeliveryDetail(**asdict(delivery_resource(delivery)), tries=tries)


def _attempt(attempt: StoredAttempt) -> DeliveryAttempt:
    answer, encoding = text_and_encoding(attempt.answer)
    return DeliveryAttempt(
        attempt.attempt,
        utc_text(attempt.at_us),
        attempt.took_us / 1_000_000,
        attempt.status,
        attempt.reason,
        answer,
        encoding,
        _time(attempt.next_us),
    )


def _time(at_us: int | None) -> str | None:
    return None if at_us is None else utc_text(at_us)
