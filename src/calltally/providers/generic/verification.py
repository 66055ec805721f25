"""Compiler of a mapping's `[verify]` table: the authentication of requests."""

import re
from collections.abc import Mapping
from typing import Any, Final

from calltally.providers.generic.field_compiler import compile_path_at
from calltally.providers.generic.mapping import Handshake, VerificationRules, VerificationScheme
from calltally.providers.generic.toml_document import TomlDocument

ALGORITHMS: Final = ("sha256", "sha1", "sha384", "sha512")
ENCODINGS: Final = ("hex", "base64")
SECRET_ENCODINGS: Final = ("text", "base64", "hex")
UNITS: Final = ("s", "ms", "iso8601")
_KEYS: Final = (
    *("scheme", "header", "algorithm", "encoding", "prefix", "part", "separator", "signed"),
    *("timestamp", "timestamp_part", "timestamp_unit", "tolerance_seconds"),
    *("secret_encoding", "secret_prefix", "secret_path", "challenge"),
    *("digest_claim", "digest_encoding", "issuer", "audience"),
)
_PIECE_PATTERN: Final = re.compile(r"\{([a-z0-9_]+)(?::([A-Za-z0-9-]{1,64}))?\}")
_BODY_PIECES: Final = ("body", "body_sha256", "body_sha256_base64")
_PIECE_NAMES: Final = (*_BODY_PIECES, "timestamp", "url", "method", "header")
_MAX_PIECES: Final = 20
_MAX_TOLERANCE_S: Final = 86_400


def compile_verification(document: TomlDocument, table: Any) -> VerificationRules | None:  # noqa: ANN401 (TOML)
    """Compile the rules of a table; add its faults to the document."""
    if not isinstance(table, dict):
        document.fault("verify", "must be a table")
        return None
    document.check_keys(table, _KEYS, "verify.")
    scheme = _choice(document, table, "scheme", ("", *VerificationScheme))
    if not scheme:
        document.fault("verify.scheme", f"is missing; it is one of {', '.join(VerificationScheme)}")
        return None
    texts = {
        key: document.value(table, key, str, default, f"verify.{key}") for key, default in _TEXT_KEYS.items()
    }
    rules = VerificationRules(
        scheme=VerificationScheme(scheme),
        algorithm=_choice(document, table, "algorithm", ALGORITHMS),
        encoding=_choice(document, table, "encoding", ENCODINGS),
        pieces=_pieces(document, table),
        timestamp_unit=_choice(document, table, "timestamp_unit", UNITS),
        tolerance_s=document.value(table, "tolerance_seconds", int, 300, "verify.tolerance_seconds"),
        key_encoding=_choice(document, table, "secret_encoding", SECRET_ENCODINGS),
        key_prefix=texts.pop("secret_prefix"),
        digest_encoding=_choice(document, table, "digest_encoding", ENCODINGS),
        secret_path=compile_path_at(document, table["secret_path"], "verify.secret_path")
        if "secret_path" in table
        else None,
        challenge=_challenge(document, table),
        **{**texts, "header": texts["header"].lower(), "timestamp": texts["timestamp"].lower()},
    )
    _check_consistency(document, rules, table)
    return rules


_TEXT_KEYS: Final = {
    "header": "authorization",
    "prefix": "",
    "part": "",
    "separator": "",
    "timestamp": "",
    "timestamp_part": "",
    "secret_prefix": "",
    "digest_claim": "",
    "issuer": "",
    "audience": "",
}


def _challenge(document: TomlDocument, table: Mapping[str, Any]) -> Handshake | None:
    name = _choice(document, table, "challenge", ("", *Handshake))
    return Handshake(name) if name else None


def _choice(document: TomlDocument, table: Mapping[str, Any], key: str, words: tuple[str, ...]) -> str:
    found = document.value(table, key, str, words[0], f"verify.{key}")
    if found not in words:
        document.fault(
            f"verify.{key}", f"is {found[:40]!r}; it must be one of {', '.join(filter(None, words))}"
        )
        return words[0]
    return found


def _pieces(document: TomlDocument, table: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Parse `{timestamp}.{body}` into pairs of a piece name and its argument or text."""
    text = document.value(table, "signed", str, "{body}", "verify.signed")
    pieces: list[tuple[str, str]] = []
    at = 0
    for found in _PIECE_PATTERN.finditer(text):
        pieces += [("text", text[at : found.start()]), (found[1], (found[2] or "").lower())]
        at = found.end()
    pieces.append(("text", text[at:]))
    pieces = [piece for piece in pieces if piece != ("text", "")]
    names = [name for name, _ in pieces if name != "text"]
    if len(pieces) > _MAX_PIECES or any(name not in _PIECE_NAMES for name in names) or "{" in text[at:]:
        document.fault(
            "verify.signed",
            "may contain text and {body}, {body_sha256}, {body_sha256_base64}, {timestamp}, {url}, {method},"
            " {header:NAME} only",
        )
    if not set(_BODY_PIECES).intersection(names):
        document.fault(
            "verify.signed", "leaves {body} out: anybody could change the content of a request. Add {body}"
        )
    if sum(name in _BODY_PIECES for name in names) > 1:
        document.fault("verify.signed", "has the body more than once: each costs a hash. Name it once")
    return tuple(pieces)


def _check_consistency(document: TomlDocument, rules: VerificationRules, table: Mapping[str, Any]) -> None:
    if (rules.scheme is VerificationScheme.BODY) != (rules.secret_path is not None):
        document.fault("verify.secret_path", "is the path of the secret; the scheme `body` needs it")
    if rules.challenge is Handshake.ZOOM and rules.scheme is not VerificationScheme.HMAC:
        document.fault("verify.challenge", "the handshake of zoom needs the scheme `hmac`")
    signs = rules.scheme in (VerificationScheme.HMAC, VerificationScheme.ED25519)
    if signs and "header" not in table:
        document.fault("verify.header", "is missing: name the header with the signature")
    has_time = bool(rules.timestamp or rules.timestamp_part)
    signed_time = any(name == "timestamp" for name, _ in rules.pieces)
    if signed_time and not has_time:
        document.fault("verify.timestamp", "is missing: name the header with the time, or set timestamp_part")
    if signs and has_time and not signed_time:
        document.fault(
            "verify.signed",
            "leaves {timestamp} out: anybody could send an old request again. Add {timestamp}",
        )
    if not 1 <= rules.tolerance_s <= _MAX_TOLERANCE_S:
        document.fault("verify.tolerance_seconds", f"must be from 1 to {_MAX_TOLERANCE_S}")
