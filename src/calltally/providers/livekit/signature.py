"""Signature of LiveKit: a JWT in `Authorization`, HS256 with the API secret, and the SHA-256 of the body.

Source: LiveKit, "Webhooks", and its SDK's WebhookReceiver, which the tests compare with this code.
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

# The token names its key, which must be the tenant's key if one is stored.
SECRET_NAMES: Final = ("api_secret", "api_secret_secondary", "api_key")
_SECRETS: Final = SECRET_NAMES[:2]
_MAX_TOKEN_CHARS: Final = 8_192
_SEGMENTS: Final = 3
# Tolerance for different clocks.
_LEEWAY_US: Final = 60 * SECOND_US


class _Head(msgspec.Struct):
    alg: str


class _Claims(msgspec.Struct):
    exp: int
    nbf: int = 0
    iss: str = ""
    sha256: str = ""


_head_decoder: Final = msgspec.json.Decoder(_Head)
_claims_decoder: Final = msgspec.json.Decoder(_Claims)


def verify(callback: Callback, secrets: Mapping[str, str]) -> bool:
    """Return whether one of `secrets` signs `callback`; False for malformed requests."""
    token = callback.headers.get("authorization", "").removeprefix("Bearer ").strip()
    segments = token.encode("latin-1", "replace").split(b".")
    if len(segments) != _SEGMENTS or len(token) > _MAX_TOKEN_CHARS:
        return False
    try:
        head, claims = (
            _head_decoder.decode(_base64url_decode(segments[0])),
            _claims_decoder.decode(_base64url_decode(segments[1])),
        )
        signature, message = _base64url_decode(segments[2]), segments[0] + b"." + segments[1]
        hashed = b64decode(claims.sha256.encode(), validate=True)
    except (ValueError, RecursionError):
        return False
    keys = keys_of(secrets, _SECRETS)
    # The algorithm is fixed: the header of a token is not trusted to choose it.
    is_signed = any(hmac.compare_digest(hmac_of(key, message), signature) for key in keys)
    is_own = claims.iss == secrets.get("api_key", claims.iss)
    if not (head.alg == "HS256" and is_signed and is_own and _is_current(claims, callback.received_us)):
        return False
    # Last, so that a forged token costs no hash of the body.
    return hmac.compare_digest(sha256(callback.body).digest(), hashed)


def _is_current(claims: _Claims, received_us: int) -> bool:
    begins_us, ends_us = claims.nbf * SECOND_US - _LEEWAY_US, claims.exp * SECOND_US + _LEEWAY_US
    return begins_us <= received_us <= ends_us


def _base64url_decode(part: bytes) -> bytes:
    """Decode base64url without padding; raise ValueError."""
    return urlsafe_b64decode(part + b"=" * (-len(part) % 4))
