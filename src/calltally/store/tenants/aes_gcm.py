"""AES-256-GCM encryption. A separate module, since its library takes 6 MB: loaded with the first secret."""

import os
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE: Final = 12


def encrypt(key: bytes, plain: bytes, bound_to: bytes) -> bytes:
    """Return a random nonce and the ciphertext with its tag. Decryption requires the same `bound_to`."""
    nonce = os.urandom(_NONCE)
    return nonce + _cipher(key).encrypt(nonce, plain, bound_to)


def decrypt(key: bytes, sealed_bytes: bytes, bound_to: bytes) -> bytes | None:
    """Return the plain text; None if the bytes were changed or `bound_to` differs."""
    try:
        return _cipher(key).decrypt(sealed_bytes[:_NONCE], sealed_bytes[_NONCE:], bound_to)
    except (InvalidTag, ValueError):
        return None


@lru_cache(maxsize=4)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)
