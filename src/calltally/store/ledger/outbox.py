"""Events of a change of a call for the tenant's endpoints, and their bytes.

The bytes are final when the call changes (contract section 2, "Events delivered"), so that every retry and
replay of an event is the same. Only a change of the status and an evaluation of a session have events: a
corrected duration is in the change feed.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from calltally.calls.event_types import COMPLETED, ESCALATED, EVALUATED, STARTED
from calltally.calls.fold import FoldedCall
from calltally.calls.identity import uuid_bytes, uuid_text
from calltally.calls.model import FINAL, STATUSES, Call
from calltally.calls.sessions import ListedSession
from calltally.calls.times import utc_text
from calltally.store.ledger.linked_calls import StoredCall

API_VERSION: Final = "2026-11-01"
MILLISECOND_US: Final = 1_000
_TIME_BYTES: Final = 6
_HASH_BYTES: Final = 10
_encoder: Final = msgspec.json.Encoder()


class _CallData(msgspec.Struct):
    """Data of an event about a call. The session's numbers are null until the session reports them."""

    stream_sid: str | None
    call_sid: str
    voice_session_id: str | None
    from_number: str | None
    to_number: str | None
    direction: str | None
    status: str
    duration_seconds: int | None
    escalated: bool
    function_call_count: int | None
    transcript_turn_count: int | None
    summary: str | None
    id: str
    revision: int
    escalation: dict[str, Any] | msgspec.UnsetType | None = msgspec.UNSET
    corrects: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    evaluation: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


class CallChange(NamedTuple):
    """Change of a call; `old` is None for a new one, `evaluated` has a new or changed evaluation."""

    folded: FoldedCall
    revision: int
    old: StoredCall | None
    sessions: Sequence[ListedSession] = ()
    evaluated: ListedSession | None = None


class _EventEnvelope(msgspec.Struct):
    id: str
    event: str
    created_at: str
    tenant_id: str
    api_version: str
    data: msgspec.Struct | dict[str, Any]


class OutboxEvent(NamedTuple):
    """Event of the outbox: its name, its permanent id, its call, and the bytes of its envelope."""

    name: str
    id: bytes
    call_id: bytes
    body: bytes


class CommitInstant(NamedTuple):
    """Commit of an event. It includes the epoch, because a restored ledger assigns revisions again."""

    tenant: str
    epoch: str
    revision: int
    now_us: int

    def event_id(self, name: str) -> bytes:
        """Return the permanent id of an event: its time in milliseconds, for ordering, then a hash."""
        digest = sha256(f"{self.tenant}\0{self.epoch}\0{name}\0{self.revision}".encode()).digest()
        return event_time(self.now_us) + digest[:_HASH_BYTES]


def event_time(at_us: int) -> bytes:
    """Return the first six bytes of ids of a millisecond; times before 1970 give zero."""
    return max(0, at_us // MILLISECOND_US).to_bytes(_TIME_BYTES, "big")


def time_of_event(event_id: bytes) -> int:
    """Return the time of an event in microseconds, to the millisecond; inverse of `event_time`."""
    return int.from_bytes(event_id[:_TIME_BYTES], "big") * MILLISECOND_US


def message_id(event_id: bytes) -> str:
    """Return the `webhook-id` of an event, which is also the `id` in its envelope."""
    return f"msg_{uuid_text(event_id)}"


def events_of_change(at: CommitInstant, change: CallChange) -> list[OutboxEvent]:
    call_id = uuid_bytes(change.folded.call.id)
    events = []
    for name, session, extra in _event_kinds(change):
        event_id = at.event_id(name)
        body = encode_envelope(name, event_id, at, _data(change, session, extra))
        events.append(OutboxEvent(name, event_id, call_id, body))
    return events


def completed_event(at: CommitInstant, call: Call) -> OutboxEvent:
    """Return the event of a call's final state, as if its last change had reached it."""
    event_id = at.event_id(COMPLETED)
    change = CallChange(FoldedCall(call, 0), at.revision, None)
    body = encode_envelope(COMPLETED, event_id, at, _data(change, None, {}))
    return OutboxEvent(COMPLETED, event_id, uuid_bytes(call.id), body)


def encode_envelope(
    name: str, event_id: bytes, at: CommitInstant, data: msgspec.Struct | dict[str, Any]
) -> bytes:
    created = utc_text(at.now_us)
    return _encoder.encode(_EventEnvelope(message_id(event_id), name, created, at.tenant, API_VERSION, data))


_EventKind: TypeAlias = tuple[str, ListedSession | None, dict[str, Any]]


def _event_kinds(change: CallChange) -> list[_EventKind]:
    kinds: list[_EventKind] = []
    call, old = change.folded.call, change.old
    session = next((each for each in change.sessions if each.id == call.session_id), None)
    before = STATUSES[old.dimensions.status] if old else None
    if old is None:
        kinds.append((STARTED, session, {}))
    if call.escalated and not (old and old.escalated):
        kinds.append((ESCALATED, session, {"escalation": call.escalation}))
    if call.status in FINAL and call.status != before:
        is_corrected = old is not None and before in FINAL
        corrects = {"corrects": {"status": before, "revision": old.revision}} if old and is_corrected else {}
        kinds.append((COMPLETED, session, corrects))
    if change.evaluated is not None:
        kinds.append((EVALUATED, change.evaluated, {"evaluation": change.evaluated.evaluation}))
    return kinds


def _data(change: CallChange, session: ListedSession | None, extra: dict[str, Any]) -> _CallData:
    call = change.folded.call
    return _CallData(
        stream_sid=session.stream_id if session else None,
        call_sid=call.call_sid,
        voice_session_id=session.id if session else call.session_id,
        from_number=call.from_number,
        to_number=call.to_number,
        direction=call.direction,
        status=call.status,
        duration_seconds=call.duration_seconds,
        escalated=call.escalated,
        function_call_count=session.function_call_count if session else None,
        transcript_turn_count=session.transcript_turn_count if session else None,
        summary=call.summary,
        id=call.id,
        revision=change.revision,
        **extra,
    )
