"""Signature of Telnyx: Ed25519 over `timestamp|body`, verified with the account's public key.

Source: Telnyx, "Webhook fundamentals", and the behaviour of its SDK, which allows 300 seconds.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Final

from calltally.calls.times import SECOND_US
from calltally.providers.callback import Callback
from calltally.providers.signatures import is_fresh, parse_whole_number

SECRET_NAMES: Final = ("public_key", "public_key_secondary")

_SIGNATURE: Final = "telnyx-signature-ed25519"
_TIMESTAMP: Final = "telnyx-timestamp"


def verify(callback: Callback, secrets: Mapping[str, str]) -> bool:
    """Return whether one of `secrets` verifies `callback`; False for malformed requests."""
    stamp = callback.headers.get(_TIMESTAMP, "")
    signed_at_s = parse_whole_number(stamp)
    if signed_at_s is None or not is_fresh(signed_at_s * SECOND_US, callback.received_us):
        return False
    message = f"{stamp}|".encode() + callback.body
    keys = [secrets[name] for name in SECRET_NAMES if secrets.get(name)]
    try:
        signature = b64decode(callback.headers.get(_SIGNATURE, ""), validate=True)
    except ValueError:
        return False
    return any(_is_signed(key, signature, message) for key in keys)


def public_key_of(private_key: str) -> str:
    """Return the public key of a private key; both are 32 bytes in base64."""
    from calltally.providers import ed25519  # deferred: takes 6 MB, and only Telnyx signatures need it

    return b64encode(ed25519.public_key_of(b64decode(private_key))).decode()


def sign(body: bytes, private_key: str, signed_at_us: int) -> dict[str, str]:
    """Return the headers that Telnyx sends with a body, for the demo and for manual tests."""
    from calltally.providers import ed25519  # deferred: see above

    stamp = str(signed_at_us // SECOND_US)
    signature = ed25519.sign(b64decode(private_key), f"{stamp}|".encode() + body)
    return {_TIMESTAMP: stamp, _SIGNATURE: b64encode(signature).decode()}


def _is_signed(key: str, signature: bytes, message: bytes) -> bool:
    from calltally.providers import ed25519  # deferred: see above

    try:
        raw = b64decode(key.strip(), validate=True)
    except ValueError:
        return False
    return ed25519.is_signed(raw, signature, message)
