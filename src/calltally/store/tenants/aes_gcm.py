"""AES-256-GCM. A module of its own, since its library takes 6 MB: loaded with the first secret."""

import os
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE: Final = 12


def sealed(key: bytes, plain: bytes, bound_to: bytes) -> bytes:
    """A random nonce and the ciphertext with its tag; `bound_to` has to be said again to open it."""
    nonce = os.urandom(_NONCE)
    return nonce + _cipher(key).encrypt(nonce, plain, bound_to)


def opened(key: bytes, sealed_bytes: bytes, bound_to: bytes) -> bytes | None:
    """What `sealed` was given; None where the bytes, or what they are bound to, are not what they were."""
    try:
        return _cipher(key).decrypt(sealed_bytes[:_NONCE], sealed_bytes[_NONCE:], bound_to)
    except (InvalidTag, ValueError):
        return None


@lru_cache(maxsize=4)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)
