"""How LiveKit signs: a JWT in `Authorization`, HS256 by the API secret, with the SHA-256 of the body.

Source: LiveKit, "Webhooks", and its SDK's WebhookReceiver, with which the tests compare this one.
"""

import hmac
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import msgspec

from calltally.calls.times import SECOND_US
from calltally.providers.callback import Callback
from calltally.providers.signatures import hmac_of, keys_of

# Which key signed is said by the token; it has to be the tenant's own where that is stored.
SECRET_NAMES: Final = ("api_secret", "api_secret_secondary", "api_key")
_SECRETS: Final = SECRET_NAMES[:2]
_MAX_TOKEN_CHARS: Final = 8_192
_PARTS: Final = 3
# What clocks may differ by.
_LEEWAY_US: Final = 60 * SECOND_US


class _Head(msgspec.Struct):
    alg: str


class _Claims(msgspec.Struct):
    exp: int
    nbf: int = 0
    iss: str = ""
    sha256: str = ""


_head: Final = msgspec.json.Decoder(_Head)
_claims: Final = msgspec.json.Decoder(_Claims)


def verify(callback: Callback, secrets: Mapping[str, str]) -> bool:
    """Whether `callback` is signed with one of `secrets`; anything that cannot be read is not."""
    token = callback.headers.get("authorization", "").removeprefix("Bearer ").strip()
    parts = token.encode("latin-1", "replace").split(b".")
    if len(parts) != _PARTS or len(token) > _MAX_TOKEN_CHARS:
        return False
    try:
        head, claims = _head.decode(_bytes(parts[0])), _claims.decode(_bytes(parts[1]))
        signature, message = _bytes(parts[2]), parts[0] + b"." + parts[1]
        hashed = b64decode(claims.sha256.encode(), validate=True)
    except (ValueError, RecursionError):
        return False
    keys = keys_of(secrets, _SECRETS)
    # The scheme is the one that we know, whatever the token says of itself.
    is_signed = any(hmac.compare_digest(hmac_of(key, message), signature) for key in keys)
    is_own = claims.iss == secrets.get("api_key", claims.iss)
    if not (head.alg == "HS256" and is_signed and is_own and _is_now(claims, callback.received_us)):
        return False
    # Last, since it is what costs: nobody has a body hashed by a token that they made up.
    return hmac.compare_digest(sha256(callback.body).digest(), hashed)


def _is_now(claims: _Claims, received_us: int) -> bool:
    begins_us, ends_us = claims.nbf * SECOND_US - _LEEWAY_US, claims.exp * SECOND_US + _LEEWAY_US
    return begins_us <= received_us <= ends_us


def _bytes(part: bytes) -> bytes:
    """What base64url without its padding stands for; raises ValueError."""
    return urlsafe_b64decode(part + b"=" * (-len(part) % 4))
