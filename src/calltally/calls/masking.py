"""Masking of people's telephone numbers in records, facts and text, for keys that may not read them.

Masking hides the telephone number, not the call. The last two digits stay, so that a reader who knows a
number can distinguish its calls from others.

JSON is decoded first: in its raw bytes, an escaped line end before a number looks like a letter beside it.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import msgspec

HIDDEN: Final = "***"
# Two digits would identify an office extension of this length or less.
_SHORT_DIGITS: Final = 4
# Deeper than any valid metadata; deeper values are hidden completely.
_MAX_DEPTH: Final = 64

_NUMBER: Final = re.compile(r"\+?[\s().\-/]*\d[\d\s().\-/]*", re.ASCII)
_MASKED: Final = re.compile(r"\+?\*+\d{0,2}|[a-z]+:\*{3}", re.ASCII)
_ADDRESS: Final = re.compile(r"([a-z][a-z0-9+.-]*):.+", re.ASCII | re.IGNORECASE | re.DOTALL)
# Fields that contain only a party, and one that may contain a word instead.
_PARTY_ONLY_FIELDS: Final = frozenset({"from_number", "to_number", "number"})
_TARGET: Final = "target"
_PARTY_FIELDS: Final = _PARTY_ONLY_FIELDS | {_TARGET}
# Fields whose structure and names the sender chooses.
_FREE_FORM_FIELDS: Final = frozenset({"metadata", "arguments", "result", "details"})
# Ids, times and names, by which calls are looked up. All other fields are text.
_NAME_FIELDS: Final = frozenset(
    {
        *("id", "route", "agent", "agent_key", "provider", "provider_account", "account", "tenant", "name"),
        *("status", "amount", "snapshot", "next", "url", "host", "secret", "sha256", "cause", "facet"),
    }
)
_NAME_SUFFIXES: Final = ("_id", "_sid", "_at", "_ids", "_until")
_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder()
_VISIBLE_DIGITS: Final = 2
# Shorter runs of digits are ambiguous.
_MIN_DIGITS: Final = 7

# Spaces, brackets, dots and dashes of all kinds, and invisible characters. No line ends.
_SPACES: Final = r" \u00a0\u2000-\u200a\u202f\u3000"
_MARKS: Final = r"().\-/\u00b7\u2010-\u2015\u2212\uff08\uff09\uff0d\uff0e"
_INVISIBLE: Final = r"\u00ad\u200b-\u200f\u2060\ufeff"
_BETWEEN: Final = f"[{_SPACES}{_MARKS}{_INVISIBLE}]{{0,4}}"
_PLUS: Final = r"(?:[+\uff0b]|%2[Bb])"
_NUMBER_IN_TEXT: Final = rf"(?:{_PLUS}{_BETWEEN})?\d(?:{_BETWEEN}\d){{{_MIN_DIGITS - 1},}}"
_CLOCK: Final = r"(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?)?"
_ISO_DATE: Final = rf"(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]){_CLOCK}"
_WRITTEN_DATE: Final = r"(?:0?[1-9]|[12]\d|3[01])[./-](?:0?[1-9]|[12]\d|3[01])[./-](?:19|20)\d\d"
_DATE: Final = rf"(?<![\d+])(?<![\d+][./-])(?:{_ISO_DATE}|{_WRITTEN_DATE})(?![./-]?\d)"
_UUID: Final = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![0-9A-Za-z])"
# Digits with letters between them, but not a number with its extension.
_ID: Final = r"[A-Za-z]*+[0-9]++(?!x[0-9]|ext)[A-Za-z]++[0-9][0-9A-Za-z]*+"
_NOT_MASKED: Final = rf"(?<![0-9A-Za-z%])(?:{_UUID}|{_ID})|(?=\d){_DATE}"
_SIGN: Final = re.compile(_PLUS)
_NO_DIGITS: Final = re.compile(r"\D+")
_TEXT: Final = re.compile(rf"(?P<unmasked>{_NOT_MASKED})|(?=[\d+\uff0b%]){_NUMBER_IN_TEXT}")
# Most texts have too few digits; this check needs a tenth of the time.
_MAYBE: Final = re.compile(rf"(?:\d\D{{0,4}}){{{_MIN_DIGITS - 1}}}\d")
_E164: Final = re.compile(rf"{_PLUS}[1-9][0-9]{{{_MIN_DIGITS - 1},}}")


@lru_cache(maxsize=4_096)
def masked_number(text: str) -> str:
    """Return `+14155550123` as `+*********23`, `sip:someone@…` as `sip:***`; masked texts stay unchanged."""
    if _MASKED.fullmatch(text):
        return text
    if _NUMBER.fullmatch(text):
        return hidden_digits(text, _SHORT_DIGITS)
    address = _ADDRESS.fullmatch(text)
    return f"{address[1].lower()}:{HIDDEN}" if address else HIDDEN


def mask_json(document: bytes) -> bytes:
    """Return JSON with people's numbers masked. Linear in the document.

    Values of party fields are masked in any form, texts by `mask_text`, and ids and names by `mask_name`.
    """
    return _encoder.encode(_masked("", _decoder.decode(document), 0))


def mask_lines(records: bytes) -> bytes:
    return b"\n".join([mask_json(record) for record in records.split(b"\n")])


def _masked(name: str, value: Any, depth: int) -> Any:  # noqa: ANN401 (JSON may be anything)
    """Mask the value of a field that Calltally defines."""
    if value is None:
        return None
    if isinstance(value, str):
        return _rule_of(name)(value)
    if name in _FREE_FORM_FIELDS or depth > _MAX_DEPTH:
        return _masked_free(name, value, depth)
    if isinstance(value, dict):
        return {key: _masked(key, each, depth + 1) for key, each in value.items()}
    return [_masked(name, each, depth + 1) for each in value] if isinstance(value, list) else value


def _masked_free(name: str, value: Any, depth: int) -> Any:  # noqa: ANN401
    """Mask a value of the sender's own structure. Names are texts too, and numbers may be JSON numbers."""
    if depth > _MAX_DEPTH:
        return HIDDEN
    if isinstance(value, dict):
        return {mask_text(key): _masked_free(key, each, depth + 1) for key, each in value.items()}
    if isinstance(value, list):
        return [_masked_free(name, each, depth + 1) for each in value]
    if isinstance(value, str):
        return _rule_of(name)(value) if name in _PARTY_FIELDS else mask_text(value)
    return _masked_digits(name, value)


