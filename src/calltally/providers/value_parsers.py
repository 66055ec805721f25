"""How the text of one value is read, whatever the provider: ours out, or why not."""

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias, TypeVar

from calltally.calls.phone import MAX_NUMBER_CHARS, normalise_number

MAX_SID_CHARS: Final = 200
MAX_WORD_CHARS: Final = 200
_MAX_URL_CHARS: Final = 2_000
_MAX_TALK_SECONDS: Final = 30 * 86_400
_MAX_SEQUENCE: Final = 1_000_000
_DIGITS: Final = re.compile(r"\d{1,9}", re.ASCII)
_DECIMAL: Final = re.compile(r"\d{1,9}(\.\d{1,20})?", re.ASCII)
_MONEY: Final = re.compile(r"[+-]?(\d{1,12}(?:\.\d{1,18})?)", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Za-z]{3}", re.ASCII)
_BARE_E164: Final = re.compile(r"[1-9]\d{6,14}", re.ASCII)
_WEB: Final = re.compile(r"https?://[^\s/]", re.ASCII)
T = TypeVar("T")
# Reads one value's text. None is unsaid; raises ValueError with words for the reader.
Parse: TypeAlias = Callable[[str], T | None]


def one_of(words: Mapping[str, T]) -> Parse[T]:
    """Reads a word by its table."""

    def parse(text: str) -> T:
        if text not in words:
            raise ValueError(f"not one of {', '.join(words)}")
        return words[text]

    return parse


def up_to(most_chars: int) -> Parse[str]:
    """Reads text of a bounded length."""

    def parse(text: str) -> str:
        return _bounded(text, most_chars)

    return parse


def between(least: int, most: int) -> Parse[int]:
    """Reads a whole number within bounds."""

    def parse(text: str) -> int:
        if not _DIGITS.fullmatch(text) or not least <= int(text) <= most:
            raise ValueError(f"not a whole number from {least} to {most}")
        return int(text)

    return parse


def number(text: str) -> str:
    """Reads a party: E.164 where it is that; `client:…`, `sip:…` and short numbers as they came."""
    return normalise_number(_bounded(text, MAX_NUMBER_CHARS))


def bare_number(text: str) -> str:
    """Reads a party of a provider that writes E.164 without its plus sign."""
    party = number(text)
    return f"+{party}" if _BARE_E164.fullmatch(party) else party


def link(text: str) -> str:
    """Reads a web address; whatever else a browser would run must not become a link in a page."""
    if not _WEB.match(text):
        raise ValueError("not an http or https address")
    return _bounded(text, _MAX_URL_CHARS)


def seconds(text: str) -> float:
    """Reads a length of talk in seconds, whole or not."""
    if not _DECIMAL.fullmatch(text) or float(text) > _MAX_TALK_SECONDS:
        raise ValueError(f"not a number of seconds from 0 to {_MAX_TALK_SECONDS}")
    return float(text)


def milliseconds(text: str) -> float:
    """Reads a length of talk in milliseconds as seconds."""
    if not _DECIMAL.fullmatch(text):
        raise ValueError("not a number of milliseconds")
    return int(text.partition(".")[0]) / 1_000


def amount(text: str) -> str:
    """Reads money without its sign: a charge is written as a negative amount by some."""
    found = _MONEY.fullmatch(text)
    if not found:
        raise ValueError("not a decimal number")
    return found[1]


def currency(text: str) -> str:
    """Reads a currency's code."""
    if not _CURRENCY.fullmatch(text):
        raise ValueError("not an ISO 4217 code")
    return text.upper()


def sid(text: str) -> str:
    """Reads an id."""
    return _bounded(text, MAX_SID_CHARS)


def word(text: str) -> str:
    """Reads a word of theirs that is kept as it came."""
    return _bounded(text, MAX_WORD_CHARS)


sequence: Final = between(0, _MAX_SEQUENCE)
sip_code: Final = between(100, 699)
q850_cause: Final = between(1, 127)
talk_seconds: Final = between(0, _MAX_TALK_SECONDS)


def _bounded(text: str, most_chars: int) -> str:
    if len(text) > most_chars:
        raise ValueError(f"{len(text)} characters, more than {most_chars}")
    if "\0" in text:
        raise ValueError("holds a NUL character")
    # JSON can write half of a pair of surrogates, which no database takes.
    if not text.isascii():
        text.encode()
    return text
