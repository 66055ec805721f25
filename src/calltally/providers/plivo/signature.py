"""Signature of Plivo: base64 of HMAC-SHA256 over the URL, its query, the parameters, and a nonce.

Source: Plivo, "Signature validation", and the behaviour of its SDK. `X-Plivo-Signature-V3` may
contain several signatures, separated by commas; `X-Plivo-Signature-Ma-V3` uses the main account's token. V2
signs the URL and the nonce without the body, so it is accepted only with a token that is stored for it.
"""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from calltally.providers.callback import Callback
from calltally.providers.form import Params, is_form, parse_form
from calltally.providers.signatures import MAX_SIGNATURES, hmac_of, is_among, keys_of, url_variants

SECRET_NAMES: Final = ("auth_token", "auth_token_secondary", "auth_token_v2")

# One of these must be stored.
REQUIRED_SECRETS: Final = ("auth_token", "auth_token_v2")

_V3_NAMES: Final = SECRET_NAMES[:2]
_V2_NAMES: Final = SECRET_NAMES[2:]
_V3: Final = ("x-plivo-signature-v3", "x-plivo-signature-ma-v3")
_V3_NONCE: Final = "x-plivo-signature-v3-nonce"
_V2: Final = ("x-plivo-signature-v2", "x-plivo-signature-ma-v2")
_V2_NONCE: Final = "x-plivo-signature-v2-nonce"


def verify(callback: Callback, secrets: Mapping[str, str]) -> bool:
    """Return whether one of `secrets` signs `callback`; False for malformed requests."""
    try:
        return _is_v3(callback, keys_of(secrets, _V3_NAMES)) or _is_v2(callback, keys_of(secrets, _V2_NAMES))
    except ValueError:
        return False


def _is_v3(callback: Callback, keys: list[bytes]) -> bool:
    given, nonce = _given(callback, _V3), callback.headers.get(_V3_NONCE, "")
    if not (given and nonce and keys) or not _is_own_body(callback):
        return False
    tail = f"{signed_tail(callback)}.{nonce}".encode()
    return _is_signed((base.encode() + tail for base in _url_variants(callback.url)), keys, given)


def _is_v2(callback: Callback, keys: list[bytes]) -> bool:
    given, nonce = _given(callback, _V2), callback.headers.get(_V2_NONCE, "")
    if not (given and nonce and keys):
        return False
    return _is_signed(((base + nonce).encode() for base in _url_variants(callback.url)), keys, given)


def _is_signed(messages: Iterable[bytes], keys: list[bytes], given: list[bytes]) -> bool:
    return any(is_among(b64encode(hmac_of(key, message)), given) for message in messages for key in keys)


def _url_variants(url: str) -> Iterator[str]:
    """Yield the variants of the URL without its query, the given one first."""
    bare = urlsplit(url)._replace(query="", fragment="").geturl()
    return url_variants(bare)


def _given(callback: Callback, names: tuple[str, ...]) -> list[bytes]:
    headers = [callback.headers.get(name, "") for name in names]
    texts = [text.strip() for header in headers for text in header.split(",")[:MAX_SIGNATURES]]
    return [text.encode() for text in texts if text]


def _is_own_body(callback: Callback) -> bool:
    """Return whether the signature covers the body: only the form parameters of a POST are signed."""
    return not callback.body or (callback.method != "GET" and is_form(callback.headers))


def signed_tail(callback: Callback) -> str:
    """Return the part of the V3 message between the URL and the nonce; raise ValueError unless a form."""
    query = urlsplit(callback.url).query
    query_text = "&".join(f"{name}={value}" for name, value in sorted(parse_form(query.encode())))
    params = parse_form(callback.body)
    if callback.method == "GET" or not params:
        return f"?{query_text}" if query_text else ""
    return f"?{query_text}{'.' if query_text else ''}{_joined(params)}"


def _joined(params: Params) -> str:
    return "".join(name + value for name, value in sorted(params))
