"""Requests that show a secret and sign nothing: basic sign-in, a bearer's token.

TLS has to keep them unseen.
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
    """Whether the request shows one of the secrets: as `Bearer <secret>`, or as the password of `Basic`."""
    shown = shown_in(callback.headers.get(HEADER, ""))
    keys = keys_of(secrets, SECRET_NAMES)
    return bool(shown) and is_among(shown, keys)


def shown_in(header: str) -> bytes:
    """What a sign-in shows: the token, or the password whoever the user is; empty for anything else."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip().encode()
    if scheme.lower() == "basic":
        return _decoded(value.strip()).partition(b":")[2]
    return b""


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text.encode(), validate=True)
    except (NotBase64, ValueError):
        return b""
