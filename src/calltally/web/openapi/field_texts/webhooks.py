"""Fields of webhook endpoints and deliveries."""

from collections.abc import Mapping
from typing import Final

from calltally.web.openapi.field_texts.shared import CALL_ID, CREATED, REVISION, UPDATED

_FILTERS: Final = {
    "direction": "Only events of calls in this direction; null for both.",
    "route": "Only events of calls of this route; null for all.",
    "agent": "Only events of calls of this voice agent; null for all.",
}
_FORM: Final = "The format of the body: `standard` is Calltally's envelope, `cloudevents` is CloudEvents 1.0."
_ENDPOINT: Final = {
    **_FILTERS,
    "id": "The endpoint's id.",
    "url": "The URL that receives the events, by POST.",
    "events": "The types of events that are delivered; an empty list means all.",
    "description": "A description for people; null without one.",
    "form": _FORM,
    "masks_numbers": "True if the endpoint gets masked numbers: the tenant masks numbers, and the key"
    " that last set the endpoint lacked `pii:read`.",
    "state": "The state of the endpoint. The events of a paused endpoint wait.",
    "reason": "The reason of the pause; null for an active endpoint.",
    "failing_since": "Time of the first failure since the last success; null if there is none.",
    "previous_secret_until": "Time until which deliveries are also signed with the previous secret; null"
    " without one.",
    "created_at": CREATED,
    "updated_at": UPDATED,
}
_DELIVERY: Final = {
    "id": "The id of the event, which is also its `webhook-id`.",
    "endpoint_id": "The endpoint's id.",
    "event": "The type of the event.",
    "call_id": CALL_ID + " Null for events that concern no call.",
    "revision": REVISION,
    "state": "The state of the delivery.",
    "attempts": "The number of attempts so far.",
    "reason": "The reason why the last attempt failed; null if it succeeded.",
    "created_at": "Time of the event.",
    "updated_at": "Time of the last attempt, or of the event before the first one.",
    "next_attempt_at": "Time of the next attempt; null unless the delivery is waiting.",
}

TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "EndpointBody": {
        **_FILTERS,
        "url": "The URL that receives the events, by POST.",
        "events": "The types of events to deliver; an empty list delivers all.",
        "description": "A description for people.",
        "form": _FORM,
    },
    "WebhookEndpoint": _ENDPOINT,
    "CreatedWebhookEndpoint": {
        **_ENDPOINT,
        "secret": "The secret that signs the deliveries. It is shown only once.",
    },
    "WebhookEndpointList": {"data": "The endpoints, oldest first."},
    "RotationBody": {
        "grace_hours": "The hours during which deliveries are also signed with the previous secret.",
    },
    "ReplayBody": {
        "from": "Events at or after this time: RFC 3339 with an offset, or a date (midnight UTC).",
        "to": "Events before this time, in the same format as `from`; null for now.",
        "only": "The deliveries to replay: `all`, or only the `dead` ones.",
    },
    "ReplayResult": {"replayed": "The number of deliveries that are queued again."},
    "WebhookDelivery": _DELIVERY,
    "DeliveryAttempt": {
        "attempt": "The number of the attempt, from 1.",
        "at": "Start of the attempt.",
        "seconds": "Duration of the attempt in seconds.",
        "status": "The HTTP status of the response; null without a response.",
        "reason": "The reason of the failure; null for a success.",
        "answer": "The first KiB of the response body.",
        "answer_encoding": "The encoding of `answer`.",
        "next_attempt_at": "Time of the next attempt that followed; null after the last one.",
    },
    "WebhookDeliveryDetail": {**_DELIVERY, "tries": "All attempts, oldest first."},
    "WebhookDeliveryPage": {
        "data": "The deliveries of this page, newest first.",
        "limit": "The page size of this response.",
        "next": "The value of `before` that reads the next page; null at the end.",
    },
}
