"""Parser of a consumer's log of received events: NDJSON, one delivery per line.

A line is the envelope as sent (contract, section 2), or a receiver's log of it: the request with `headers`,
`body` and `received_at`, or the envelope under `event` with `received_at`. The file may be compressed. An
unreadable line is returned with its number and the reason.
"""

import gzip
import zlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Annotated, Any, BinaryIO, Final, NamedTuple, Protocol, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from calltally.calls.times import instant_us

_Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
_ID_HEADER: Final = "webhook-id"
# Paths in the decoder's messages that identify a log line: in an envelope `event` is text, and `body` is
# absent.
_EVENT, _BODY = "`$.event`", "`$.body"
# The longest event that our own API accepts (contract, section 4).
MAX_LINE_BYTES: Final = 5 * 1024 * 1024
_READ_ERRORS: Final = (EOFError, OSError, zlib.error)
_BOM: Final = b"\xef\xbb\xbf"


class FileLine(NamedTuple):
    """Line and its number in the file, from 1; `fault` is why the line or the rest is unreadable."""

    number: int
    text: bytes
    fault: str | None = None


class Readable(Protocol):
    """File or stream with lines."""

    def readline(self, size: int, /) -> bytes:
        """Return the bytes up to the end of the line, at most `size`."""
        ...


def decompressed(file: BinaryIO, suffix: str) -> AbstractContextManager[Readable]:
    """Return the file, decompressed if its name ends in `.gz` or `.zst`. The file itself stays open."""
    if suffix == ".gz":
        return gzip.GzipFile(fileobj=file, mode="rb")
    if suffix == ".zst":
        from calltally.reconcile.zst_file import ZstFile  # deferred: missing before Python 3.14

        return ZstFile(file)
    return nullcontext(file)


def lines_of(file: Readable) -> Iterator[FileLine]:
    """Yield the lines that are not blank."""
    number = 0
    try:
        while text := file.readline(MAX_LINE_BYTES):
            number += 1
            if len(text) == MAX_LINE_BYTES and not text.endswith(b"\n"):
                yield FileLine(number, b"", f"longer than {MAX_LINE_BYTES:,} bytes")
                while (text := file.readline(MAX_LINE_BYTES)) and not text.endswith(b"\n"):
                    pass
            elif stripped := text.removeprefix(_BOM).strip():
                yield FileLine(number, stripped)
    except _READ_ERRORS as fault:
        yield FileLine(number + 1, b"", f"the file ends here: {fault}")


class ReceivedEvent(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Event as it was received. `index` grows in the order of reading.

    Times are microseconds UTC. `corrects` is the final status that a completed event corrects.
    """

    index: int
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


class UnreadableLine(msgspec.Struct, frozen=True):
    """Line without an event: its position and the reason."""

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
    """Delivery as logged by a receiver: either `event` or `body` is the envelope."""

    event: _Envelope | UnsetType = UNSET
    body: _Envelope | str | UnsetType = UNSET
    headers: dict[str, Any] | None = None
    received_at: _Moment | None = None


_envelope: Final = msgspec.json.Decoder(_Envelope)
_logged: Final = msgspec.json.Decoder(_Logged)


def read_events(file: Readable, name: str, first_index: int = 0) -> Iterator[ReceivedEvent | UnreadableLine]:
    """Yield the events of the file `name`; indexes start after `first_index`."""
    for line in lines_of(file):
        yield _event(line, f"{name}:{line.number}", first_index + line.number)


def _event(line: FileLine, position: str, index: int) -> ReceivedEvent | UnreadableLine:
    if line.fault:
        return UnreadableLine(position, line.fault)
    try:
        envelope, received_at, headers = _read(line.text)
    except (ValueError, RecursionError) as fault:
        return UnreadableLine(position, str(fault))
    event_id = envelope.id or _header(headers, _ID_HEADER)
    if not event_id:
        return UnreadableLine(position, "the event has no `id`, and the request has no `webhook-id`")
    return _received_event(envelope, event_id, received_at, index)


def _read(text: bytes) -> tuple[_Envelope, datetime | None, Mapping[str, Any] | None]:
    """Return the envelope, its time of receipt and its headers. Raises ValueError with a text."""
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
    """Decode a logged delivery. For a line of neither form, raise the error that fits it better."""
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


def _received_event(
    envelope: _Envelope, event_id: str, received_at: datetime | None, index: int
) -> ReceivedEvent:
    data = envelope.data
    return ReceivedEvent(
        index,
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
