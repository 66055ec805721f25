"""Signature of ElevenLabs: `elevenlabs-signature: t=<s>,v0=<hex HMAC-SHA256 of t.body>`, for 30 minutes.

Source: ElevenLabs' SDK (`webhooks.construct_event`), which the tests compare with this code.
"""

from collections.abc import Mapping
from typing import Final

from calltally.calls.times import SECOND_US
from calltally.providers.callback import Callback
from calltally.providers.signatures import (
    MAX_SIGNATURES,
    header_params,
    hmac_of,
    is_among,
    is_fresh,
    keys_of,
    parse_whole_number,
)

SECRET_NAMES: Final = ("webhook_secret", "webhook_secret_secondary")
HEADER: Final = "elevenlabs-signature"
TOLERANCE_S: Final = 30 * 60


def verify(callback: Callback, secrets: Mapping[str, str]) -> bool:
    """Return whether one of `secrets` signs `callback`."""
    params = header_params(callback.headers.get(HEADER, ""))
    times = params.get("t", [])
    signed_at_s = parse_whole_number(times[0]) if len(times) == 1 else None
    if signed_at_s is None or not is_fresh(signed_at_s * SECOND_US, callback.received_us, TOLERANCE_S):
        return False
    message = times[0].encode() + b"." + callback.body
    given = [each.encode(errors="replace") for each in params.get("v0", [])[:MAX_SIGNATURES]]
    return any(
        is_among(hmac_of(key, message).hex().encode(), given) for key in keys_of(secrets, SECRET_NAMES)
    )
