"""How our own requests are signed, deliveries and alerts alike: the Standard Webhooks scheme. Pure.

Source: the specification (standardwebhooks.com), "Signature scheme". Receivers verify by any library of it,
ours (`calltally.client.webhooks`) included.
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
    """A secret as it is shown: its prefix and base64."""
    return PREFIX + b64encode(key).decode()


def is_secret(text: str) -> bool:
    """Whether a text is a secret as the scheme writes it: one that is not could sign nothing."""
    if not text.startswith(PREFIX):
        return False
    try:
        key = b64decode(text.removeprefix(PREFIX), validate=True)
    except ValueError:
        return False
    return _SHORTEST_BYTES <= len(key) <= _LONGEST_BYTES


def signature_headers(message_id: str, at_s: int, body: bytes, secrets: Iterable[str]) -> dict[str, str]:
    """The three headers: one signature for each secret that is valid now.

    Over id, time and body joined by dots, HMAC-SHA256.
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
