"""JSON Schema of `data` of the events about alerts, which sinks of kind `webhook` receive."""

from typing import Any, Final

from calltally.alerts.model.finding import AlertKind
from calltally.calls.event_types import ALERT_CHANGES
from calltally.store.alerts.alerts import AlertState
from calltally.web.openapi.call_fields import TEXT, TIME, Schema, nullable

_URI: Final = {"type": "string", "format": "uri-reference"}
_FACTS: Final = (
    "The newest finding with its evidence: the metric, the series, the measured and the expected value. Empty"
    " in a test."
)


def _described(schema: Schema, description: str) -> dict[str, Any]:
    return {**schema, "description": description}


def _one_of(words: type[AlertState] | type[AlertKind]) -> dict[str, Any]:
    return {"type": "string", "enum": [each.value for each in words]}


def alert_data_schema(title: str, change: str) -> dict[str, Any]:
    """Return the schema of `data` of one change in ALERT_CHANGES. It allows additional fields."""
    properties = {
        "id": _described({"type": "string", "format": "uuid"}, "The id of the alert; in a test of the sink."),
        "what": _described({"type": "string", "const": change}, "The change of the alert."),
        "state": _described(_one_of(AlertState), "The state of the alert after the change."),
        "kind": _described(_one_of(AlertKind), "The kind of the alert."),
        "cause": _described(TEXT, "The cause; a later alert with the same cause is a repetition."),
        "message": _described(TEXT, "The alert in one sentence, with its numbers."),
        "route": _described(nullable(TEXT), "The affected route; null if it is no single one."),
        "provider": _described(nullable(TEXT), "The affected provider; null if it is no single one."),
        "since": _described(TIME, "The start by the evidence."),
        "opened_at": _described(TIME, "Time of the detection."),
        "resolved_at": _described({**TIME, "type": ["string", "null"]}, "Time of the end; null before it."),
        "calls_url": _described(_URI, "The list of the calls of the alert."),
        "alert_url": _described(_URI, "The alert with its history."),
        "facts": _described({"type": "object", "additionalProperties": True}, _FACTS),
    }
    return {
        "title": title,
        "description": f"Data of the event `voice.alert.{change}`.",
        "type": "object",
        "required": list(properties),
        "properties": properties,
    }


ALERT_MEANINGS: Final = dict(
    zip(
        ALERT_CHANGES,
        (
            "An alert is firing.",
            "An alert fires again within half an hour of its end.",
            "A firing alert became much worse.",
            "A firing alert was acknowledged.",
            "An alert ended as part of a larger one.",
            "An alert ended.",
            "An alert sink is tested by request.",
        ),
        strict=True,
    )
)
