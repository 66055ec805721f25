"""JSON Schemas of the delivered events, served at `/schemas/NAME.json`, and the webhooks of the document."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from calltally.calls.event_types import (
    ALERT_CHANGES,
    COMPLETED,
    DELIVERY_FAILED,
    ESCALATED,
    EVALUATED,
    STARTED,
    TEST,
    alert_event,
)
from calltally.calls.model import DIRECTIONS, STATUSES
from calltally.calls.payload_formats import data_schema_path, schema_path
from calltally.store.ledger.outbox import API_VERSION
from calltally.web.openapi.alert_event_schema import ALERT_MEANINGS, alert_data_schema
from calltally.web.openapi.call_fields import COUNT, TEXT, TIME, Schema, nullable
from calltally.web.openapi.named_enums import FINAL_STATUSES

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_UUID: Final[Schema] = {"type": "string", "format": "uuid"}
_REVISION: Final[Schema] = {"type": "integer", "minimum": 1}
_DIRECTION: Final[Schema] = {"type": ["string", "null"], "enum": [*DIRECTIONS, None]}
_FREE: Final[Schema] = {"type": ["object", "null"], "additionalProperties": True}


def _text(description: str) -> Schema:
    return {**TEXT, "description": description}


def _object(title: str, description: str, properties: Mapping[str, Schema], *optional: str) -> Schema:
    """Return the schema of an object that allows additional fields, because new fields may be added."""
    required = [name for name in properties if name not in optional]
    head = {"title": title, "description": description, "type": "object"}
    return {**head, "required": required, "properties": dict(properties)}


def _text_or_null(description: str) -> Schema:
    return {**nullable(TEXT), "description": f"{description}; null if unknown."}


def _status(statuses: Sequence[str]) -> Schema:
    return {"type": "string", "enum": list(map(str, statuses)), "description": "The state of the call."}


def _call(title: str, description: str, statuses: Sequence[str], **more: Schema) -> Schema:
    """Return the schema of the data of an event about a call, in the order of the contract."""
    count = "null without a report of them."
    properties: dict[str, Schema] = {
        "stream_sid": _text_or_null("The id of the media stream"),
        "call_sid": _text("The provider's id of the call."),
        "voice_session_id": _text_or_null("The id of the voice session"),
        "from_number": _text_or_null("The caller's number in E.164, or as received"),
        "to_number": _text_or_null("The called number in E.164, or as received"),
        "direction": {**_DIRECTION, "description": "The direction from the tenant's view; null if unknown."},
        "status": _status(statuses),
        "duration_seconds": {
            **nullable(COUNT),
            "description": "Seconds from answer to end. Null while the call is open; 0 without an answer.",
        },
        "escalated": {"type": "boolean", "description": "True if the call was escalated to a person."},
        "function_call_count": {**nullable(COUNT), "description": f"The number of function calls; {count}"},
        "transcript_turn_count": {
            **nullable(COUNT),
            "description": f"The number of turns in the transcript; {count}",
        },
        "summary": _text_or_null("A short summary of the conversation"),
        "id": {**_UUID, "description": "The call's id in Calltally."},
        "revision": {**_REVISION, "description": "The tenant's revision with this state of the call."},
        **more,
    }
    return _object(title, description, properties, "corrects")


_ESCALATION: Final = {
    **_FREE,
    "description": "The escalation; null without details.",
    "properties": {
        "target": _text_or_null("The person or queue"),
        "initiated_by": _text_or_null("The party that requested it"),
        "reason": _text_or_null("The reason"),
    },
}
_CORRECTS: Final = _object(
    "CorrectedState",
    "The final state that this event corrects. Absent if the call had no final state before.",
    {
        "status": _status(FINAL_STATUSES),
        "revision": {**_REVISION, "description": "The tenant's revision with the corrected state."},
    },
)
_EVALUATION: Final = {**_FREE, "description": "The evaluation of the voice session."}
_FAILED: Final = {
    "endpoint_id": {**_UUID, "description": "The endpoint's id."},
    "host": _text("The host of the endpoint's URL."),
    "reason": _text("The reason why the deliveries fail."),
    "last_attempt": {
        **nullable(TEXT),
        "description": "The reason why the last attempt failed; null without one.",
    },
    "failing_since": {**TIME, "description": "Time of the first failure since the last success."},
}
_TEST: Final = {
    "endpoint_id": {**_UUID, "description": "The endpoint's id."},
    "sent_at": {**TIME, "description": "Time of the test."},
}
_MEANINGS: Final[Mapping[str, str]] = {
    STARTED: "The first fact of a call was recorded.",
    ESCALATED: "A call was escalated to a person.",
    COMPLETED: "A call reached a final state, or its final state changed.",
    EVALUATED: "A voice session has a new or changed evaluation.",
    DELIVERY_FAILED: "Deliveries to another endpoint of the tenant fail.",
    TEST: "An endpoint is tested by request. It cannot be subscribed to.",
    **{alert_event(change): meaning for change, meaning in ALERT_MEANINGS.items()},
}


def event_title(event: str) -> str:
    """Return the name of an event type in CamelCase: `VoiceCallStarted`."""
    return "".join(word.capitalize() for word in event.replace("_", ".").split("."))


def _data(event: str, **more: Schema) -> Schema:
    statuses = FINAL_STATUSES if event == COMPLETED else STATUSES
    return _call(f"{event_title(event)}Data", f"Data of the event `{event}`.", statuses, **more)


DATA: Final[Mapping[str, Schema]] = {
    STARTED: _data(STARTED),
    ESCALATED: _data(ESCALATED, escalation=_ESCALATION),
    COMPLETED: _data(COMPLETED, corrects=_CORRECTS),
    EVALUATED: _data(EVALUATED, evaluation=_EVALUATION),
    DELIVERY_FAILED: _object(
        f"{event_title(DELIVERY_FAILED)}Data", f"Data of the event `{DELIVERY_FAILED}`.", _FAILED
    ),
    TEST: _object(f"{event_title(TEST)}Data", f"Data of the event `{TEST}`.", _TEST),
    **{
        alert_event(change): alert_data_schema(f"{event_title(alert_event(change))}Data", change)
        for change in ALERT_CHANGES
    },
}
_ALERT_EVENTS: Final = frozenset(map(alert_event, ALERT_CHANGES))


def envelope_schema(event: str) -> Schema:
    """Return the schema of the body of an event in the format `standard`."""
    properties = {
        "id": {
            "type": "string",
            "pattern": "^msg_",
            "description": "The id of the event, which is also its `webhook-id`. A repeat has the same id.",
        },
        "event": {"type": "string", "const": event, "description": "The type of the event."},
        "created_at": {**TIME, "description": "Time of the event."},
        "tenant_id": _text("The tenant of the event."),
        "api_version": {"type": "string", "const": API_VERSION, "description": "The version of the format."},
        "data": DATA[event],
    }
    return _object(f"{event_title(event)}Event", _MEANINGS[event], properties)


def cloud_event_schema(event: str) -> Schema:
    """Return the schema of the body of an event in the format `cloudevents` (CloudEvents 1.0, structured)."""
    properties = {
        "id": _text("The id of the event, which is also its `webhook-id`."),
        "source": _text("The tenant of the event: `/tenants/ID`."),
        "specversion": {"type": "string", "const": "1.0", "description": "The version of CloudEvents."},
        "type": {"type": "string", "const": event, "description": "The type of the event."},
        "datacontenttype": _text("The media type of `data`: `application/json`."),
        "dataschema": _text("The URL of the JSON Schema of `data`."),
        "subject": _text("The id of the call or the alert. Absent for events that concern neither."),
        "time": {**TIME, "description": "Time of the event."},
        "apiversion": _text("The version of the format of `data`."),
        "data": DATA[event],
    }
    return _object(f"{event_title(event)}CloudEvent", _MEANINGS[event], properties, "subject")


def event_schemas() -> Iterator[tuple[str, Schema]]:
    """Yield path and content of each served schema: of the envelope of an event, and of its data alone."""
    for event, data in DATA.items():
        for path, schema in ((schema_path(event), envelope_schema(event)), (data_schema_path(event), data)):
            yield path, {"$schema": _DIALECT, "$id": path, **schema}


def webhook_references() -> dict[str, Any]:
    """Return the section `webhooks` of the document: a reference to a path item for each event.

    Generators of clients that know only paths take operations within this section for requests of the client.
    """
    return {event: {"$ref": f"#/components/pathItems/{event_title(event)}"} for event in DATA}


def webhook_items() -> dict[str, Any]:
    """Return the path items of events: the request that an endpoint receives for each."""
    return {event_title(event): {"post": _webhook_operation(event)} for event in DATA}


def _webhook_operation(event: str) -> dict[str, Any]:
    name, is_alert = event_title(event), event in _ALERT_EVENTS
    repeated = f"The delivery is attempted again, for {'half a day' if is_alert else 'three days'}."
    return {
        "operationId": f"receive{name}",
        "tags": ["Alerts" if is_alert else "Webhooks"],
        "summary": _MEANINGS[event],
        "description": "Signed by the Standard Webhooks scheme: verify `webhook-id`, `webhook-timestamp` and"
        " `webhook-signature` before you read the body. A repeat has the same id.",
        "security": [],
        "requestBody": {
            "required": True,
            "description": f"The event, in the format of the {'sink' if is_alert else 'endpoint'}.",
            "content": {
                "application/json": {"schema": envelope_schema(event)},
                "application/cloudevents+json": {"schema": cloud_event_schema(event)},
            },
        },
        "responses": {
            "2XX": {"description": "The event is received."},
            "4XX": {"description": repeated},
            "5XX": {"description": repeated},
        },
    }
