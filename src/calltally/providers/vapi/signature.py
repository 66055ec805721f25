"""Authentication of Vapi: a secret in X-Vapi-Secret, a bearer token, or an HMAC of the body.

Source: Vapi, "Server authentication". Tenants configure the header and payload of the HMAC at
Vapi. Supported are `x-vapi-signature` over the body or, with `x-vapi-timestamp`, over `timestamp.body`.
"""

from collections.abc import Mapping
from typing import Final

from calltally.calls.times import SECOND_US
from calltally.providers import bearer_secret
from calltally.providers.callback import Callback
from calltally.providers.signatures import hmac_of, is_among, is_fresh, keys_of, parse_whole_number

SECRET_NAMES: Final = ("secret", "secret_secondary")
HEADER: Final = "x-vapi-signature"
_TIMESTAMP_HEADER: Final = "x-vapi-timestamp"
_BARE_HEADER: Final = "x-vapi-secret"
# A time above this is in milliseconds.
_MAX_SECONDS_VALUE: Final = 100_000_000_000


def verify(callback: Callback, secrets: Mapping[str, str]) -> bool:
    """Return whether `callback` carries or is signed with one of `secrets`; a signature must match."""
    keys = keys_of(secrets, SECRET_NAMES)
    if (signature := callback.headers.get(HEADER)) is not None:
        message = _message(callback)
        given = [signature.removeprefix("sha256=").lower().encode(errors="replace")]
        return message is not None and any(is_among(_sign(key, message), given) for key in keys)
    presented = callback.headers.get(_BARE_HEADER, "").encode() or bearer_secret.presented_secret(
        callback.headers.get(bearer_secret.HEADER, "")
    )
    return bool(presented) and is_among(presented, keys)


def _message(callback: Callback) -> bytes | None:
    """Return the signed message; None if its time is outside the tolerance."""
    text = callback.headers.get(_TIMESTAMP_HEADER)
    if text is None:
        return callback.body
    signed_at = parse_whole_number(text)
    if signed_at is None:
        return None
    unit_us = SECOND_US if signed_at < _MAX_SECONDS_VALUE else 1_000
    fresh = is_fresh(signed_at * unit_us, callback.received_us)
    return text.encode() + b"." + callback.body if fresh else None


def _sign(key: bytes, message: bytes) -> bytes:
    return hmac_of(key, message).hex().encode()
