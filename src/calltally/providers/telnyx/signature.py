"""telnyx-signature-ed25519: Ed25519 over `timestamp|body`, by the account's public key.

Source: Telnyx, "Webhook fundamentals", and the behaviour of its SDK, which allows 300 seconds.
"""

from base64 import b64decode
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from calltally.calls.times import SECOND_US
from calltally.providers.callback import Callback
from calltally.providers.signing import is_fresh, whole_number

SECRET_NAMES: Final = ("public_key", "public_key_secondary")

_SIGNATURE: Final = "telnyx-signature-ed25519"
_TIMESTAMP: Final = "telnyx-timestamp"


def verify(callback: Callback, secrets: Mapping[str, str]) -> bool:
    """Whether `callback` is signed for one of `secrets`; anything that cannot be read is not."""
    stamp = callback.headers.get(_TIMESTAMP, "")
    signed_at_s = whole_number(stamp)
    if signed_at_s is None or not is_fresh(signed_at_s * SECOND_US, callback.received_us):
        return False
    message = f"{stamp}|".encode() + callback.body
    keys = [secrets[name] for name in SECRET_NAMES if secrets.get(name)]
    try:
        signature = b64decode(callback.headers.get(_SIGNATURE, ""), validate=True)
        return any(_is_signed(key, signature, message) for key in keys)
    except ValueError:
        return False


def _is_signed(key: str, signature: bytes, message: bytes) -> bool:
    try:
        _public_key(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


# Reading a key costs a fifth of what checking a signature does.
@lru_cache(maxsize=1_024)
def _public_key(text: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(b64decode(text.strip(), validate=True))
