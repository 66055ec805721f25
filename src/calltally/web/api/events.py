"""`POST /api/v1/events`: a tenant's own call events, one or a batch."""

from typing import Any, Final

from litestar import post

from calltally.calls.errors import Fault, RefusedEvents
from calltally.ingest.event_body import MAX_BODY_BYTES, MAX_EVENTS
from calltally.ingest.event_fields import event_schema
from calltally.ingest.own_events import EventsAnswer
from calltally.web.openapi.operation import Operation, RequestBodySpec, one_response
from calltally.web.request.access import EVENTS_WRITE
from calltally.web.request.bodies import JSON_BODY, NDJSON_BODY, body_type
from calltally.web.request.context import AnyRequest, dependencies_of, tenant_of
from calltally.web.response.problems import problem_response
from calltally.web.response.response import Response

# Metrics label of events without a provider.
OWN: Final = "own"
MAX_FAULTS: Final = 50

_EVENT: Final = event_schema()
_EXAMPLE: Final[dict[str, Any]] = {
    "id": "evt-1001",
    "call_sid": "CA1234567890abcdef1234567890abcdef",
    "occurred_at": "2026-10-01T09:32:22Z",
    "status": "completed",
    "duration_seconds": 142,
    "summary": "Customer confirmed appointment time.",
    "tags": ["appointment"],
}
_BODY: Final = RequestBodySpec(
    content={
        JSON_BODY: {
            "anyOf": [_EVENT, {"type": "array", "minItems": 1, "maxItems": MAX_EVENTS, "items": _EVENT}]
        },
        NDJSON_BODY: {"type": "string", "description": "One event per line."},
    },
    description=f"Up to {MAX_EVENTS} events and {MAX_BODY_BYTES} bytes, uncompressed. Null equals a missing"
    " field. Unknown and duplicate fields are refused.",
    example=_EXAMPLE,
)

SEND_EVENTS: Final = Operation(
    id="sendEvents",
    tag="Ingest",
    summary="Send events of your own calls.",
    description="Each event is accepted or refused on its own. A repeat (same id, same content) changes"
    " nothing. The response confirms durable, listed events. If the body or a line is invalid JSON,"
    " nothing is applied.",
    scope=EVENTS_WRITE,
    is_rate_limited=False,
    body=_BODY,
    responses=one_response(
        200,
        "The outcomes in the order of the events; at least one event was accepted.",
        EventsAnswer,
        {
            "outcomes": [
                {
                    "id": "evt-1001",
                    "outcome": "applied",
                    "reason": None,
                    "call_id": "550e8400-e29b-81d4-a716-446655440000",
                    "revision": 7,
                }
            ]
        },
    ),
    problems=("events-refused", "unavailable"),
)


@post("/api/v1/events", operation=SEND_EVENTS, request_max_body_size=MAX_BODY_BYTES, status_code=200)
async def send_events(request: AnyRequest) -> Response:
    deps, ndjson = dependencies_of(request), body_type(request, JSON_BODY, NDJSON_BODY) == NDJSON_BODY
    answer = await deps.intake.own_events.receive(
        tenant_of(request), await request.body(), ndjson=ndjson, now_us=deps.clock()
    )
    for each in answer.outcomes:
        deps.metrics.count_fact(OWN, each.outcome)
    return _refusal(request, answer) if answer.all_refused else Response(answer.encode())


def _refusal(request: AnyRequest, answer: EventsAnswer) -> Response:
    """Return the problem with the outcomes as an extension member (RFC 9457, section 3.2)."""
    refused = RefusedEvents("every event was refused; see outcomes", tuple(_faults(answer)[:MAX_FAULTS]))
    response = problem_response(request.scope, refused)
    response.body = b"%b,%b" % (response.body[:-1], answer.encode()[1:])
    return response


def _faults(answer: EventsAnswer) -> list[Fault]:
    return [
        Fault(f"[{position}].{error.parameter}".rstrip("."), error.detail)
        for position, each in enumerate(answer.outcomes)
        for error in each.errors or ()
    ]
