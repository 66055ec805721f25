"""JSON schemas of the call record, its pages and its timeline, with examples."""

from collections.abc import Mapping
from typing import Final

from calltally.calls.end_reasons import EXPLANATIONS, EndReason
from calltally.calls.failure_causes import FaultSide
from calltally.calls.list_query import DEFAULT_LIMIT, EXAMPLE_SNAPSHOT, MAX_LIMIT, MAX_OFFSET
from calltally.calls.model import CALL_FIELDS
from calltally.web.openapi.call_fields import (
    CALL,
    COUNT,
    EVENT,
    INTEGER,
    NO_TOMBSTONE,
    RAW,
    TEXT,
    TIME,
    TOMBSTONE,
    Schema,
    enum_schema,
    example_of,
    nullable,
    object_schema,
    schema_of,
)

CALL_TAG: Final = "Call logs"


def _page(reference: str) -> Schema:
    limit = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "description": "As requested."}
    offset = {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET, "description": "As requested."}
    total = {**COUNT, "description": "The exact total."}
    rows = {
        "type": "array",
        "items": {"$ref": f"#/components/schemas/{reference}"},
        "maxItems": MAX_LIMIT,
        "description": "The rows of this page.",
    }
    return object_schema({"data": rows, "limit": limit, "offset": offset, "total": total})


def _call_page() -> Schema:
    page = _page("Call")
    call = {"$ref": "#/components/schemas/Call"}
    erased = {"$ref": "#/components/schemas/ErasedCall"}
    page["properties"]["data"]["items"] = {"anyOf": [call, erased]}
    page["required"].append("snapshot")
    meaning = "Send it as `snapshot` to read any page of any filter as of this response."
    page["properties"]["snapshot"] = {**TEXT, "description": meaning}
    absent = "Only in an empty list: a route, agent or provider of the filter that no call has."
    page["properties"]["hint"] = {**TEXT, "description": absent}
    return page


def _change_page() -> Schema:
    items = {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in ("ChangedCall", "EndedCall")]}
    return object_schema(
        {
            "data": {
                "type": "array",
                "items": items,
                "maxItems": MAX_LIMIT,
                "description": "The changes in order of revision.",
            },
            "limit": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "description": "As requested."},
            "next": {**TEXT, "description": "Send it as `after` to continue."},
            "has_more": {"type": "boolean", "description": "True if more changes exist already."},
            "revision": {**COUNT, "description": "The ledger's last revision."},
            "watermark": {
                **nullable(TIME),
                "description": "No more changes are expected before this time; null before the first call.",
            },
        }
    )


_ERASED: Final = "Null, because the call was erased."


def _erased_call() -> Schema:
    """Return the schema of a call in an older snapshot that was erased since."""
    identifying = ("id", "created_at")
    fields = {name: {**nullable(CALL[name].schema), "description": _ERASED} for name in CALL_FIELDS}
    stays = {name: {**CALL[name].schema, "description": CALL[name].description} for name in identifying}
    # No constant: OpenAPI Generator's client for Python compares it with the text `true`.
    erased = {"type": "boolean", "description": "Always true: the call was erased since."}
    return {
        "description": "A call in an older snapshot that was erased since. It keeps its position.",
        **object_schema({**fields, **stays, "erased": erased}),
    }


