"""Whether a request is signed as a mapping says. Pure; now is the time of receipt."""

from base64 import b64decode
from binascii import Error as NotEncoded
from collections.abc import Mapping
from typing import Final

from calltally.calls.errors import InvalidInput
from calltally.providers import bearer_secret
from calltally.providers.callback import Callback
from calltally.providers.generic.compiling import compile_mapping
from calltally.providers.generic.mapping import Check, Scheme
from calltally.providers.signatures import (
    MOST_HEADER_CHARS,
    MOST_SIGNATURES,
    hmac_of,
    is_among,
    is_fresh,
    parts_of,
    whole_number,
)

MAPPING: Final = "mapping"
_UNIT_US: Final = {"s": 1_000_000, "ms": 1_000}
_ED25519_BYTES: Final = 32


def verify(callback: Callback, secrets: Mapping[str, str]) -> bool:
    """Whether one of the secrets signed the request, by the stored mapping."""
    check = _check_of(secrets.get(MAPPING, ""))
    if check is None:
        return False
    keys = [secrets[name] for name in bearer_secret.SECRET_NAMES if secrets.get(name)]
    if check.scheme in (Scheme.BEARER, Scheme.BASIC):
        return _shows(callback, check, keys)
    return _signs(callback, check, keys)


def _check_of(text: str) -> Check | None:
    try:
        return compile_mapping(text).check if text else None
    except InvalidInput:
        return None


def _shows(callback: Callback, check: Check, keys: list[str]) -> bool:
    header = callback.headers.get(check.header, "")
    if check.header == bearer_secret.HEADER and not check.prefix:
        shown = bearer_secret.shown_in(header)
    else:
        shown = header.removeprefix(check.prefix).encode() if header.startswith(check.prefix) else b""
    return bool(shown) and is_among(shown, [key.encode() for key in keys])


def _signs(callback: Callback, check: Check, keys: list[str]) -> bool:
    header = callback.headers.get(check.header, "")[:MOST_HEADER_CHARS]
    signed_at = _timestamp(callback, check, header)
    if check.timestamp or check.timestamp_part:
        number = whole_number(signed_at)
        if number is None:
            return False
        if not is_fresh(number * _UNIT_US[check.timestamp_unit], callback.received_us, check.tolerance_s):
            return False
    given = [each for each in (_decoded(text, check.encoding) for text in _signatures(header, check)) if each]
    if not given:
        return False
    message = b"".join(_piece(callback, name, what, signed_at) for name, what in check.pieces)
    made = [_fits(check, key, message, given) for key in keys]
    return any(made)


def _timestamp(callback: Callback, check: Check, header: str) -> str:
    if check.timestamp_part:
        return next(iter(parts_of(header).get(check.timestamp_part, [])), "")
    return callback.headers.get(check.timestamp, "")


def _signatures(header: str, check: Check) -> list[str]:
    if check.part:
        return parts_of(header).get(check.part, [])[:MOST_SIGNATURES]
    texts = header.split(check.separator)[:MOST_SIGNATURES] if check.separator else [header]
    return [text.removeprefix(check.prefix) for text in texts if text.startswith(check.prefix)]


def _piece(callback: Callback, name: str, what: str, signed_at: str) -> bytes:
    if name == "body":
        return callback.body
    if name == "header":
        return callback.headers.get(what, "").encode("latin-1", "replace")
    texts = {"text": what, "timestamp": signed_at, "url": callback.url, "method": callback.method}
    return texts[name].encode()


def _fits(check: Check, key: str, message: bytes, given: list[bytes]) -> bool:
    secret = _secret(key.removeprefix(check.key_prefix), check)
    if not secret:
        return False
    if check.scheme is Scheme.HMAC:
        return is_among(hmac_of(secret, message, check.algorithm), given)
    from calltally.providers import ed25519  # deferred: 6 MB, which only its signatures need

    return any(ed25519.is_signed(secret, each, message) for each in given)


def _secret(text: str, check: Check) -> bytes:
    """A public key of Ed25519 is told by its form: 64 digits, or base64."""
    if check.scheme is Scheme.ED25519:
        raw = _decoded(text, "hex") or _decoded(text, "base64")
        return raw if len(raw) == _ED25519_BYTES else b""
    return text.encode() if check.key_encoding == "text" else _decoded(text, check.key_encoding)


def _decoded(text: str, encoding: str) -> bytes:
    try:
        return bytes.fromhex(text) if encoding == "hex" else b64decode(text.encode(), validate=True)
    except (NotEncoded, ValueError):
        return b""
