"""telnyx-signature-ed25519: Ed25519 over `timestamp|body`, by the account's public key.

Source: Telnyx, "Webhook fundamentals", and the behaviour of its SDK, which allows 300 seconds.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

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


def public_key_of(private_key: str) -> str:
    """The key to store for one that signs; both are 32 bytes in base64."""
    return b64encode(_private_key(private_key).public_key().public_bytes_raw()).decode()


def sign(body: bytes, private_key: str, signed_at_us: int) -> dict[str, str]:
    """The headers that Telnyx would send with a body: for the demonstration, and for trying by hand."""
    stamp = str(signed_at_us // SECOND_US)
    signature = _private_key(private_key).sign(f"{stamp}|".encode() + body)
    return {_TIMESTAMP: stamp, _SIGNATURE: b64encode(signature).decode()}


def _private_key(text: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(b64decode(text))


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
