"""Signatures of outgoing requests by the Standard Webhooks scheme, for deliveries and alerts. Pure.

Source: the specification (standardwebhooks.com), "Signature scheme". Receivers can verify them with
any library that implements the scheme, including ours (`calltally.client.webhooks`).
"""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Final

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
_SHORTEST_BYTES: Final = 24
_LONGEST_BYTES: Final = 64


def format_secret(key: bytes) -> str:
    """Return a secret as text: its prefix and base64."""
    return PREFIX + b64encode(key).decode()


def is_secret(text: str) -> bool:
    if not text.startswith(PREFIX):
        return False
    try:
        key = b64decode(text.removeprefix(PREFIX), validate=True)
    except ValueError:
        return False
    return _SHORTEST_BYTES <= len(key) <= _LONGEST_BYTES


def signature_headers(message_id: str, at_s: int, body: bytes, secrets: Iterable[str]) -> dict[str, str]:
    """Return the three headers, with one signature for each currently valid secret.

    The signature is HMAC-SHA256 over id, time and body, joined by dots.
    """
    content = b"%b.%d.%b" % (message_id.encode(), at_s, body)
    signatures = [f"v1,{_signature(secret, content)}" for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(signatures),
    }


def _signature(secret: str, content: bytes) -> str:
    return b64encode(hmac.digest(b64decode(secret.removeprefix(PREFIX)), content, "sha256")).decode()
