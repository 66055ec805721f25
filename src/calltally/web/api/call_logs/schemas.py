"""Facts of a call in the API."""

from base64 import b64encode
from typing import Any, Final

import msgspec

from calltally.calls.events import CHANNEL_NAMES, Channel, StatedFields
from calltally.calls.times import utc_text
from calltally.store.ledger.lookup import StoredFact

_INSTANTS: Final = {
    "started_us": "started_at",
    "ringing_us": "ringing_at",
    "answered_us": "answered_at",
    "ended_us": "ended_at",
}


class Event(msgspec.Struct, frozen=True):
    """One fact of the timeline. Unknown values are null."""

    call_sid: str
    door: str
    provider: str | None
    account: str | None
    event_id: str | None
    sequence: int | None
    occurred_at: str
    received_at: str
    outcome: str
    reason: str | None
    repeats: int
    said: dict[str, Any]


class RawEvent(Event, frozen=True):
    """One fact with its raw body: UTF-8 text if possible, else base64."""

    raw: str | None
    raw_encoding: str | None


def event_resource(stored: StoredFact) -> Event:
    """Convert a fact into its timeline representation."""
    return Event(**_event_fields(stored))


def raw_event_resource(stored: StoredFact, *, shows_raw: bool) -> RawEvent:
    """Convert a fact into its API representation; with its body only if `shows_raw`."""
    raw, encoding = _text_and_encoding(stored.fact.raw) if shows_raw else (None, None)
    return RawEvent(**_event_fields(stored), raw=raw, raw_encoding=encoding)


def _event_fields(stored: StoredFact) -> dict[str, Any]:
    fact = stored.fact
    return {
        "call_sid": fact.call_sid,
        "door": CHANNEL_NAMES[Channel(fact.channel)],
        "provider": fact.provider or None,
        "account": fact.account or None,
        "event_id": fact.event_id or None,
        "sequence": fact.sequence,
        "occurred_at": utc_text(fact.occurred_us),
        "received_at": utc_text(fact.received_us),
        "outcome": stored.outcome,
        "reason": stored.reason,
        "repeats": stored.repeats,
        "said": _content(fact.stated),
    }


def _content(said: StatedFields) -> dict[str, Any]:
    """Return the content of a fact with the field names of own events, and times as text."""
    content: dict[str, Any] = {}
    for name, value in said.items():
        if name in _INSTANTS and isinstance(value, int):
            content[_INSTANTS[name]] = utc_text(value)
        else:
            content["duration_seconds" if name == "talk_seconds" else name] = value
    return content


def _text_and_encoding(raw: bytes) -> tuple[str, str]:
    try:
        return raw.decode(), "utf-8"
    except UnicodeDecodeError:
        return b64encode(raw).decode(), "base64"
