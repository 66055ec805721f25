"""Signature of Twilio: base64 of the HMAC of the public URL and the sorted parameters.

Source: Twilio, "Webhooks security", and the behaviour of its SDK's RequestValidator, which the
tests compare with this code. Twilio's signatures sometimes include a default port, and a proxy may change the
scheme, so all variants of the URL are tried.
"""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Final
from urllib.parse import parse_qs, urlsplit

from calltally.providers.callback import Callback
from calltally.providers.form import Params, is_form, parse_form
from calltally.providers.signatures import keys_of, url_variants

# The second is for a rotation, or contains the secret of a shared webhook key.
SECRET_NAMES: Final = ("auth_token", "auth_token_secondary")

HEADER: Final = "x-twilio-signature"
_SETTINGS_HEADER: Final = "x-twilio-webhooks-signature-settings"
_HASH_NAMES: Final = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}
_BODY_HASH: Final = "bodySHA256"


def verify(callback: Callback, secrets: Mapping[str, str]) -> bool:
    """Return whether one of `secrets` signs `callback`; False for malformed requests."""
    try:
        return _is_signed(callback, secrets)
    except ValueError:
        return False


def sign(url: str, params: Params, token: str) -> str:
    """Return the signature header that Twilio sends with a form, for the demo and for manual tests."""
    return _sign(token.encode(), url.encode() + _signed_text(params), "sha1").decode()


def _is_signed(callback: Callback, secrets: Mapping[str, str]) -> bool:
    signature = callback.headers.get(HEADER, "").encode()
    hash_name = _hash_name(callback.headers)
    tokens = keys_of(secrets, SECRET_NAMES)
    if not (signature and hash_name and tokens):
        return False
    tail = _signed_params(callback)
    is_signed = any(
        hmac.compare_digest(_sign(token, url.encode() + tail, hash_name), signature)
        for url in url_variants(callback.url)
        for token in tokens
    )
    # Verify the URL first, so that an unsigned URL costs no hash of the body.
    return is_signed and _is_own_body(callback)


def _hash_name(headers: Mapping[str, str]) -> str | None:
    """Return the hash of a shared webhook key (`key=…,algorithm=HMAC_SHA256`); SHA-1 without one."""
    settings = [part.partition("=") for part in headers.get(_SETTINGS_HEADER, "").split(",")]
    named = [value.strip() for name, _, value in settings if name.strip() == "algorithm" and value.strip()]
    return _HASH_NAMES.get(named[0].upper()) if named else "sha1"


def _is_own_body(callback: Callback) -> bool:
    """Return whether the signature covers the body: forms are signed, other bodies by their hash."""
    if is_form(callback.headers):
        return True
    stated = parse_qs(urlsplit(callback.url).query).get(_BODY_HASH)
    if not stated:
        return not callback.body
    computed = sha256(callback.body).hexdigest()
    return hmac.compare_digest(computed.encode(), stated[0].encode())


def _signed_params(callback: Callback) -> bytes:
    return _signed_text(parse_form(callback.body) if is_form(callback.headers) else [])


def _signed_text(params: Params) -> bytes:
    return "".join(name + value for name, value in sorted(set(params))).encode()


def _sign(token: bytes, message: bytes, hash_name: str) -> bytes:
    return b64encode(hmac.digest(token, message, hash_name))
