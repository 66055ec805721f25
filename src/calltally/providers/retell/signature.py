"""Signature of Retell: `x-retell-signature: v=<ms>,d=<hex HMAC-SHA256 of body + ms>`, with an API key.

Source: Retell's SDK (`retell.lib.webhook_auth`), which the tests compare with this code.
"""

import re
from collections.abc import Mapping
from typing import Final

from calltally.providers.callback import Callback
from calltally.providers.signatures import hmac_of, is_among, is_fresh, keys_of

# The key that signs webhooks also opens the API.
SECRET_NAMES: Final = ("api_key", "api_key_secondary")
HEADER: Final = "x-retell-signature"
_HEADER_PATTERN: Final = re.compile(r"v=(\d{1,17}),d=([0-9a-f]{64})", re.ASCII)


def verify(callback: Callback, secrets: Mapping[str, str]) -> bool:
    """Return whether one of `secrets` signs `callback`, at most five minutes ago."""
    found = _HEADER_PATTERN.fullmatch(callback.headers.get(HEADER, ""))
    if found is None or not is_fresh(int(found[1]) * 1_000, callback.received_us):
        return False
    message, given = callback.body + found[1].encode(), [found[2].encode()]
    return any(
        is_among(hmac_of(key, message).hex().encode(), given) for key in keys_of(secrets, SECRET_NAMES)
    )


def sign(body: bytes, key: str, signed_at_us: int) -> str:
    """Return the signature header that Retell sends with a body, for the demo and for manual tests."""
    stamp = str(signed_at_us // 1_000)
    return f"v={stamp},d={hmac_of(key.encode(), body + stamp.encode()).hex()}"
