"""Operation that sends events of the tenant's own calls (contract, section 4)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Required, TypedDict

import msgspec

from calltally.calls.model import Cost, Escalation, Transfer
from calltally.client.filters import Moment
from calltally.client.json_bodies import JSON_HEADERS, encode_json
from calltally.client.literals import CallDirection, CallStatus
from calltally.client.response_parsing import decode_record
from calltally.client.retries import send_with
from calltally.client.transport import Session
from calltally.client.wire import Request

EVENTS_PATH: Final = "/api/v1/events"
# The limits of one request are 1,000 events and 5 MiB.
_MAX_EVENTS: Final = 1_000
_MAX_BYTES: Final = 4 * 1024 * 1024
# Every event of a request was refused. The body has the outcomes.
_ALL_REFUSED: Final = 422


class EventFields(TypedDict, total=False):
    """Fields of one event. `id` identifies repeats. Absent fields and None state nothing."""

    id: Required[str]
    call_sid: Required[str]
    occurred_at: Required[Moment]
    provider: str | None
    provider_account: str | None
    sequence: int | None
    status: CallStatus | None
    direction: CallDirection | None
    from_number: str | None
    to_number: str | None
    route: str | None
    agent: str | None
    session_id: str | None
    parent_call_sid: str | None
    started_at: Moment | None
    ringing_at: Moment | None
    answered_at: Moment | None
    ended_at: Moment | None
    duration_seconds: float | None
    escalated: bool | None
    escalation: Escalation | Mapping[str, Any] | None
    transfer: Transfer | Mapping[str, Any] | None
    summary: str | None
    end_reason: str | None
    hangup_cause: int | None
    sip_code: int | None
    error_code: str | None
    answered_by: str | None
    recording_url: str | None
    cost: Cost | Mapping[str, Any] | None
    tags: Sequence[str] | None
    metadata: Mapping[str, Any] | None


class EventFault(msgspec.Struct, frozen=True):
    """Fault in one field of a refused event."""

    parameter: str
    detail: str


class EventResult(msgspec.Struct, frozen=True):
    """Outcome of one event. A refused event has `errors`; the others name their call and its revision."""

    id: str | None
    outcome: str
    reason: str | None = None
    call_id: str | None = None
    revision: int | None = None
    errors: tuple[EventFault, ...] | None = None


class _EventsAnswer(msgspec.Struct, frozen=True):
    """Response to one request with events."""

    outcomes: tuple[EventResult, ...]


_decoder: Final = msgspec.json.Decoder(_EventsAnswer)


async def send_events(session: Session, events: Iterable[EventFields]) -> list[EventResult]:
    """Send events of your own calls, and return their outcomes in the same order.

    Each request has up to 1,000 events. The outcomes are durable. A refused event has the outcome `refused`
    with its errors, and does not raise. After an error, send all again: repeats change nothing. Raises
    InvalidArgument for values that are not JSON, and ClientError.
    """
    outcomes: list[EventResult] = []
    for body in _bodies(events):
        request = Request("POST", EVENTS_PATH, (), JSON_HEADERS, body, is_idempotent=True)
        answer = await send_with(session, request, accepts=_ALL_REFUSED)
        outcomes += decode_record(answer, _decoder).outcomes
    return outcomes


def _bodies(events: Iterable[EventFields]) -> Iterator[bytes]:
    """Yield JSON arrays of as many events as one request may have."""
    batch: list[bytes] = []
    size_bytes = 0
    for event in events:
        encoded = encode_json("the event", event)
        if batch and (len(batch) == _MAX_EVENTS or size_bytes + len(encoded) > _MAX_BYTES):
            yield b"[%b]" % b",".join(batch)
            batch, size_bytes = [], 0
        batch.append(encoded)
        size_bytes += len(encoded) + 1
    if batch:
        yield b"[%b]" % b",".join(batch)
