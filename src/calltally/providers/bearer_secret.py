"""Verification of requests that carry a secret and no signature: basic authentication, bearer token.

Only TLS protects the secret and the body.
"""

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from typing import Final

from calltally.providers.callback import Callback
from calltally.providers.signatures import is_among, keys_of

SECRET_NAMES: Final = ("secret", "secret_secondary")
HEADER: Final = "authorization"


def verify(callback: Callback, secrets: Mapping[str, str]) -> bool:
    """Return whether the request carries one of the secrets: as a bearer token or a basic password."""
    presented = presented_secret(callback.headers.get(HEADER, ""))
    keys = keys_of(secrets, SECRET_NAMES)
    return bool(presented) and is_among(presented, keys)


def presented_secret(header: str) -> bytes:
    """Return the bearer token, or the basic password of any user; empty for other headers."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip().encode()
    if scheme.lower() == "basic":
        return _decode_base64(value.strip()).partition(b":")[2]
    return b""


def _decode_base64(text: str) -> bytes:
    try:
        return b64decode(text.encode(), validate=True)
    except (NotBase64, ValueError):
        return b""
