"""What is shown of a call's facts."""

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
    """One fact as the timeline shows it. What is not known is null."""

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
    """The same with its body, as UTF-8 text where it is that, else in base64."""

    raw: str | None
    raw_encoding: str | None


def event_resource(stored: StoredFact) -> Event:
    """One fact as the timeline shows it."""
    return Event(**_told(stored))


def raw_event_resource(stored: StoredFact, *, shows_raw: bool) -> RawEvent:
    """One fact as people and clients are shown it; its body only where `shows_raw`."""
    raw, encoding = _readable(stored.fact.raw) if shows_raw else (None, None)
    return RawEvent(**_told(stored), raw=raw, raw_encoding=encoding)


def _told(stored: StoredFact) -> dict[str, Any]:
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
        "said": _said(fact.stated),
    }


def _said(said: StatedFields) -> dict[str, Any]:
    """What was said, under the names that own events use, with times as text."""
    shown: dict[str, Any] = {}
    for name, value in said.items():
        if name in _INSTANTS and isinstance(value, int):
            shown[_INSTANTS[name]] = utc_text(value)
        else:
            shown["duration_seconds" if name == "talk_seconds" else name] = value
    return shown


def _readable(raw: bytes) -> tuple[str, str]:
    try:
        return raw.decode(), "utf-8"
    except UnicodeDecodeError:
        return b64encode(raw).decode(), "base64"
