"""JSON Web Tokens of requests (RFC 7519), with the algorithms HS256 and RS256 (RFC 7518).

The caller fixes the algorithm: the header of a token is not trusted to choose it.
"""

from base64 import urlsafe_b64decode
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from calltally.calls.times import SECOND_US
from calltally.providers.signatures import hmac_of, is_among, is_fresh

HS256: Final = "HS256"
RS256: Final = "RS256"
MAX_TOKEN_CHARS: Final = 8_192
_SEGMENTS: Final = 3
# Tolerance for different clocks.
_LEEWAY_US: Final = 60 * SECOND_US
_decoder: Final = msgspec.json.Decoder(dict[str, Any])


class Token(NamedTuple):
    """Parsed token that is not verified yet; `message` is the signed part."""

    algorithm: object
    claims: Mapping[str, Any]
    message: bytes
    signature: bytes


def parse_token(text: str) -> Token | None:
    """Return the parts of a token; None for other text."""
    segments = text.encode("latin-1", "replace").split(b".")
    if len(segments) != _SEGMENTS or len(text) > MAX_TOKEN_CHARS:
        return None
    try:
        head, claims = (_decoder.decode(_base64url_decode(part)) for part in segments[:2])
        signature = _base64url_decode(segments[2])
    except (ValueError, RecursionError):
        return None
    return Token(head.get("alg"), claims, segments[0] + b"." + segments[1], signature)


def is_signed(token: Token, algorithm: str, keys: Iterable[str]) -> bool:
    """Return whether one of the keys signs a token: texts for HS256, public keys in PEM for RS256."""
    if token.algorithm != algorithm:
        return False
    if algorithm == HS256:
        signatures = [hmac_of(key.encode(), token.message) for key in keys]
        return sum(is_among(each, [token.signature]) for each in signatures) > 0
    from calltally.providers import rsa_signatures  # deferred: takes 6 MB, and only RS256 needs it

    return any(rsa_signatures.is_signed(key, token.signature, token.message) for key in keys)


def is_current(token: Token, received_us: int, tolerance_s: int) -> bool:
    """Return whether a token is valid at the time of receipt: by `exp` and `nbf`, or else by `iat`."""
    expires_s, begins_s, issued_s = (_seconds(token.claims.get(name)) for name in ("exp", "nbf", "iat"))
    if begins_s is not None and received_us < begins_s * SECOND_US - _LEEWAY_US:
        return False
    if expires_s is not None:
        return received_us <= expires_s * SECOND_US + _LEEWAY_US
    return issued_s is not None and is_fresh(int(issued_s * SECOND_US), received_us, tolerance_s)


def _seconds(value: object) -> float | None:
    """Return a time of a claim; None for any other value. Larger numbers would overflow."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value < 2**40 else None  # type: ignore[operator, arg-type] # a number


def _base64url_decode(part: bytes) -> bytes:
    """Decode base64url without padding; raise ValueError."""
    return urlsafe_b64decode(part + b"=" * (-len(part) % 4))
