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
from calltally.providers.signing import hmac_of, is_among, keys_of, spellings

SECRET_NAMES: Final = ("signing_key", "signing_key_secondary")

_HEADERS: Final = ("x-signalwire-signature", "x-twilio-signature")
_SHA256_HEADER: Final = "x-signalwire-sha256-signature"


def verify(callback: Callback, secrets: Mapping[str, str]) -> bool:
    """Whether `callback` is signed with one of `secrets`; anything that cannot be read is not."""
    given = [callback.headers[name].encode() for name in _HEADERS if callback.headers.get(name)]
    given_sha256 = callback.headers.get(_SHA256_HEADER, "").encode()
    try:
        keys = keys_of(secrets, SECRET_NAMES)
        is_signed = [is_among(each, given) for key in keys for each in _computed(callback, key)]
        is_signed += [is_among(each, [given_sha256]) for key in keys for each in _sha256(callback, key)]
        return any(is_signed)
    except ValueError:
        return False


def _computed(callback: Callback, key: bytes) -> Iterator[bytes]:
    urls = [url.encode() for url in dict.fromkeys(spellings(callback.url))]
    for url in urls:
        yield hmac_of(key, url + callback.body, "sha1").hex().encode()
    if is_form(callback.headers):
        # A name that is sent several times keeps the order of its values.
        params = sorted(read_form(callback.body), key=lambda pair: pair[0])
        tail = "".join(name + value for name, value in params).encode()
        for url in urls:
            yield b64encode(hmac_of(key, url + tail, "sha1"))


def _sha256(callback: Callback, key: bytes) -> Iterator[bytes]:
    for url in dict.fromkeys(spellings(callback.url)):
        yield hmac_of(key, url.encode() + callback.body).hex().encode()
