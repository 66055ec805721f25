"""Numbers of people, hidden from keys that may not see them: in records, in what was said of a call, in text.

What is hidden is the telephone number, not the call: the last two digits stay, so that two calls of one
number can be told from two of others by somebody who knows it.

JSON is decoded for it: in its bytes a line end before a number is a letter beside it.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import msgspec

from calltally.calls.numbers_in_text import hidden_digits, mask_name, mask_text

HIDDEN: Final = "***"
# Of an extension of an office even two digits would tell who it is.
_SHORT_DIGITS: Final = 4
# Deeper than any metadata may be; what lies below is hidden as a whole.
_MOST_DEPTH: Final = 64

_NUMBER: Final = re.compile(r"\+?[\s().\-/]*\d[\d\s().\-/]*", re.ASCII)
_MASKED: Final = re.compile(r"\+?\*+\d{0,2}|[a-z]+:\*{3}", re.ASCII)
_ADDRESS: Final = re.compile(r"([a-z][a-z0-9+.-]*):.+", re.ASCII | re.IGNORECASE | re.DOTALL)
# Names under which only a party stands, and one under which there may be a word.
_PARTIES: Final = frozenset({"from_number", "to_number", "number"})
_TARGET: Final = "target"
_OF_PARTIES: Final = _PARTIES | {_TARGET}
# Of any shape, under names that their sender chose.
_FREE: Final = frozenset({"metadata", "arguments", "result", "details"})
# Ids, times and names, by which calls are found again. All else is text.
_NAMES: Final = frozenset(
    {
        *("id", "route", "agent", "agent_key", "provider", "provider_account", "account", "tenant", "name"),
        *("status", "amount", "snapshot", "next", "url", "host", "secret", "sha256", "cause", "facet"),
    }
)
_NAME_ENDS: Final = ("_id", "_sid", "_at", "_ids", "_until")
_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder()


@lru_cache(maxsize=4_096)
def masked_number(text: str) -> str:
    """`+14155550123` as `+*********23`, `sip:someone@…` as `sip:***`; what is masked stays as it is."""
    if _MASKED.fullmatch(text):
        return text
    if _NUMBER.fullmatch(text):
        return hidden_digits(text, _SHORT_DIGITS)
    address = _ADDRESS.fullmatch(text)
    return f"{address[1].lower()}:{HIDDEN}" if address else HIDDEN


def mask_json(document: bytes) -> bytes:
    """Return JSON with the numbers of people hidden. Linear in the document.

    Numbers under their own names whatever their form, in texts as `mask_text` finds them, and in ids and
    names those of E.164 with their plus sign.
    """
    return _encoder.encode(_masked("", _decoder.decode(document), 0))


def mask_lines(records: bytes) -> bytes:
    """The same of records, one a line."""
    return b"\n".join([mask_json(record) for record in records.split(b"\n")])


def _masked(name: str, value: Any, depth: int) -> Any:  # noqa: ANN401 (JSON may be anything)
    """Mask the value of a field of ours."""
    if value is None:
        return None
    if isinstance(value, str):
        return _rule_of(name)(value)
    if name in _FREE or depth > _MOST_DEPTH:
        return _masked_free(name, value, depth)
    if isinstance(value, dict):
        return {key: _masked(key, each, depth + 1) for key, each in value.items()}
    return [_masked(name, each, depth + 1) for each in value] if isinstance(value, list) else value


def _masked_free(name: str, value: Any, depth: int) -> Any:  # noqa: ANN401
    """Mask a value that its sender shaped: names are texts too, and a number may be one of JSON."""
    if depth > _MOST_DEPTH:
        return HIDDEN
    if isinstance(value, dict):
        return {mask_text(key): _masked_free(key, each, depth + 1) for key, each in value.items()}
    if isinstance(value, list):
        return [_masked_free(name, each, depth + 1) for each in value]
    if isinstance(value, str):
        return _rule_of(name)(value) if name in _OF_PARTIES else mask_text(value)
    return _masked_digits(name, value)


def _masked_digits(name: str, value: Any) -> Any:  # noqa: ANN401
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
    if not is_number:
        return value
    text = str(abs(int(value)))
    hidden = masked_number(text) if name in _PARTIES else mask_text(text)
    return value if hidden == text else hidden


@lru_cache(maxsize=512)
def _rule_of(name: str) -> Callable[[str], str]:
    """Return how a text under that name is masked."""
    if name in _PARTIES:
        return masked_number
    if name == _TARGET:
        return _masked_target
    return mask_name if name in _NAMES or name.endswith(_NAME_ENDS) else mask_text


def _masked_target(text: str) -> str:
    """Mask a number or an address; a word, as of a desk, is a text."""
    is_party = _NUMBER.fullmatch(text) or _ADDRESS.fullmatch(text) or "@" in text
    return masked_number(text) if is_party else mask_text(text)
