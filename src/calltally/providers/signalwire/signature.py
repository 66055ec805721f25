"""X-SignalWire-Signature: HMAC of the public URL and the body by the project's signing key.

Source: SignalWire, "Webhook security", and the behaviour of its SDK's webhook validator. Forms are signed
as Twilio signs them (base64 of HMAC-SHA1 over URL and sorted parameters); other bodies by the hex of
HMAC-SHA1, or in X-SignalWire-Sha256-Signature of HMAC-SHA256, over the URL and the body as it came.
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Final

from calltally.providers.callback import Callback
from calltally.providers.form import is_form, read_form
from calltally.providers.signatures import hmac_of, is_among, keys_of, spellings

SECRET_NAMES: Final = ("signing_key", "signing_key_secondary")

_HEADERS: Final = ("x-signalwire-signature", "x-twilio-signature")
_SHA256_HEADER: Final = "x-signalwire-sha256-signature"


def verify(callback: Callback, secrets: Mapping[str, str]) -> bool:
    """Whether `callback` is signed with one of `secrets`; anything that cannot be read is not."""
    given = [callback.headers[name].encode() for name in _HEADERS if callback.headers.get(name)]
    given_sha256 = [callback.headers.get(_SHA256_HEADER, "").encode()]
    keys = keys_of(secrets, SECRET_NAMES)
    try:
        return any(
            is_among(signature, given_sha256 if is_sha256 else given)
            for url in spellings(callback.url)
            for key in keys
            for signature, is_sha256 in _signatures(callback, url.encode(), key)
        )
    except ValueError:
        return False


def _signatures(callback: Callback, url: bytes, key: bytes) -> Iterator[tuple[bytes, bool]]:
    """What a request under this URL can be signed with, and whether that is for the header of SHA-256."""
    if is_form(callback.headers):
        yield b64encode(hmac_of(key, url + _joined(callback.body), "sha1")), False
    yield hmac_of(key, url + callback.body, "sha1").hex().encode(), False
    yield hmac_of(key, url + callback.body).hex().encode(), True


def _joined(body: bytes) -> bytes:
    # A name that is sent several times keeps the order of its values.
    params = sorted(read_form(body), key=lambda pair: pair[0])
    return "".join(name + value for name, value in params).encode()
