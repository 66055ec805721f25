"""What a change of a call is called towards the tenant's endpoints, and the bytes that say it.

The bytes are frozen when the call changes (contract section 2, "Events delivered"), so that each
retry and replay of an event says the same. Only a change of the state is news, and a judgement of a
session: a corrected duration is found in the change feed.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from calltally.calls.event_types import COMPLETED, ESCALATED, EVALUATED, STARTED
from calltally.calls.identity import uuid_bytes, uuid_text
from calltally.calls.lifecycle import FoldedCall
from calltally.calls.model import FINAL, STATUSES, Call
from calltally.calls.sessions import VoiceSession
from calltally.calls.times import utc_text
from calltally.store.ledger.linked_calls import StoredCall

API_VERSION: Final = "2026-11-01"
MILLISECOND_US: Final = 1_000
_TIMED: Final = 6
_HASHED: Final = 10
_encoder: Final = msgspec.json.Encoder()


class _CallData(msgspec.Struct):
    """What an event says of its call. The session's own numbers are null until the session tells them."""

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


class Change(NamedTuple):
    """What changed: the call at its new revision, what it was before (None: it is new), and its sessions.

    `evaluated` is the session that was judged, or judged otherwise, since.
    """

    folded: FoldedCall
    revision: int
    old: StoredCall | None
    sessions: Sequence[VoiceSession] = ()
    evaluated: VoiceSession | None = None


class _Envelope(msgspec.Struct):
    id: str
    event: str
    created_at: str
    tenant_id: str
    api_version: str
    data: msgspec.Struct | dict[str, Any]


class Announcement(NamedTuple):
    """One event of the outbox: its name, its id for life, the call, and its envelope's bytes."""

    name: str
    id: bytes
    call_id: bytes
    body: bytes


class Instant(NamedTuple):
    """Which commit of a ledger an event is of: with the epoch, since a restore gives revisions out again."""

    tenant: str
    epoch: str
    revision: int
    now_us: int

    def event_id(self, name: str) -> bytes:
        """An event's id for life: when it was, in milliseconds, so that ids sort by time; then a hash."""
        digest = sha256(f"{self.tenant}\0{self.epoch}\0{name}\0{self.revision}".encode()).digest()
        return event_time(self.now_us) + digest[:_HASHED]


def event_time(at_us: int) -> bytes:
    """The six bytes that ids of events of a millisecond begin with; before 1970 there was no event."""
    return max(0, at_us // MILLISECOND_US).to_bytes(_TIMED, "big")


def message_id(event_id: bytes) -> str:
    """The `webhook-id` of an event, and the `id` in its envelope."""
    return f"msg_{uuid_text(event_id)}"


def announce(at: Instant, change: Change) -> list[Announcement]:
    """The events that a change amounts to."""
    call_id = uuid_bytes(change.folded.call.id)
    announced = []
    for name, session, extra in _news(change):
        event_id = at.event_id(name)
        body = freeze(name, event_id, at, _data(change, session, extra))
        announced.append(Announcement(name, event_id, call_id, body))
    return announced


def completed_event(at: Instant, call: Call) -> Announcement:
    """The event that a call's last change would have been, where its final state is to be told."""
    event_id = at.event_id(COMPLETED)
    change = Change(FoldedCall(call, 0), at.revision, None)
    body = freeze(COMPLETED, event_id, at, _data(change, None, {}))
    return Announcement(COMPLETED, event_id, uuid_bytes(call.id), body)


def freeze(name: str, event_id: bytes, at: Instant, data: msgspec.Struct | dict[str, Any]) -> bytes:
    """The envelope of an event, as it is sent for good."""
    created = utc_text(at.now_us)
    return _encoder.encode(_Envelope(message_id(event_id), name, created, at.tenant, API_VERSION, data))


_News: TypeAlias = tuple[str, VoiceSession | None, dict[str, Any]]


def _news(change: Change) -> list[_News]:
    news: list[_News] = []
    call, old = change.folded.call, change.old
    session = next((each for each in change.sessions if each.id == call.session_id), None)
    before = STATUSES[old.place.status] if old else None
    if old is None:
        news.append((STARTED, session, {}))
    if call.escalated and not (old and old.escalated):
        news.append((ESCALATED, session, {"escalation": call.escalation}))
    if call.status in FINAL and call.status != before:
        corrects = (
            {"corrects": {"status": before, "revision": old.revision}} if old and before in FINAL else {}
        )
        news.append((COMPLETED, session, corrects))
    if change.evaluated is not None:
        evaluated = change.evaluated
        news.append((EVALUATED, evaluated, {"evaluation": evaluated.evaluation}))
    return news


def _data(change: Change, session: VoiceSession | None, extra: dict[str, Any]) -> _CallData:
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
