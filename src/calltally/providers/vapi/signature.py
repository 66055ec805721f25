"""How Vapi shows or signs: a secret in X-Vapi-Secret, a bearer's token, or an HMAC of the body.

Source: Vapi, "Server authentication". The HMAC's header and payload are the tenant's choice there; read here
are `x-vapi-signature` over the body and, where `x-vapi-timestamp` comes too, over `timestamp.body`.
"""

from collections.abc import Mapping
from typing import Final

from calltally.calls.times import SECOND_US
from calltally.providers import bearer_secret
from calltally.providers.callback import Callback
from calltally.providers.signatures import hmac_of, is_among, is_fresh, keys_of, whole_number

SECRET_NAMES: Final = ("secret", "secret_secondary")
HEADER: Final = "x-vapi-signature"
_TIME: Final = "x-vapi-timestamp"
_SHOWN: Final = "x-vapi-secret"
# A time above this is in milliseconds.
_LATEST_S: Final = 100_000_000_000


def verify(callback: Callback, secrets: Mapping[str, str]) -> bool:
    """Whether `callback` shows, or is signed with, one of `secrets`; a wrong signature is not excused."""
    keys = keys_of(secrets, SECRET_NAMES)
    if (signature := callback.headers.get(HEADER)) is not None:
        message = _message(callback)
        given = [signature.removeprefix("sha256=").lower().encode(errors="replace")]
        return message is not None and any(is_among(_sign(key, message), given) for key in keys)
    shown = callback.headers.get(_SHOWN, "").encode() or bearer_secret.shown_in(
        callback.headers.get(bearer_secret.HEADER, "")
    )
    return bool(shown) and is_among(shown, keys)


def _message(callback: Callback) -> bytes | None:
    """What is signed; None where it was signed too long ago."""
    text = callback.headers.get(_TIME)
    if text is None:
        return callback.body
    signed_at = whole_number(text)
    if signed_at is None:
        return None
    unit_us = SECOND_US if signed_at < _LATEST_S else 1_000
    fresh = is_fresh(signed_at * unit_us, callback.received_us)
    return text.encode() + b"." + callback.body if fresh else None


def _sign(key: bytes, message: bytes) -> bytes:
    return hmac_of(key, message).hex().encode()