def _masked_digits(name: str, value: Any) -> Any:  # noqa: ANN401
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
    if not is_number:
        return value
    text = str(abs(int(value)))
    hidden = masked_number(text) if name in _PARTY_ONLY_FIELDS else mask_text(text)
    return value if hidden == text else hidden


@lru_cache(maxsize=512)
def _rule_of(name: str) -> Callable[[str], str]:
    """Return the masking function for texts of a field."""
    if name in _PARTY_ONLY_FIELDS:
        return masked_number
    if name == _TARGET:
        return _masked_target
    return mask_name if name in _NAME_FIELDS or name.endswith(_NAME_SUFFIXES) else mask_text


def _masked_target(text: str) -> str:
    """Mask a number or an address; mask a word, such as the name of a desk, as text."""
    is_party = _NUMBER.fullmatch(text) or _ADDRESS.fullmatch(text) or "@" in text
    return masked_number(text) if is_party else mask_text(text)


def hidden_digits(text: str, short: int = 0) -> str:
    """Return a number as asterisks and its last two digits; all asterisks for at most `short` digits."""
    sign = _SIGN.match(text)
    digits = _NO_DIGITS.sub("", text[sign.end() :] if sign else text)
    hidden = len(digits) - (_VISIBLE_DIGITS if len(digits) > short else 0)
    return f"{sign[0] if sign else ''}{'*' * hidden}{digits[hidden:]}"


def mask_text(text: str) -> str:
    """Mask every run of seven digits or more; dates, UUIDs and ids of letters and digits stay."""
    return _TEXT.sub(_hidden_unless_exempt, text) if _MAYBE.search(text) else text


def mask_name(text: str) -> str:
    """Mask only E.164 numbers with a plus sign: other digits in ids and names have a meaning."""
    return _E164.sub(lambda found: hidden_digits(found[0]), text) if "+" in text or "%2" in text else text


def _hidden_unless_exempt(found: re.Match[str]) -> str:
    return found[0] if found["unmasked"] is not None else hidden_digits(found[0])
