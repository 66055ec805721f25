"""Facts of a call in the API."""

from base64 import b64encode
from typing import Any, Final, Literal

from calltally.calls.events import CHANNEL_NAMES, Channel, StatedFields
from calltally.calls.times import utc_text
from calltally.store.ledger.lookup import StoredFact

_INSTANTS: Final = {
    "started_us": "started_at",
    "ringing_us": "ringing_at",
    "answered_us": "answered_at",
    "ended_us": "ended_at",
}


def event_resource(stored: StoredFact) -> dict[str, Any]:
    """Convert a fact into its timeline representation. Unknown values are null."""
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


def raw_event_resource(stored: StoredFact, *, shows_raw: bool) -> dict[str, Any]:
    """Convert a fact into its API representation; with its body only if `shows_raw`.

    The body is UTF-8 text if possible, else base64.
    """
    raw, encoding = text_and_encoding(stored.fact.raw) if shows_raw else (None, None)
    return {**event_resource(stored), "raw": raw, "raw_encoding": encoding}


def _content(stated: StatedFields) -> dict[str, Any]:
    """Return the content of a fact with the field names of own events, and times as text."""
    content: dict[str, Any] = {}
    for name, value in stated.items():
        if name in _INSTANTS and isinstance(value, int):
            content[_INSTANTS[name]] = utc_text(value)
        else:
            content["duration_seconds" if name == "talk_seconds" else name] = value
    return content


def text_and_encoding(raw: bytes) -> tuple[str, Literal["utf-8", "base64"]]:
    try:
        return raw.decode(), "utf-8"
    except UnicodeDecodeError:
        return b64encode(raw).decode(), "base64"
