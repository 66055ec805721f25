"""X-Twilio-Signature: base64 of the HMAC of the public URL and the sorted parameters.

Source: Twilio, "Webhooks security", and the behaviour of its SDK's RequestValidator, with which the
tests compare this one. Twilio is not of one mind whether a default port belongs to what is signed, and
a proxy may have changed the scheme, so each form that the same URL can have is tried.
"""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Final
from urllib.parse import parse_qs, urlsplit

from calltally.providers.callback import Callback
from calltally.providers.form import Params, is_form, read_form
from calltally.providers.signatures import keys_of, spellings

# The second is for the days of a rotation, or holds the secret of a shared webhook key.
SECRET_NAMES: Final = ("auth_token", "auth_token_secondary")

HEADER: Final = "x-twilio-signature"
_SETTINGS_HEADER: Final = "x-twilio-webhooks-signature-settings"
_HASH_NAMES: Final = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}
_BODY_HASH: Final = "bodySHA256"


def verify(callback: Callback, secrets: Mapping[str, str]) -> bool:
    """Whether `callback` is signed with one of `secrets`; anything that cannot be read is not."""
    try:
        return _is_signed(callback, secrets)
    except ValueError:
        return False


def sign(url: str, params: Params, token: str) -> str:
    """What Twilio would send in the header with a form: for the demonstration, and for trying by hand."""
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
        for url in spellings(callback.url)
        for token in tokens
    )
    # The URL first: nobody has a body hashed under a URL that is not signed.
    return is_signed and _is_own_body(callback)


def _hash_name(headers: Mapping[str, str]) -> str | None:
    """The hash that a shared webhook key names (`key=…,algorithm=HMAC_SHA256`); SHA-1 without one."""
    settings = [part.partition("=") for part in headers.get(_SETTINGS_HEADER, "").split(",")]
    named = [value.strip() for name, _, value in settings if name.strip() == "algorithm" and value.strip()]
    return _HASH_NAMES.get(named[0].upper()) if named else "sha1"


def _is_own_body(callback: Callback) -> bool:
    """Whether the signature also vouches for the body: a form is signed itself, others by their hash."""
    if is_form(callback.headers):
        return True
    stated = parse_qs(urlsplit(callback.url).query).get(_BODY_HASH)
    if not stated:
        return not callback.body
    computed = sha256(callback.body).hexdigest()
    return hmac.compare_digest(computed.encode(), stated[0].encode())


def _signed_params(callback: Callback) -> bytes:
    return _signed_text(read_form(callback.body) if is_form(callback.headers) else [])


def _signed_text(params: Params) -> bytes:
    return "".join(name + value for name, value in sorted(set(params))).encode()


def _sign(token: bytes, message: bytes, hash_name: str) -> bytes:
    return b64encode(hmac.digest(token, message, hash_name))
