"""What a delivery says of itself: the headers of the Standard Webhooks scheme. Pure."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Final

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32


def write_secret(key: bytes) -> str:
    """A secret as it is shown: its prefix and base64."""
    return PREFIX + b64encode(key).decode()


def signature_headers(message_id: str, at_s: int, body: bytes, secrets: Iterable[str]) -> dict[str, str]:
    """The three headers: one signature for each secret that is valid now.

    Over id, time and body joined by dots, HMAC-SHA256 (the specification, "Signature scheme").
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
