"""Signed webhooks: a JWT in `Authorization`, HS256 by the signature secret, with the payload's hash.

Source: Vonage, "Decoding signed webhooks", and the behaviour of its package vonage-jwt. The token is new for
each request: `iat` says when, and what is older than the tolerance is refused.
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
_PARTS: Final = 3


class _Head(msgspec.Struct):
    alg: str


class _Claims(msgspec.Struct):
    iat: int
    exp: int | None = None
    payload_hash: str | None = None


_head: Final = msgspec.json.Decoder(_Head)
_claims: Final = msgspec.json.Decoder(_Claims)


def verify(callback: Callback, secrets: Mapping[str, str]) -> bool:
    """Whether `callback` is signed with one of `secrets`; anything that cannot be read is not."""
    scheme, _, token = callback.headers.get("authorization", "").partition(" ")
    parts = token.strip().encode("latin-1", "replace").split(b".")
    keys = keys_of(secrets, SECRET_NAMES)
    if scheme.lower() != _SCHEME or len(parts) != _PARTS or len(token) > _MAX_TOKEN_CHARS or not keys:
        return False
    try:
        head, claims = _head.decode(_bytes(parts[0])), _claims.decode(_bytes(parts[1]))
        signature, message = _bytes(parts[2]), parts[0] + b"." + parts[1]
    except (ValueError, RecursionError):
        return False
    # The scheme is the one that we know, whatever the token says of itself.
    is_signed = any(hmac.compare_digest(hmac_of(key, message), signature) for key in keys)
    return head.alg == "HS256" and is_signed and _is_now(claims, callback) and _is_of(claims, callback)


def sign(body: bytes, secret: str, signed_at_us: int) -> str:
    """What Vonage would send in `Authorization`: for the demonstration, and for trying by hand."""
    head = {"alg": "HS256", "typ": "JWT"}
    claims = {"iat": signed_at_us // SECOND_US, "payload_hash": _hash(body).decode()}
    message = b".".join(_text(msgspec.json.encode(part)) for part in (head, claims))
    return f"Bearer {(message + b'.' + _text(hmac_of(secret.encode(), message))).decode()}"


def _is_now(claims: _Claims, callback: Callback) -> bool:
    is_over = claims.exp is not None and claims.exp * SECOND_US < callback.received_us
    return is_fresh(claims.iat * SECOND_US, callback.received_us) and not is_over


def _is_of(claims: _Claims, callback: Callback) -> bool:
    """Whether the token is of this payload. A GET has none: its token vouches for the sender alone."""
    given = (claims.payload_hash or "").encode()
    if callback.body or callback.method != "GET":
        return hmac.compare_digest(_hash(callback.body), given)
    query = urlsplit(callback.url).query.encode()
    return claims.payload_hash is None or given in {_hash(b""), _hash(query)}


def _hash(payload: bytes) -> bytes:
    return sha256(payload).hexdigest().encode()


def _bytes(part: bytes) -> bytes:
    """What base64url without its padding stands for; raises ValueError."""
    return urlsafe_b64decode(part + b"=" * (-len(part) % 4))


def _text(part: bytes) -> bytes:
    """Base64url without its padding."""
    return urlsafe_b64encode(part).rstrip(b"=")
