"""X-SignalWire-Signature: HMAC of the public URL and the body by the project's signing key.

Source: SignalWire, "Webhook security", and the behaviour of its SDK's webhook validator. Forms are signed
as Twilio signs them (base64 of HMAC-SHA1 over URL and sorted parameters); other bodies by the hex of
HMAC-SHA1, or in X-SignalWire-Sha256-Signature of HMAC-SHA256, over the URL and the body as it came.
"""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from calltally.providers.callback import Callback
from calltally.providers.form import is_form, read_form
from calltally.providers.signatures import hmac_of, is_among, keys_of, spellings

SECRET_NAMES: Final = ("signing_key", "signing_key_secondary")

_HEADERS: Final = ("x-signalwire-signature", "x-twilio-signature")
_SHA256_HEADER: Final = "x-signalwire-sha256-signature"


class _Scheme(NamedTuple):
    """One way to sign a request: what is signed behind the URL, how, and the signatures that came for it."""

    tail: bytes
    hash_name: str
    encode: Callable[[bytes], bytes]
    given: list[bytes]


def verify(callback: Callback, secrets: Mapping[str, str]) -> bool:
    """Whether `callback` is signed with one of `secrets`; anything that cannot be read is not."""
    keys = keys_of(secrets, SECRET_NAMES)
    try:
        schemes = list(_schemes(callback))
        return any(
            is_among(scheme.encode(hmac_of(key, url.encode() + scheme.tail, scheme.hash_name)), scheme.given)
            for url in spellings(callback.url)
            for key in keys
            for scheme in schemes
        )
    except ValueError:
        return False


def _schemes(callback: Callback) -> Iterator[_Scheme]:
    """The schemes of the signatures that came, each with its tail made once for all spellings of the URL."""
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
    # A name that is sent several times keeps the order of its values.
    params = sorted(read_form(body), key=lambda pair: pair[0])
    return "".join(name + value for name, value in params).encode()
