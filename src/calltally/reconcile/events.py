"""The events that a consumer received, from what it wrote down of them: NDJSON, one delivery a line.

A line is the envelope as it was sent (contract, section 2), or what receivers make of it: the request with
`headers`, `body` and `received_at`, or the envelope under `event` beside `received_at`.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from calltally.calls.times import instant_us
from calltally.reconcile.file_lines import Line, Readable, lines_of

_Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
_ID_HEADER: Final = "webhook-id"
# Where the decoder says that a fault is: an envelope's `event` is a word, and it has no `body`.
_EVENT, _BODY = "`$.event`", "`$.body"


class Seen(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One event as it was received. `place` grows in the order in which the events were read.

    Times are microseconds UTC. `corrects` is the final status that a completed event takes back.
    """

    place: int
    id: str
    name: str
    created_us: int
    received_us: int | None = None
    tenant: str | None = None
    call_sid: str | None = None
    call_id: str | None = None
    status: str | None = None
    revision: int | None = None
    duration_seconds: int | None = None
    corrects: str | None = None


class Unread(msgspec.Struct, frozen=True):
    """A line that is no event: where it stands, and why."""

    position: str
    reason: str


class _Corrected(msgspec.Struct, gc=False):
    status: str | None = None


class _Data(msgspec.Struct, gc=False):
    call_sid: str | None = None
    id: str | None = None
    status: str | None = None
    duration_seconds: int | None = None
    revision: int | None = None
    corrects: _Corrected | None = None


class _Envelope(msgspec.Struct, gc=False):
    event: str
    created_at: _Moment
    id: str | None = None
    tenant_id: str | None = None
    data: _Data = msgspec.field(default_factory=_Data)
    received_at: _Moment | None = None


class _Logged(msgspec.Struct, gc=False):
    """A delivery as a receiver wrote it down: one of `event` and `body` is the envelope."""

    event: _Envelope | UnsetType = UNSET
    body: _Envelope | str | UnsetType = UNSET
    headers: dict[str, Any] | None = None
    received_at: _Moment | None = None


_envelope: Final = msgspec.json.Decoder(_Envelope)
_logged: Final = msgspec.json.Decoder(_Logged)


def read_events(file: Readable, name: str, begin: int = 0) -> Iterator[Seen | Unread]:
    """Each event of a file that is called `name`; places are counted from `begin`."""
    for line in lines_of(file):
        yield _event(line, f"{name}:{line.number}", begin + line.number)


def _event(line: Line, position: str, place: int) -> Seen | Unread:
    if line.fault:
        return Unread(position, line.fault)
    try:
        envelope, received_at, headers = _read(line.text)
    except (ValueError, RecursionError) as fault:
        return Unread(position, str(fault))
    event_id = envelope.id or _header(headers, _ID_HEADER)
    if not event_id:
        return Unread(position, "the event has no `id`, and the request no `webhook-id`")
    return _seen(envelope, event_id, received_at, place)


def _read(text: bytes) -> tuple[_Envelope, datetime | None, Mapping[str, Any] | None]:
    """The envelope, when it was received, and with which headers. Raises ValueError with words."""
    try:
        envelope = _envelope.decode(text)
    except msgspec.ValidationError as fault:
        logged = _logged_or_raise(text, fault)
        inner = logged.event or logged.body
        if isinstance(inner, str):
            inner = _envelope.decode(inner)
        if not inner:
            raise
        return inner, logged.received_at or inner.received_at, logged.headers
    return envelope, envelope.received_at, None


def _logged_or_raise(text: bytes, first: msgspec.ValidationError) -> _Logged:
    """The delivery as logged; where it is neither that nor an envelope, what fits the line better is said."""
    try:
        return _logged.decode(text)
    except msgspec.ValidationError as fault:
        is_logged = _EVENT in str(first) or _BODY in str(fault)
        raise (fault if is_logged else first) from fault


def _header(headers: Mapping[str, Any] | None, name: str) -> str | None:
    for each, value in (headers or {}).items():
        if each.lower() == name:
            first = value[0] if isinstance(value, list) and value else value
            return first if isinstance(first, str) else None
    return None


def _seen(envelope: _Envelope, event_id: str, received_at: datetime | None, place: int) -> Seen:
    data = envelope.data
    return Seen(
        place,
        event_id,
        envelope.event,
        instant_us(envelope.created_at),
        None if received_at is None else instant_us(received_at),
        envelope.tenant_id,
        data.call_sid,
        data.id,
        data.status,
        data.revision,
        data.duration_seconds,
        data.corrects.status if data.corrects else None,
    )
