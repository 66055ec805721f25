"""Verification of requests by the rules of a mapping. Pure; the current time is the time of receipt."""

from base64 import b64decode
from binascii import Error as NotEncoded
from collections.abc import Mapping
from typing import Final

from calltally.calls.errors import InvalidInput
from calltally.providers import bearer_secret
from calltally.providers.callback import Callback
from calltally.providers.generic.mapping import VerificationRules, VerificationScheme
from calltally.providers.generic.mapping_compiler import compile_mapping
from calltally.providers.signatures import (
    MAX_HEADER_CHARS,
    MAX_SIGNATURES,
    header_params,
    hmac_of,
    is_among,
    is_fresh,
    parse_whole_number,
)

MAPPING: Final = "mapping"
_UNIT_US: Final = {"s": 1_000_000, "ms": 1_000}
_ED25519_BYTES: Final = 32


def verify(callback: Callback, secrets: Mapping[str, str]) -> bool:
    """Return whether one of the secrets signs the request, by the rules of the stored mapping."""
    rules = _rules_of(secrets.get(MAPPING, ""))
    if rules is None:
        return False
    keys = [secrets[name] for name in bearer_secret.SECRET_NAMES if secrets.get(name)]
    if rules.scheme in (VerificationScheme.BEARER, VerificationScheme.BASIC):
        return _presents_secret(callback, rules, keys)
    return _is_signed(callback, rules, keys)


def _rules_of(text: str) -> VerificationRules | None:
    try:
        return compile_mapping(text).verification if text else None
    except InvalidInput:
        return None


def _presents_secret(callback: Callback, rules: VerificationRules, keys: list[str]) -> bool:
    header = callback.headers.get(rules.header, "")
    if rules.header == bearer_secret.HEADER and not rules.prefix:
        presented = bearer_secret.presented_secret(header)
    else:
        presented = header.removeprefix(rules.prefix).encode() if header.startswith(rules.prefix) else b""
    return bool(presented) and is_among(presented, [key.encode() for key in keys])


def _is_signed(callback: Callback, rules: VerificationRules, keys: list[str]) -> bool:
    header = callback.headers.get(rules.header, "")[:MAX_HEADER_CHARS]
    signed_at = _timestamp(callback, rules, header)
    if rules.timestamp or rules.timestamp_part:
        number = parse_whole_number(signed_at)
        if number is None:
            return False
        if not is_fresh(number * _UNIT_US[rules.timestamp_unit], callback.received_us, rules.tolerance_s):
            return False
    given = [each for each in (_decode(text, rules.encoding) for text in _signatures(header, rules)) if each]
    if not given:
        return False
    message = b"".join(_piece(callback, name, argument, signed_at) for name, argument in rules.pieces)
    matches = [_matches(rules, key, message, given) for key in keys]
    return any(matches)


def _timestamp(callback: Callback, rules: VerificationRules, header: str) -> str:
    if rules.timestamp_part:
        return next(iter(header_params(header).get(rules.timestamp_part, [])), "")
    return callback.headers.get(rules.timestamp, "")


def _signatures(header: str, rules: VerificationRules) -> list[str]:
    if rules.part:
        return header_params(header).get(rules.part, [])[:MAX_SIGNATURES]
    texts = header.split(rules.separator)[:MAX_SIGNATURES] if rules.separator else [header]
    return [text.removeprefix(rules.prefix) for text in texts if text.startswith(rules.prefix)]


def _piece(callback: Callback, name: str, argument: str, signed_at: str) -> bytes:
    if name == "body":
        return callback.body
    if name == "header":
        return callback.headers.get(argument, "").encode("latin-1", "replace")
    texts = {"text": argument, "timestamp": signed_at, "url": callback.url, "method": callback.method}
    return texts[name].encode()


def _matches(rules: VerificationRules, key: str, message: bytes, given: list[bytes]) -> bool:
    secret = _key_bytes(key.removeprefix(rules.key_prefix), rules)
    if not secret:
        return False
    if rules.scheme is VerificationScheme.HMAC:
        return is_among(hmac_of(secret, message, rules.algorithm), given)
    from calltally.providers import ed25519  # deferred: takes 6 MB, and only Ed25519 signatures need it

    return any(ed25519.is_signed(secret, each, message) for each in given)


def _key_bytes(text: str, rules: VerificationRules) -> bytes:
    """Decode a key. A public key of Ed25519 is 64 hexadecimal digits or base64."""
    if rules.scheme is VerificationScheme.ED25519:
        raw = _decode(text, "hex") or _decode(text, "base64")
        return raw if len(raw) == _ED25519_BYTES else b""
    return text.encode() if rules.key_encoding == "text" else _decode(text, rules.key_encoding)


def _decode(text: str, encoding: str) -> bytes:
    try:
        return bytes.fromhex(text) if encoding == "hex" else b64decode(text.encode(), validate=True)
    except (NotEncoded, ValueError):
        return b""
