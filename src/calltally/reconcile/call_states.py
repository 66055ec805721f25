"""Our side of a reconciliation: calls as their states alone, from wherever they are listed."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec

from calltally.calls.errors import DamagedStore
from calltally.calls.model import Status
from calltally.calls.times import DAY_US, instant_us, parse_instant
from calltally.calls.windows import Window
from calltally.client import CallRecord

# Calls that began so long before the window may have events in it.
BEFORE_US: Final = DAY_US


class CallState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a reconciliation needs to know of one call; times are microseconds UTC.

    Whoever keeps no more than the reference page's seven fields leaves the rest None. `beside` says that the
    call is outside of the window: it is there to be matched, and nothing is missing from it.
    """

    id: str
    call_sid: str
    status: str
    duration_seconds: int | None = None
    created_us: int | None = None
    revision: int | None = None
    updated_us: int | None = None
    direction: str | None = None
    provider: str | None = None
    escalated: bool = False
    beside: bool = False


class Record(msgspec.Struct, gc=False):
    """A call as it is stored and exported, as far as it matters here. An erased one has no SID."""

    id: str
    call_sid: str | None = None
    status: str | None = None
    duration_seconds: int | None = None
    created_at: datetime | None = None
    revision: int | None = None
    updated_at: datetime | None = None
    direction: str | None = None
    provider: str | None = None
    escalated: bool | None = None


_record: Final = msgspec.json.Decoder(Record)


def state_of(record: Record) -> CallState | None:
    """The state of a stored or exported call; None for one that was erased."""
    if record.call_sid is None:
        return None
    return CallState(
        record.id,
        record.call_sid,
        record.status or Status.QUEUED,
        record.duration_seconds,
        None if record.created_at is None else instant_us(record.created_at),
        record.revision,
        None if record.updated_at is None else instant_us(record.updated_at),
        record.direction,
        record.provider,
        bool(record.escalated),
    )


def listed_state(record: CallRecord, *, beside: bool = False) -> CallState | None:
    """The state of a call that a server lists, ours or another; None for one that was erased."""
    if record.call_sid is None:
        return None
    return CallState(
        record.id,
        record.call_sid,
        record.status or Status.QUEUED,
        record.duration_seconds,
        _us(record.created_at),
        record.revision,
        _us(record.updated_at),
        record.direction,
        record.provider,
        bool(record.escalated),
        beside,
    )


def chunk_states(records: bytes) -> Iterator[CallState]:
    """The states of sealed records that are joined by line feeds. Raises DamagedStore."""
    try:
        listed = _record.decode_lines(records)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        message = "a stored record cannot be read; `calltally verify` says which"
        raise DamagedStore(message) from fault
    return (state for record in listed if (state := state_of(record)) is not None)


def placed(state: CallState, window: Window) -> CallState:
    """The same, told to be beside the window if it is."""
    is_inside = state.created_us is None or window.from_us <= state.created_us < window.to_us
    return state if is_inside else msgspec.structs.replace(state, beside=True)


def _us(text: str | None) -> int | None:
    """A server's own idea of a time must not stop the run: what cannot be read is not known."""
    try:
        return None if text is None else parse_instant(text)
    except ValueError:
        return None
