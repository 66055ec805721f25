"""X-Plivo-Signature-V3: base64 of HMAC-SHA256 over the URL, its query and the parameters, and a nonce.

Source: Plivo, "Signature validation", and the behaviour of its SDK. The header may hold several signatures
by commas; the one in …-Ma-V3 is by the main account's token. V2 signs the bare URL and the nonce, and nothing
of the body: it is taken only by a token that was stored for it.
"""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from calltally.providers.callback import Callback
from calltally.providers.form import Params, is_form, read_form
from calltally.providers.signatures import MOST_SIGNATURES, hmac_of, is_among, keys_of, spellings

SECRET_NAMES: Final = ("auth_token", "auth_token_secondary", "auth_token_v2")

# One of these has to be stored.
NEEDED: Final = ("auth_token", "auth_token_v2")

_V3_NAMES: Final = SECRET_NAMES[:2]
_V2_NAMES: Final = SECRET_NAMES[2:]
_V3: Final = ("x-plivo-signature-v3", "x-plivo-signature-ma-v3")
_V3_NONCE: Final = "x-plivo-signature-v3-nonce"
_V2: Final = ("x-plivo-signature-v2", "x-plivo-signature-ma-v2")
_V2_NONCE: Final = "x-plivo-signature-v2-nonce"


def verify(callback: Callback, secrets: Mapping[str, str]) -> bool:
    """Whether `callback` is signed with one of `secrets`; anything that cannot be read is not."""
    try:
        return _is_v3(callback, keys_of(secrets, _V3_NAMES)) or _is_v2(callback, keys_of(secrets, _V2_NAMES))
    except ValueError:
        return False


def _is_v3(callback: Callback, keys: list[bytes]) -> bool:
    given, nonce = _given(callback, _V3), callback.headers.get(_V3_NONCE, "")
    if not (given and nonce and keys) or not _is_own_body(callback):
        return False
    tail = f"{signed_tail(callback)}.{nonce}".encode()
    return _is_signed((base.encode() + tail for base in _bases(callback.url)), keys, given)


def _is_v2(callback: Callback, keys: list[bytes]) -> bool:
    given, nonce = _given(callback, _V2), callback.headers.get(_V2_NONCE, "")
    if not (given and nonce and keys):
        return False
    return _is_signed(((base + nonce).encode() for base in _bases(callback.url)), keys, given)


def _is_signed(messages: Iterable[bytes], keys: list[bytes], given: list[bytes]) -> bool:
    return any(is_among(b64encode(hmac_of(key, message)), given) for message in messages for key in keys)


def _bases(url: str) -> Iterator[str]:
    """The URL without its query, in each of its spellings; the one as given first."""
    bare = urlsplit(url)._replace(query="", fragment="").geturl()
    return spellings(bare)


def _given(callback: Callback, names: tuple[str, ...]) -> list[bytes]:
    headers = [callback.headers.get(name, "") for name in names]
    texts = [text.strip() for header in headers for text in header.split(",")[:MOST_SIGNATURES]]
    return [text.encode() for text in texts if text]


def _is_own_body(callback: Callback) -> bool:
    """Whether the signature vouches for the body: only the parameters of a POST's form are signed."""
    return not callback.body or (callback.method != "GET" and is_form(callback.headers))


def signed_tail(callback: Callback) -> str:
    """What V3 signs behind the bare URL, without the nonce; raises ValueError for what is no form."""
    query = urlsplit(callback.url).query
    asked = "&".join(f"{name}={value}" for name, value in sorted(read_form(query.encode())))
    params = read_form(callback.body)
    if callback.method == "GET" or not params:
        return f"?{asked}" if asked else ""
    return f"?{asked}{'.' if asked else ''}{_joined(params)}"


def _joined(params: Params) -> str:
    return "".join(name + value for name, value in sorted(params))
