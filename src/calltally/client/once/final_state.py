"""What was told: that a call of a tenant came to a final state."""

from typing import Final, TypeVar

import msgspec

from calltally.calls.model import FINAL
from calltally.calls.times import parse_instant
from calltally.client.once.errors import NotAFinalState

COMPLETED: Final = "voice.call.completed"
LONGEST_TEXT: Final = 500
_INT64: Final = 2**63
T = TypeVar("T")


class FinalState(msgspec.Struct, frozen=True, kw_only=True):
    """A final state of a call; tenant, call id and status are what an effect is run once for.

    `revision` puts the states of a call in order. Without it a state that was corrected cannot come back.
    `event_id` and `told_us` are kept with it, so that the ledger can be compared with what was sent.
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
            _check_text(name, getattr(self, name))
        if self.status not in FINAL:
            detail = f"{self.status!r} is not a final state; run effects for {', '.join(sorted(FINAL))}"
            raise NotAFinalState.of("status", detail)
        if self.revision is not None and not 0 <= self.revision < _INT64:
            raise NotAFinalState.of(
                "revision", f"{self.revision} is not a revision; leave it out, or send it as told"
            )


def _check_text(name: str, text: str | None) -> None:
    if text is None:
        return
    if not text or "\0" in text or len(text) > LONGEST_TEXT:
        raise NotAFinalState.of(name, f"{name} must have 1 to {LONGEST_TEXT} characters, none of them NUL")


class _Data(msgspec.Struct):
    call_sid: str
    status: str
    id: str | None = None
    revision: int | None = None


class _Envelope(msgspec.Struct):
    id: str
    event: str
    tenant_id: str
    data: _Data
    created_at: str | None = None


class _Head(msgspec.Struct):
    event: str


def final_state(event: object) -> FinalState:
    """Read a delivered `voice.call.completed`: its body, the JSON object in it, or a typed record of that.

    The call's id is `data.id`, or `data.call_sid` from servers that send no id. Raises NotAFinalState for
    anything else, naming what is wrong.
    """
    if isinstance(event, FinalState):
        return event
    head = _read(event, _Head)
    if head.event != COMPLETED:
        raise NotAFinalState.of("event", f"{head.event!r} tells no final state; only {COMPLETED} does")
    return _state_of(_read(event, _Envelope))


def _state_of(envelope: _Envelope) -> FinalState:
    data = envelope.data
    return FinalState(
        tenant=envelope.tenant_id,
        call_id=data.id or data.call_sid,
        status=data.status,
        call_sid=data.call_sid,
        revision=data.revision,
        event_id=envelope.id,
        told_us=_instant(envelope.created_at),
    )


def _read(event: object, shape: type[T]) -> T:
    try:
        if isinstance(event, bytes | bytearray | str):
            return msgspec.json.decode(event, type=shape)
        return msgspec.convert(event, shape, from_attributes=True)
    except (msgspec.MsgspecError, UnicodeError) as fault:
        detail = f"the event is no {COMPLETED} as it is delivered: {fault}"
        raise NotAFinalState.of("event", detail) from fault


def _instant(text: str | None) -> int | None:
    # An effect must not be lost for a time that is only compared with others: what cannot be read is not
    # known.
    try:
        return parse_instant(text) if text is not None else None
    except ValueError:
        return None
