"""A webhook of one's own, signed by the Standard Webhooks scheme (standardwebhooks.com).

The signature is HMAC-SHA256 over `id.timestamp.body`; the secret is `whsec_` and base64. Receivers verify
it by any library of the scheme, ours (`calltally.client.webhooks`) included, and know repeats by
`webhook-id`.
"""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

import msgspec

from calltally.alerts.sinks.told import JSON_HEADERS, Sent, Told
from calltally.calls.times import SECOND_US

PREFIX = "whsec_"
_SHORTEST_BYTES = 24
_LONGEST_BYTES = 64


def shaped(told: Told, settings: Mapping[str, Any], now_us: int) -> Sent:
    """The request, signed with the sink's secret."""
    data = {**told._asdict(), "facts": dict(told.facts)}
    body = msgspec.json.encode({"type": f"alert.{told.what}", "timestamp": _stamp(told), "data": data})
    message_id, now_s = f"{told.id}.{told.what}.{_digits(told)}", str(now_us // SECOND_US)
    signature = sign(settings["secret"], message_id, now_s, body)
    signed = {"webhook-id": message_id, "webhook-timestamp": now_s, "webhook-signature": f"v1,{signature}"}
    return Sent(settings["url"], {**JSON_HEADERS, **signed}, body)


def sign(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """The base64 of the signature."""
    key = b64decode(secret.removeprefix(PREFIX))
    content = f"{message_id}.{timestamp}.".encode() + body
    return b64encode(hmac.digest(key, content, "sha256")).decode()


def new_secret(random: bytes) -> str:
    """A secret of 24 to 64 random bytes, as the scheme writes it."""
    return PREFIX + b64encode(random).decode()


def is_secret(text: str) -> bool:
    """Whether a text is a secret as the scheme writes it: one that is not could sign nothing."""
    if not text.startswith(PREFIX):
        return False
    try:
        key = b64decode(text.removeprefix(PREFIX), validate=True)
    except ValueError:
        return False
    return _SHORTEST_BYTES <= len(key) <= _LONGEST_BYTES


def _stamp(told: Told) -> str:
    return told.resolved_at or told.opened_at


def _digits(told: Told) -> str:
    """Tells one opening or ending of an alert from the next one."""
    return "".join(character for character in _stamp(told) if character.isdigit())
