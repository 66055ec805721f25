"""Signatures by Ed25519 (RFC 8032). Its library takes 6 MB: loaded by the first request that is signed so."""

from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


def is_signed(key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the holder of a public key (32 bytes) signed a message; what cannot be a key signed nothing."""
    try:
        _public_key(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def public_key_of(private_key: bytes) -> bytes:
    """The public key of a private one, 32 bytes each."""
    return Ed25519PrivateKey.from_private_bytes(private_key).public_key().public_bytes_raw()


def sign(private_key: bytes, message: bytes) -> bytes:
    """The signature of a message."""
    return Ed25519PrivateKey.from_private_bytes(private_key).sign(message)


# Reading a key costs a fifth of what checking a signature does.
@lru_cache(maxsize=1_024)
def _public_key(key: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(key)
