"""JSON Schemas of the delivered events, served at `/schemas/NAME.json`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from calltally.calls.event_types import COMPLETED, DELIVERY_FAILED, ESCALATED, EVALUATED, STARTED, TEST
from calltally.calls.model import DIRECTIONS, FINAL, STATUSES
from calltally.deliveries.payload_formats import schema_path
from calltally.store.ledger.outbox import API_VERSION
from calltally.web.openapi.call_fields import COUNT, TEXT, TIME, Schema, nullable

_TEXT_OR_NULL: Final = nullable(TEXT)
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_UUID: Final[Schema] = {"type": "string", "format": "uuid"}
_REVISION: Final[Schema] = {"type": "integer", "minimum": 1}


def _object(properties: Mapping[str, Schema], *optional: str) -> Schema:
    """Return the schema of an object that allows additional fields, because new fields may be added."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "required": required, "properties": dict(properties)}


def _call(statuses: Sequence[str], **more: Schema) -> Schema:
    properties: dict[str, Schema] = {
        "stream_sid": _TEXT_OR_NULL,
        "call_sid": TEXT,
        "voice_session_id": _TEXT_OR_NULL,
        "from_number": _TEXT_OR_NULL,
        "to_number": _TEXT_OR_NULL,
        "direction": {"enum": [*DIRECTIONS, None]},
        "status": {"enum": list(statuses)},
        "duration_seconds": nullable(COUNT),
        "escalated": {"type": "boolean"},
        "function_call_count": nullable(COUNT),
        "transcript_turn_count": nullable(COUNT),
        "summary": _TEXT_OR_NULL,
        "id": _UUID,
        "revision": _REVISION,
        **more,
    }
    return _object(properties, "corrects")


_ALL: Final = list(STATUSES)
_ENDS: Final = [status for status in STATUSES if status in FINAL]
_ESCALATION: Final[Schema] = {
    "type": ["object", "null"],
    "properties": dict.fromkeys(("target", "initiated_by", "reason"), _TEXT_OR_NULL),
}
_CORRECTS: Final = _object({"status": {"enum": _ENDS}, "revision": _REVISION})
_FAILED: Final = _object(
    {
        "endpoint_id": _UUID,
        "host": TEXT,
        "reason": TEXT,
        "last_attempt": _TEXT_OR_NULL,
        "failing_since": TIME,
    }
)
DATA: Final[Mapping[str, Schema]] = {
    STARTED: _call(_ALL),
    ESCALATED: _call(_ALL, escalation=_ESCALATION),
    COMPLETED: _call(_ENDS, corrects=_CORRECTS),
    EVALUATED: _call(_ALL, evaluation={"type": ["object", "null"]}),
    DELIVERY_FAILED: _FAILED,
    TEST: _object({"endpoint_id": _UUID, "sent_at": TIME}),
}


def event_schema(event: str) -> Schema:
    envelope = _object(
        {
            "id": {"type": "string", "pattern": "^msg_"},
            "event": {"const": event},
            "created_at": TIME,
            "tenant_id": TEXT,
            "api_version": {"const": API_VERSION},
            "data": DATA[event],
        }
    )
    return {"$schema": _DIALECT, "$id": schema_path(event), "title": event, **envelope}


def event_schemas() -> Iterator[tuple[str, Schema]]:
    for event in DATA:
        yield schema_path(event), event_schema(event)
