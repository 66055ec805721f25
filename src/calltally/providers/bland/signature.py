"""Signature of Bland: `X-Webhook-Signature`, the hex HMAC-SHA256 of the body.

Source: Bland, "Webhook signing". It contains no time: a request that is sent again counts as a repeat.
"""

from collections.abc import Mapping
from typing import Final

from calltally.providers.callback import Callback
from calltally.providers.signatures import hmac_of, is_among, keys_of

SECRET_NAMES: Final = ("webhook_secret", "webhook_secret_secondary")
HEADER: Final = "x-webhook-signature"


def verify(callback: Callback, secrets: Mapping[str, str]) -> bool:
    """Return whether one of `secrets` signs `callback`."""
    given = [callback.headers.get(HEADER, "").lower().encode(errors="replace")]
    return any(
        is_among(hmac_of(key, callback.body).hex().encode(), given) for key in keys_of(secrets, SECRET_NAMES)
    )
