"""`[verify]` of a mapping: how a request proves who sent it, read and found good."""

import re
from collections.abc import Mapping
from typing import Any, Final

from calltally.providers.generic.mapping import Check, Scheme
from calltally.providers.generic.reading_toml import Document

ALGORITHMS: Final = ("sha256", "sha1", "sha384", "sha512")
ENCODINGS: Final = ("hex", "base64")
SECRET_ENCODINGS: Final = ("text", "base64", "hex")
UNITS: Final = ("s", "ms")
_KEYS: Final = (
    *("scheme", "header", "algorithm", "encoding", "prefix", "part", "separator", "signed"),
    *("timestamp", "timestamp_part", "timestamp_unit", "tolerance_seconds"),
    *("secret_encoding", "secret_prefix"),
)
_PIECE: Final = re.compile(r"\{([a-z]+)(?::([A-Za-z0-9-]{1,64}))?\}")
_NAMED: Final = ("body", "timestamp", "url", "method", "header")
_MOST_PIECES: Final = 20
_MOST_TOLERANCE_S: Final = 86_400


def compile_check(document: Document, told: Any) -> Check | None:  # noqa: ANN401 (TOML)
    """The check that a table says; faults go to the document."""
    if not isinstance(told, dict):
        document.fault("verify", "has to be a table")
        return None
    document.only(told, _KEYS, "verify.")
    scheme = _one_of(document, told, "scheme", ("", *Scheme))
    if not scheme:
        document.fault("verify.scheme", f"is missing; it is one of {', '.join(Scheme)}")
        return None
    texts = {key: document.value(told, key, str, default, f"verify.{key}") for key, default in _TEXTS.items()}
    check = Check(
        scheme=Scheme(scheme),
        algorithm=_one_of(document, told, "algorithm", ALGORITHMS),
        encoding=_one_of(document, told, "encoding", ENCODINGS),
        pieces=_pieces(document, told),
        timestamp_unit=_one_of(document, told, "timestamp_unit", UNITS),
        tolerance_s=document.value(told, "tolerance_seconds", int, 300, "verify.tolerance_seconds"),
        key_encoding=_one_of(document, told, "secret_encoding", SECRET_ENCODINGS),
        key_prefix=texts.pop("secret_prefix"),
        **{**texts, "header": texts["header"].lower(), "timestamp": texts["timestamp"].lower()},
    )
    _check_whole(document, check, told)
    return check


_TEXTS: Final = {
    "header": "authorization",
    "prefix": "",
    "part": "",
    "separator": "",
    "timestamp": "",
    "timestamp_part": "",
    "secret_prefix": "",
}


def _one_of(document: Document, told: Mapping[str, Any], key: str, words: tuple[str, ...]) -> str:
    found = document.value(told, key, str, words[0], f"verify.{key}")
    if found not in words:
        document.fault(
            f"verify.{key}", f"is {found[:40]!r}; it has to be one of {', '.join(filter(None, words))}"
        )
        return words[0]
    return found


def _pieces(document: Document, told: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """`{timestamp}.{body}` as the names of parts, and the texts between them."""
    text = document.value(told, "signed", str, "{body}", "verify.signed")
    pieces: list[tuple[str, str]] = []
    at = 0
    for found in _PIECE.finditer(text):
        pieces += [("text", text[at : found.start()]), (found[1], (found[2] or "").lower())]
        at = found.end()
    pieces.append(("text", text[at:]))
    pieces = [piece for piece in pieces if piece != ("text", "")]
    known = [name for name, _ in pieces if name != "text"]
    if len(pieces) > _MOST_PIECES or any(name not in _NAMED for name in known) or "{" in text[at:]:
        document.fault(
            "verify.signed", "is put together of {body}, {timestamp}, {url}, {method}, {header:NAME}"
        )
    if "body" not in known:
        document.fault("verify.signed", "leaves {body} out: then anybody could change what a request says")
    return tuple(pieces)


def _check_whole(document: Document, check: Check, told: Mapping[str, Any]) -> None:
    signs = check.scheme in (Scheme.HMAC, Scheme.ED25519)
    if signs and "header" not in told:
        document.fault("verify.header", "is missing: say which header has the signature")
    has_time = bool(check.timestamp or check.timestamp_part)
    signed_time = any(name == "timestamp" for name, _ in check.pieces)
    if signed_time and not has_time:
        document.fault("verify.timestamp", "is missing: say which header has the time, or timestamp_part")
    if signs and has_time and not signed_time:
        document.fault("verify.signed", "leaves {timestamp} out, so that an old request could be sent again")
    if not 1 <= check.tolerance_s <= _MOST_TOLERANCE_S:
        document.fault("verify.tolerance_seconds", f"has to be from 1 to {_MOST_TOLERANCE_S}")
