"""Our side of a reconciliation: the states of calls, from any source."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec

from calltally.calls.errors import DamagedStore
from calltally.calls.model import Status
from calltally.calls.times import DAY_US, instant_us, parse_instant
from calltally.calls.windows import TimeWindow
from calltally.client import CallRecord

# Calls that began this long before the window may have events in it.
LOOKBACK_US: Final = DAY_US


class CallState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """State of one call for a reconciliation; times are microseconds UTC.

    Sources with only the seven fields of the reference page leave the rest None. `is_outside` is true for
    calls outside of the window: they match events, but have no missing events.
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
    is_outside: bool = False


class ExportedRecord(msgspec.Struct, gc=False):
    """Stored or exported call with the fields of a reconciliation. An erased call has no SID."""

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


_record: Final = msgspec.json.Decoder(ExportedRecord)


def state_of(record: ExportedRecord | CallRecord, *, is_outside: bool = False) -> CallState | None:
    """Return the state of a stored, exported or listed call; None for an erased one."""
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
        is_outside,
    )


def chunk_states(records: bytes) -> Iterator[CallState]:
    """Yield the states of finished records joined by line feeds. Raises DamagedStore."""
    try:
        listed = _record.decode_lines(records)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        message = "a stored record cannot be read; run `calltally verify` to find it"
        raise DamagedStore(message) from fault
    return (state for record in listed if (state := state_of(record)) is not None)


def mark_outside(state: CallState, window: TimeWindow) -> CallState:
    """Return the state, marked as outside if it is not in the window."""
    is_inside = state.created_us is None or window.from_us <= state.created_us < window.to_us
    return state if is_inside else msgspec.structs.replace(state, is_outside=True)


def _us(moment: datetime | str | None) -> int | None:
    """Return a time. An unreadable time of a server is unknown: it must not stop the run."""
    if isinstance(moment, datetime):
        return instant_us(moment)
    try:
        return None if moment is None else parse_instant(moment)
    except ValueError:
        return None
