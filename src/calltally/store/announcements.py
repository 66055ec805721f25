"""What a change of a call is called towards the tenant's endpoints, and the bytes that say it.

The bytes are frozen when the call changes (contract section 2, "Events delivered"), so that each
retry and replay of an event says the same. Only a change of the state is news: a corrected
duration is found in the change feed.
"""

from hashlib import sha256
from typing import Any, Final, NamedTuple

import msgspec

from calltally.calls.identity import parse_uuid, uuid_text
from calltally.calls.lifecycle import Folded
from calltally.calls.model import FINAL, STATUSES, Call
from calltally.calls.times import utc_text
from calltally.store.components import StoredCall

API_VERSION: Final = "2026-11-01"
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


class _Envelope(msgspec.Struct):
    id: str
    event: str
    created_at: str
    tenant_id: str
    api_version: str
    data: _CallData


class Announcement(NamedTuple):
    """One event of the outbox: its name, its id for life, the call, and its envelope's bytes."""

    name: str
    id: bytes
    call_id: bytes
    body: bytes


def announce(
    tenant: str, folded: Folded, revision: int, old: StoredCall | None, now_us: int
) -> list[Announcement]:
    """The events that the change from `old` (None: a new call) to `folded` amounts to."""
    call = folded.call
    call_id = parse_uuid(call.id) or b""
    announced = []
    for name, extra in _news(call, old):
        event_id = sha256(f"{tenant}\0{name}\0{revision}".encode()).digest()[:16]
        data = _data(call, revision, extra)
        envelope = _Envelope(f"msg_{uuid_text(event_id)}", name, utc_text(now_us), tenant, API_VERSION, data)
        announced.append(Announcement(name, event_id, call_id, _encoder.encode(envelope)))
    return announced


def _news(call: Call, old: StoredCall | None) -> list[tuple[str, dict[str, Any]]]:
    news: list[tuple[str, dict[str, Any]]] = []
    before = STATUSES[old.place.status] if old else None
    if old is None:
        news.append(("voice.call.started", {}))
    if call.escalated and not (old and old.escalated):
        news.append(("voice.call.escalated", {"escalation": call.escalation}))
    if call.status in FINAL and call.status != before:
        corrects = (
            {"corrects": {"status": before, "revision": old.revision}} if old and before in FINAL else {}
        )
        news.append(("voice.call.completed", corrects))
    return news


def _data(call: Call, revision: int, extra: dict[str, Any]) -> _CallData:
    return _CallData(
        stream_sid=None,
        call_sid=call.call_sid,
        voice_session_id=call.session_id,
        from_number=call.from_number,
        to_number=call.to_number,
        direction=call.direction,
        status=call.status,
        duration_seconds=call.duration_seconds,
        escalated=call.escalated,
        function_call_count=None,
        transcript_turn_count=None,
        summary=call.summary,
        id=call.id,
        revision=revision,
        **extra,
    )
