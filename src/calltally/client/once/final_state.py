"""Final state of a call, as read from an event."""

from typing import Final, TypeVar

import msgspec

from calltally.calls.model import FINAL
from calltally.calls.times import parse_instant
from calltally.client.once.errors import NotAFinalState

COMPLETED_EVENT: Final = "voice.call.completed"
MAX_TEXT_CHARS: Final = 500
_INT64: Final = 2**63
T = TypeVar("T")


class FinalState(msgspec.Struct, frozen=True, kw_only=True):
    """Final state of a call. An effect runs once per tenant, call id and status.

    `revision` orders the states of a call. Without it, a corrected state cannot return. The ledger stores
    `event_id` and `told_us` (the time of the event), for comparison with the sent events.
    """

    tenant: str
    call_id: str
    status: str
    call_sid: str | None = None
    revision: int | None = None
    event_id: str | None = None
    told_us: int | None = None

    def __post_init__(self) -> None:
        for name in ("tenant", "call_id", "status", "call_sid", "event_id"):
            text = getattr(self, name)
            if text is not None and (not text or "\0" in text or len(text) > MAX_TEXT_CHARS):
                detail = f"{name} must have 1 to {MAX_TEXT_CHARS} characters without NUL"
                raise NotAFinalState.of(name, detail)
        if self.status not in FINAL:
            detail = f"{self.status!r} is not a final state; the final states are {', '.join(sorted(FINAL))}"
            raise NotAFinalState.of("status", detail)
        if self.revision is not None and not 0 <= self.revision < _INT64:
            raise NotAFinalState.of(
                "revision", f"{self.revision} is not a revision; omit it, or pass the number of the event"
            )


class _DeliveredCall(msgspec.Struct):
    call_sid: str
    status: str
    id: str | None = None
    revision: int | None = None


class _DeliveredEvent(msgspec.Struct):
    id: str
    event: str
    tenant_id: str
    data: _DeliveredCall
    created_at: str | None = None


class _EventType(msgspec.Struct):
    event: str


def final_state(event: object) -> FinalState:
    """Read a delivered `voice.call.completed`: its body, its JSON object, or a typed record.

    The call's id is `data.id`, or `data.call_sid` from servers that send no id. Raises NotAFinalState naming
    the error for anything else.
    """
    if isinstance(event, FinalState):
        return event
    head = _decode_event(event, _EventType)
    if head.event != COMPLETED_EVENT:
        raise NotAFinalState.of(
            "event", f"{head.event!r} events have no final state; only {COMPLETED_EVENT} events do"
        )
    envelope = _decode_event(event, _DeliveredEvent)
    data = envelope.data
    return FinalState(
        tenant=envelope.tenant_id,
        call_id=data.id or data.call_sid,
        status=data.status,
        call_sid=data.call_sid,
        revision=data.revision,
        event_id=envelope.id,
        told_us=_parse_time_us(envelope.created_at),
    )


def _decode_event(event: object, shape: type[T]) -> T:
    try:
        if isinstance(event, bytes | bytearray | str):
            return msgspec.json.decode(event, type=shape)
        return msgspec.convert(event, shape, from_attributes=True)
    except (msgspec.MsgspecError, UnicodeError) as fault:
        detail = f"the event is not a delivered {COMPLETED_EVENT}: {fault}"
        raise NotAFinalState.of("event", detail) from fault


def _parse_time_us(text: str | None) -> int | None:
    # An unreadable time counts as absent: it serves only comparisons, and an effect must not be lost for it.
    try:
        return parse_instant(text) if text is not None else None
    except ValueError:
        return None
