"""How Retell signs: `x-retell-signature: v=<ms>,d=<hex HMAC-SHA256 of body + ms>`, by an API key.

Source: Retell's SDK (`retell.lib.webhook_auth`), with which the tests compare this one.
"""

import re
from collections.abc import Mapping
from typing import Final

from calltally.providers.callback import Callback
from calltally.providers.signatures import hmac_of, is_among, is_fresh, keys_of

# The key that webhooks are signed with opens the API too.
SECRET_NAMES: Final = ("api_key", "api_key_secondary")
HEADER: Final = "x-retell-signature"
_FORM: Final = re.compile(r"v=(\d{1,17}),d=([0-9a-f]{64})", re.ASCII)


def verify(callback: Callback, secrets: Mapping[str, str]) -> bool:
    """Whether `callback` is signed with one of `secrets`, at most five minutes ago."""
    found = _FORM.fullmatch(callback.headers.get(HEADER, ""))
    if found is None or not is_fresh(int(found[1]) * 1_000, callback.received_us):
        return False
    message, given = callback.body + found[1].encode(), [found[2].encode()]
    return any(
        is_among(hmac_of(key, message).hex().encode(), given) for key in keys_of(secrets, SECRET_NAMES)
    )


def sign(body: bytes, key: str, signed_at_us: int) -> str:
    """What Retell would send in the header with a body: for the demonstration, and for trying by hand."""
    stamp = str(signed_at_us // 1_000)
    return f"v={stamp},d={hmac_of(key.encode(), body + stamp.encode()).hex()}"