# In the order of the ledger. A field without a declaration fails here, at import.
_CALL_FIELDS: Final = {name: CALL[name] for name in CALL_FIELDS}
_CHANGED_CALL: Final = {**_CALL_FIELDS, "tombstone": NO_TOMBSTONE}
_ENDING_TEXT: Final = "The end reason of a call and its evidence."
_ENDING: Final = {
    "reason": {**enum_schema(EndReason), "description": "The end reason from a fixed list."},
    "explanation": {**TEXT, "description": "The reason as a sentence."},
    "side": {
        **nullable(enum_schema(FaultSide)),
        "description": "The side of the failure; null if there is none.",
    },
    "provider_word": {**nullable(TEXT), "description": "The provider's own word for the reason."},
    "hangup_cause": {**nullable(INTEGER), "description": "The cause code of Q.850."},
    "sip_code": {**nullable(INTEGER), "description": "The final SIP response."},
}
_DETAIL_FIELDS: Final[Mapping[str, Schema]] = {
    "ending": {
        **nullable({"title": "CallEnding", "description": _ENDING_TEXT, **object_schema(_ENDING)}),
        "description": "The end reason and its evidence; null while the call is open.",
    },
    "events": {
        "type": "array",
        "items": {"$ref": "#/components/schemas/Event"},
        "description": "The timeline.",
    },
    "session": {
        "anyOf": [{"$ref": "#/components/schemas/VoiceSessionDetail"}, {"type": "null"}],
        "description": "The voice session; its transcript is null without `transcripts:read`.",
    },
    "deliveries": {
        "type": "array",
        "items": {"$ref": "#/components/schemas/WebhookDelivery"},
        "description": "Webhook deliveries of the call's events; at most the first 200.",
    },
}
_DETAIL: Final = schema_of(_CALL_FIELDS)
_DETAIL["required"] += _DETAIL_FIELDS
_DETAIL["properties"] |= _DETAIL_FIELDS

SCHEMAS: Final[Mapping[str, Schema]] = {
    "Call": {"description": "One call: the record folded from all its facts.", **schema_of(_CALL_FIELDS)},
    "CallDetail": {"description": "One call with its timeline.", **_DETAIL},
    "CallPage": {"description": "One page of calls.", **_call_page()},
    "ErasedCall": _erased_call(),
    "ChangedCall": {"description": "A changed call in its newest state.", **schema_of(_CHANGED_CALL)},
    "EndedCall": {"description": "The end of a call's id.", **schema_of(TOMBSTONE)},
    "ChangePage": {"description": "One page of the feed of changes.", **_change_page()},
    "Event": {"description": "One fact of a call, with its outcome.", **schema_of(EVENT)},
    "RawEvent": {"description": "One fact of a call, with its raw body.", **schema_of({**EVENT, **RAW})},
    "EventPage": {"description": "One page of the facts of a call.", **_page("RawEvent")},
}
CALL_PAGE: Final[Schema] = {"$ref": "#/components/schemas/CallPage"}
CALL_DETAIL: Final[Schema] = {"$ref": "#/components/schemas/CallDetail"}
CALL_EVENTS: Final[Schema] = {"$ref": "#/components/schemas/EventPage"}

_WINDOW: Final = {"limit": DEFAULT_LIMIT, "offset": 0, "total": 1}
EXAMPLE_PAGE: Final = {"data": [example_of(_CALL_FIELDS)], **_WINDOW, "snapshot": EXAMPLE_SNAPSHOT}
CALL_CHANGES: Final[Schema] = {"$ref": "#/components/schemas/ChangePage"}
EXAMPLE_CHANGES: Final = {
    "data": [example_of(_CHANGED_CALL), example_of(TOMBSTONE)],
    "limit": 100,
    "next": "paeaaaaaaaaaaabxf6c5n3h4qjz2mdx7w",
    "has_more": False,
    "revision": 7,
    "watermark": "2026-10-01T09:15:00.000000Z",
}
_DELIVERY: Final = {
    "id": "msg_01a1b2c3-d4e5-4f60-8a7b-9c0d1e2f3a4b",
    "endpoint_id": "0d9c3f5e-8f54-4c37-9d0f-6a7d0c1f4b52",
    "event": "voice.call.completed",
    "call_id": "550e8400-e29b-41d4-a716-446655440000",
    "revision": 4,
    "state": "delivered",
    "attempts": 1,
    "reason": None,
    "created_at": "2026-10-01T09:32:31.204418Z",
    "updated_at": "2026-10-01T09:32:31.290000Z",
    "next_attempt_at": None,
}
EXAMPLE_DETAIL: Final = {
    **example_of(_CALL_FIELDS),
    "ending": {
        "reason": EndReason.REMOTE_HUNG_UP,
        "explanation": EXPLANATIONS[EndReason.REMOTE_HUNG_UP],
        "side": None,
        "provider_word": "customer-ended-call",
        "hangup_cause": None,
        "sip_code": 200,
    },
    "events": [example_of(EVENT)],
    "session": None,
    "deliveries": [_DELIVERY],
}
EXAMPLE_EVENTS: Final = {"data": [example_of({**EVENT, **RAW})], **_WINDOW}
