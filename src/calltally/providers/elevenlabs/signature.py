"""Signature of ElevenLabs: `elevenlabs-signature: t=<s>,v0=<hex HMAC-SHA256 of t.body>`, for 30 minutes.

Source: ElevenLabs' SDK (`webhooks.construct_event`), which the tests compare with this code.
"""

import hmac
from collections.abc import Mapping
from typing import Final

from calltally.calls.times import SECOND_US
from calltally.providers.callback import Callback
from calltally.providers.signatures import (
    MAX_SIGNATURES,
    header_params,
    is_among,
    is_fresh,
    keys_of,
    parse_whole_number,
)

SECRET_NAMES: Final = ("webhook_secret", "webhook_secret_secondary")
HEADER: Final = "elevenlabs-signature"
TOLERANCE_S: Final = 30 * 60


class BodySignature:
    """Check of a signature over a body that arrives in parts. `callback` gives the headers and the time."""

    __slots__ = ("_digests", "_given")

    def __init__(self, callback: Callback, secrets: Mapping[str, str]) -> None:
        params = header_params(callback.headers.get(HEADER, ""))
        times = params.get("t", [])
        signed_at_s = parse_whole_number(times[0]) if len(times) == 1 else None
        self._given = [each.encode(errors="replace") for each in params.get("v0", [])[:MAX_SIGNATURES]]
        self._digests: list[hmac.HMAC] = []
        if signed_at_s is not None and is_fresh(signed_at_s * SECOND_US, callback.received_us, TOLERANCE_S):
            start = times[0].encode() + b"."
            self._digests = [hmac.new(key, start, "sha256") for key in keys_of(secrets, SECRET_NAMES)]

    def update(self, part: bytes) -> None:
        """Add the next part of the body."""
        for digest in self._digests:
            digest.update(part)

    def is_valid(self) -> bool:
        """Return whether one of the secrets signs the parts so far."""
        matches = [is_among(each.hexdigest().encode(), self._given) for each in self._digests]
        return any(matches)


def verify(callback: Callback, secrets: Mapping[str, str]) -> bool:
    """Return whether one of `secrets` signs `callback`."""
    signature = BodySignature(callback, secrets)
    signature.update(callback.body)
    return signature.is_valid()
