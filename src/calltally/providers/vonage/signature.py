"""Signature of Vonage: a JWT in `Authorization`, HS256 with the signature secret, and the payload hash.

Source: Vonage, "Decoding signed webhooks", and the behaviour of its package vonage-jwt. Each request has a
new token. `iat` is its time; older tokens than the tolerance are refused.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

import msgspec

from calltally.calls.times import SECOND_US
from calltally.providers.callback import Callback
from calltally.providers.signatures import hmac_of, is_fresh, keys_of

SECRET_NAMES: Final = ("signature_secret", "signature_secret_secondary")

_SCHEME: Final = "bearer"
_MAX_TOKEN_CHARS: Final = 8_192
_SEGMENTS: Final = 3


class _Head(msgspec.Struct):
    alg: str


class _Claims(msgspec.Struct):
    iat: int
    exp: int | None = None
    payload_hash: str | None = None


_head_decoder: Final = msgspec.json.Decoder(_Head)
_claims_decoder: Final = msgspec.json.Decoder(_Claims)


def verify(callback: Callback, secrets: Mapping[str, str]) -> bool:
    """Return whether one of `secrets` signs `callback`; False for malformed requests."""
    claims = _signed_claims(callback, secrets)
    return claims is not None and _is_for_payload(claims, callback)


def verify_head(callback: Callback, secrets: Mapping[str, str]) -> bool:
    """Return whether one of `secrets` signs the token, whatever the body is."""
    return _signed_claims(callback, secrets) is not None


def _signed_claims(callback: Callback, secrets: Mapping[str, str]) -> _Claims | None:
    scheme, _, token = callback.headers.get("authorization", "").partition(" ")
    segments = token.strip().encode("latin-1", "replace").split(b".")
    keys = keys_of(secrets, SECRET_NAMES)
    if scheme.lower() != _SCHEME or len(segments) != _SEGMENTS or len(token) > _MAX_TOKEN_CHARS or not keys:
        return None
    try:
        head, claims = (
            _head_decoder.decode(_base64url_decode(segments[0])),
            _claims_decoder.decode(_base64url_decode(segments[1])),
        )
        signature, message = _base64url_decode(segments[2]), segments[0] + b"." + segments[1]
    except (ValueError, RecursionError):
        return None
    # The algorithm is fixed: the header of a token is not trusted to choose it.
    is_signed = any(hmac.compare_digest(hmac_of(key, message), signature) for key in keys)
    is_valid = head.alg == "HS256" and is_signed and _is_current(claims, callback)
    return claims if is_valid else None


def sign(body: bytes, secret: str, signed_at_us: int) -> str:
    """Return the `Authorization` header that Vonage sends, for the demo and for manual tests."""
    head = {"alg": "HS256", "typ": "JWT"}
    claims = {"iat": signed_at_us // SECOND_US, "payload_hash": _hash(body).decode()}
    message = b".".join(_base64url(msgspec.json.encode(part)) for part in (head, claims))
    return f"Bearer {(message + b'.' + _base64url(hmac_of(secret.encode(), message))).decode()}"


def _is_current(claims: _Claims, callback: Callback) -> bool:
    is_over = claims.exp is not None and claims.exp * SECOND_US < callback.received_us
    return is_fresh(claims.iat * SECOND_US, callback.received_us) and not is_over


def _is_for_payload(claims: _Claims, callback: Callback) -> bool:
    """Return whether the token signs this payload. A GET has none, so its token proves only the sender."""
    given = (claims.payload_hash or "").encode()
    if callback.body or callback.method != "GET":
        return hmac.compare_digest(_hash(callback.body), given)
    query = urlsplit(callback.url).query.encode()
    return claims.payload_hash is None or given in {_hash(b""), _hash(query)}


def _hash(payload: bytes) -> bytes:
    return sha256(payload).hexdigest().encode()


def _base64url_decode(part: bytes) -> bytes:
    """Decode base64url without padding; raise ValueError."""
    return urlsafe_b64decode(part + b"=" * (-len(part) % 4))


def _base64url(part: bytes) -> bytes:
    """Encode as base64url without padding."""
    return urlsafe_b64encode(part).rstrip(b"=")
