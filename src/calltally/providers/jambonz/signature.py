"""Signature of jambonz: `t=…,v1=…`, the hex of HMAC-SHA256 over `t.body` with the webhook secret.

Source: jambonz, "Webhooks: verifying a signed request", and the behaviour of its SDKs, which allow 300
seconds.
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

HEADER: Final = "jambonz-signature"


def verify(callback: Callback, secrets: Mapping[str, str]) -> bool:
    """Return whether one of `secrets` signs `callback`; False for malformed requests."""
    params = header_params(callback.headers.get(HEADER, ""))
    stamps, given = params.get("t", []), [each.encode() for each in params.get("v1", [])[:MAX_SIGNATURES]]
    signed_at_s = parse_whole_number(stamps[0]) if len(stamps) == 1 else None
    if signed_at_s is None or not is_fresh(signed_at_s * SECOND_US, callback.received_us):
        return False
    message = f"{stamps[0]}.".encode() + callback.body
    keys = keys_of(secrets, SECRET_NAMES)
    return any(is_among(hmac_of(key, message).hex().encode(), given) for key in keys)
