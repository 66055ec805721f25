"""JSON Schemas of the delivered events, served at `/schemas/NAME.json`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from calltally.calls.event_types import (
    COMPLETED,
    DELIVERY_FAILED,
    ESCALATED,
    EVALUATED,
    STARTED,
    TEST,
)
from calltally.calls.model import DIRECTIONS, FINAL, STATUSES
from calltally.deliveries.payload_formats import schema_path
from calltally.store.ledger.outbox import API_VERSION

Schema = dict[str, Any]

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_TEXT: Final[Schema] = {"type": "string"}
_TEXT_OR_NULL: Final[Schema] = {"type": ["string", "null"]}
_TIME: Final[Schema] = {"type": "string", "format": "date-time"}
_UUID: Final[Schema] = {"type": "string", "format": "uuid"}
_COUNT: Final[Schema] = {"type": ["integer", "null"], "minimum": 0}
_REVISION: Final[Schema] = {"type": "integer", "minimum": 1}


def _object(properties: Mapping[str, Schema], *optional: str) -> Schema:
    """Return the schema of an object that allows additional fields, because new fields may be added."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "required": required, "properties": dict(properties)}


def _call(statuses: Sequence[str], **more: Schema) -> Schema:
    properties: dict[str, Schema] = {
        "stream_sid": _TEXT_OR_NULL,
        "call_sid": _TEXT,
        "voice_session_id": _TEXT_OR_NULL,
        "from_number": _TEXT_OR_NULL,
        "to_number": _TEXT_OR_NULL,
        "direction": {"enum": [*DIRECTIONS, None]},
        "status": {"enum": list(statuses)},
        "duration_seconds": _COUNT,
        "escalated": {"type": "boolean"},
        "function_call_count": _COUNT,
        "transcript_turn_count": _COUNT,
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
        "host": _TEXT,
        "reason": _TEXT,
        "last_attempt": _TEXT_OR_NULL,
        "failing_since": _TIME,
    }
)
DATA: Final[Mapping[str, Schema]] = {
    STARTED: _call(_ALL),
    ESCALATED: _call(_ALL, escalation=_ESCALATION),
    COMPLETED: _call(_ENDS, corrects=_CORRECTS),
    EVALUATED: _call(_ALL, evaluation={"type": ["object", "null"]}),
    DELIVERY_FAILED: _FAILED,
    TEST: _object({"endpoint_id": _UUID, "sent_at": _TIME}),
}


def event_schema(event: str) -> Schema:
    """Return the schema of the envelope of one event type."""
    envelope = _object(
        {
            "id": {"type": "string", "pattern": "^msg_"},
            "event": {"const": event},
            "created_at": _TIME,
            "tenant_id": _TEXT,
            "api_version": {"const": API_VERSION},
            "data": DATA[event],
        }
    )
    return {"$schema": _DIALECT, "$id": schema_path(event), "title": event, **envelope}


def event_schemas() -> Iterator[tuple[str, Schema]]:
    """Yield each schema with its path."""
    for event in DATA:
        yield schema_path(event), event_schema(event)
