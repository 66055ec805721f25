"""Verification of requests by the rules of a mapping. Pure; the current time is the time of receipt."""

from base64 import b64decode, b64encode
from binascii import Error as NotEncoded
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import msgspec

from calltally.calls.errors import InvalidInput, NotUnderstood
from calltally.calls.times import parse_instant
from calltally.providers import bearer_secret, jwt_tokens
from calltally.providers.callback import Callback
from calltally.providers.form import MAX_FORM_BYTES, require_form
from calltally.providers.generic.mapping import VerificationRules, VerificationScheme
from calltally.providers.generic.mapping_compiler import compile_mapping
from calltally.providers.generic.paths import Step, find
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
# Bodies that are parsed before they are verified.
_MAX_PARSED_BYTES: Final = 256 * 1024
# Each Ed25519 verification hashes the body: bound their number, and the body.
_MAX_ED25519_BYTES: Final = 512 * 1024
_MAX_ED25519_SIGNATURES: Final = 2
_NULL: Final = msgspec.Raw(b"null")
_any_decoder: Final = msgspec.json.Decoder()
_object_decoder: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TOKEN_ALGORITHMS: Final = {
    VerificationScheme.JWT_HS256: jwt_tokens.HS256,
    VerificationScheme.JWT_RS256: jwt_tokens.RS256,
}


def verify(callback: Callback, secrets: Mapping[str, str]) -> bool:
    """Return whether one of the secrets signs the request, by the rules of the stored mapping."""
    rules = rules_of(secrets)
    if rules is None:
        return False
    keys = [secrets[name] for name in bearer_secret.SECRET_NAMES if secrets.get(name)]
    if rules.scheme in (VerificationScheme.BEARER, VerificationScheme.BASIC):
        return _presents_secret(callback, rules, keys)
    if rules.scheme is VerificationScheme.BODY:
        return _contains_secret(callback, rules, keys)
    if rules.scheme in _TOKEN_ALGORITHMS:
        return _has_token(callback, rules, keys)
    return _is_signed(callback, rules, keys)


def rules_of(secrets: Mapping[str, str]) -> VerificationRules | None:
    """Return the rules of the stored mapping; None without a valid one."""
    text = secrets.get(MAPPING, "")
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


def _contains_secret(callback: Callback, rules: VerificationRules, keys: list[str]) -> bool:
    """Return whether a body, a JSON object or a form, contains one of the secrets.

    Anybody can send a body, so a long one is refused.
    """
    if rules.secret_path is None or len(callback.body) > _MAX_PARSED_BYTES:
        return False
    try:
        presented = _find_in_body(callback.body, rules.secret_path.steps)
    except (NotUnderstood, ValueError, RecursionError):
        return False
    if not isinstance(presented, str) or not presented:
        return False
    return is_among(presented.encode(errors="replace"), [key.encode() for key in keys])


def _find_in_body(body: bytes, steps: tuple[Step, ...]) -> object:
    """Return the value at a path without decoding the rest; raise ValueError or NotUnderstood.

    Decoding all of 256 KiB of empty lists would take 20 ms.
    """
    if body.lstrip()[:1] != b"{":
        return find(dict(require_form(body)), steps) if len(body) <= MAX_FORM_BYTES else None
    value = msgspec.Raw(body)
    for at, step in enumerate(steps):
        if not isinstance(step, str):
            return find(_any_decoder.decode(value), steps[at:]) if len(value) <= MAX_FORM_BYTES else None
        value = _object_decoder.decode(value).get(step, _NULL)
    return _any_decoder.decode(value) if len(value) <= MAX_HEADER_CHARS else None


def _has_token(callback: Callback, rules: VerificationRules, keys: list[str]) -> bool:
    """Return whether a request has a current token of one of the keys, with the digest of its body."""
    header = callback.headers.get(rules.header, "")
    prefix = rules.prefix or ("Bearer " if rules.header == bearer_secret.HEADER else "")
    token = jwt_tokens.parse_token(header.removeprefix(prefix).strip())
    if token is None or not jwt_tokens.is_current(token, callback.received_us, rules.tolerance_s):
        return False
    audiences = token.claims.get("aud")
    listed = audiences if isinstance(audiences, list) else [audiences]
    if (rules.issuer and token.claims.get("iss") != rules.issuer) or (
        rules.audience and rules.audience not in listed
    ):
        return False
    if not jwt_tokens.is_signed(token, _TOKEN_ALGORITHMS[rules.scheme], keys):
        return False
    # Last, so that a forged token costs no hash of the body.
    return not rules.digest_claim or _is_digest(callback.body, token.claims.get(rules.digest_claim), rules)


def _is_digest(body: bytes, claim: object, rules: VerificationRules) -> bool:
    given = _decode(claim, rules.digest_encoding) if isinstance(claim, str) else b""
    return bool(given) and is_among(sha256(body).digest(), [given])


def _is_signed(callback: Callback, rules: VerificationRules, keys: list[str]) -> bool:
    header = callback.headers.get(rules.header, "")[:MAX_HEADER_CHARS]
    signed_at = _timestamp(callback, rules, header)
    if rules.timestamp or rules.timestamp_part:
        signed_at_us = _instant_us(signed_at, rules.timestamp_unit)
        if signed_at_us is None or not is_fresh(signed_at_us, callback.received_us, rules.tolerance_s):
            return False
    given = [each for each in (_decode(text, rules.encoding) for text in _signatures(header, rules)) if each]
    if rules.scheme is VerificationScheme.ED25519:
        given = given[:_MAX_ED25519_SIGNATURES] if len(callback.body) <= _MAX_ED25519_BYTES else []
    if not given:
        return False
    message = b"".join(_piece(callback, name, argument, signed_at) for name, argument in rules.pieces)
    matches = [_matches(rules, key, message, given) for key in keys]
    return any(matches)


def _timestamp(callback: Callback, rules: VerificationRules, header: str) -> str:
    if rules.timestamp_part:
        return next(iter(header_params(header).get(rules.timestamp_part, [])), "")
    return callback.headers.get(rules.timestamp, "")


def _instant_us(text: str, unit: str) -> int | None:
    if unit in _UNIT_US:
        number = parse_whole_number(text)
        return None if number is None else number * _UNIT_US[unit]
    try:
        return parse_instant(text)
    except ValueError:
        return None


def _signatures(header: str, rules: VerificationRules) -> list[str]:
    if rules.part:
        return header_params(header).get(rules.part, [])[:MAX_SIGNATURES]
    texts = header.split(rules.separator)[:MAX_SIGNATURES] if rules.separator else [header]
    return [text.removeprefix(rules.prefix) for text in texts if text.startswith(rules.prefix)]


def _piece(callback: Callback, name: str, argument: str, signed_at: str) -> bytes:
    if name == "body":
        return callback.body
    if name == "body_sha256":
        return sha256(callback.body).hexdigest().encode()
    if name == "body_sha256_base64":
        return b64encode(sha256(callback.body).digest())
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
