"""Ed25519 signatures (RFC 8032). The library takes 6 MB, so the first such request loads it."""

from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


def is_signed(key: bytes, signature: bytes, message: bytes) -> bool:
    """Return whether a public key (32 bytes) verifies a signature; False for bytes that are no key."""
    try:
        _public_key(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def public_key_of(private_key: bytes) -> bytes:
    """Return the public key of a private key, 32 bytes each."""
    return Ed25519PrivateKey.from_private_bytes(private_key).public_key().public_bytes_raw()


def sign(private_key: bytes, message: bytes) -> bytes:
    """Return the signature of a message."""
    return Ed25519PrivateKey.from_private_bytes(private_key).sign(message)


# Loading a key costs a fifth of the verification of a signature.
@lru_cache(maxsize=1_024)
def _public_key(key: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(key)
