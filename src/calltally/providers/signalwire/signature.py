"""Signature of SignalWire: HMAC of the public URL and the body with the project's signing key.

Source: SignalWire, "Webhook security", and the behaviour of its SDK's webhook validator. Forms are signed
like Twilio's: base64 of HMAC-SHA1 over the URL and the sorted parameters. Other bodies have the hex of
HMAC-SHA1, or of HMAC-SHA256 in `X-SignalWire-Sha256-Signature`, over the URL and the raw body.
"""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from calltally.providers.callback import Callback
from calltally.providers.form import is_form, parse_form
from calltally.providers.signatures import hmac_of, is_among, keys_of, url_variants

SECRET_NAMES: Final = ("signing_key", "signing_key_secondary")

_HEADERS: Final = ("x-signalwire-signature", "x-twilio-signature")
_SHA256_HEADER: Final = "x-signalwire-sha256-signature"


class _Scheme(NamedTuple):
    """One signature scheme: the message after the URL, the hash, the encoding, and the given signatures."""

    tail: bytes
    hash_name: str
    encode: Callable[[bytes], bytes]
    given: list[bytes]


def verify(callback: Callback, secrets: Mapping[str, str]) -> bool:
    """Return whether one of `secrets` signs `callback`; False for malformed requests."""
    keys = keys_of(secrets, SECRET_NAMES)
    try:
        schemes = list(_schemes(callback))
        return any(
            is_among(scheme.encode(hmac_of(key, url.encode() + scheme.tail, scheme.hash_name)), scheme.given)
            for url in url_variants(callback.url)
            for key in keys
            for scheme in schemes
        )
    except ValueError:
        return False


def _schemes(callback: Callback) -> Iterator[_Scheme]:
    """Yield the schemes of the given signatures. Each tail is built once for all variants of the URL."""
    headers, body = callback.headers, callback.body
    given = [headers[name].encode() for name in _HEADERS if headers.get(name)]
    if given and is_form(headers):
        yield _Scheme(_joined(body), "sha1", b64encode, given)
    if given:
        yield _Scheme(body, "sha1", _hex, given)
    if headers.get(_SHA256_HEADER):
        yield _Scheme(body, "sha256", _hex, [headers[_SHA256_HEADER].encode()])


def _hex(digest: bytes) -> bytes:
    return digest.hex().encode()


def _joined(body: bytes) -> bytes:
    # The values of a repeated name keep their order.
    params = sorted(parse_form(body), key=lambda pair: pair[0])
    return "".join(name + value for name, value in params).encode()
