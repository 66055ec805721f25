"""Parsers of single text values, shared by all providers."""

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
# The user part of the URI, before its parameters, its password and its host.
_SIP_NUMBER: Final = re.compile(r"(?:sips?|tel):(\+?\d{7,15})(?=[;:@>?]|$)", re.ASCII | re.IGNORECASE)
_WEB: Final = re.compile(r"https?://[^\s/]", re.ASCII)
T = TypeVar("T")
# Parses one value's text. None means no value; ValueError has a message for users.
Parse: TypeAlias = Callable[[str], T | None]


def one_of(words: Mapping[str, T]) -> Parse[T]:
    """Return a parser that maps a word by a table."""

    def parse(text: str) -> T:
        if text not in words:
            raise ValueError(f"not one of {', '.join(words)}")
        return words[text]

    return parse


def known(words: Mapping[str, T]) -> Parse[T]:
    """Return a parser that maps a word by a table. Other words give no value: another field states them."""
    return words.get


def up_to(max_chars: int) -> Parse[str]:
    """Return a parser of text with a maximum length."""

    def parse(text: str) -> str:
        return _bounded(text, max_chars)

    return parse


def between(minimum: int, maximum: int) -> Parse[int]:
    """Return a parser of whole numbers within bounds."""

    def parse(text: str) -> int:
        if not _DIGITS.fullmatch(text) or not minimum <= int(text) <= maximum:
            raise ValueError(f"not a whole number from {minimum} to {maximum}")
        return int(text)

    return parse


def number(text: str) -> str:
    """Parse a party: normalise E.164; leave `client:…`, `sip:…` and short numbers unchanged."""
    return normalise_number(_bounded(text, MAX_NUMBER_CHARS))


def bare_number(text: str) -> str:
    """Parse a party of a provider that writes E.164 without its plus sign."""
    party = number(text)
    return f"+{party}" if _BARE_E164.fullmatch(party) else party


def sip_number(text: str) -> str:
    """Parse the E.164 number in a SIP or tel URI, also with a display name; leave other URIs unchanged."""
    found = _SIP_NUMBER.search(_bounded(text, MAX_NUMBER_CHARS))
    return bare_number(found[1]) if found else number(text.strip())


def link(text: str) -> str:
    """Parse a web address. Other schemes are refused: a browser could run such a link in a page."""
    if not _WEB.match(text):
        raise ValueError("not an http or https address")
    return _bounded(text, _MAX_URL_CHARS)


def seconds(text: str) -> float:
    """Parse a talk time in seconds, with or without a fraction."""
    if not _DECIMAL.fullmatch(text) or float(text) > _MAX_TALK_SECONDS:
        raise ValueError(f"not a number of seconds from 0 to {_MAX_TALK_SECONDS}")
    return float(text)


def milliseconds(text: str) -> float:
    """Parse a talk time in milliseconds to seconds."""
    if not _DECIMAL.fullmatch(text):
        raise ValueError("not a number of milliseconds")
    return int(text.partition(".")[0]) / 1_000


def amount(text: str) -> str:
    """Parse an amount of money without its sign: some providers write a charge as a negative amount."""
    found = _MONEY.fullmatch(text)
    if not found:
        raise ValueError("not a decimal number")
    return found[1]


def currency(text: str) -> str:
    """Parse an ISO 4217 currency code."""
    if not _CURRENCY.fullmatch(text):
        raise ValueError("not an ISO 4217 code")
    return text.upper()


def cost_in(code: str) -> Parse[dict[str, str]]:
    """Return a parser of amounts in one currency, for providers that name none."""

    def parse(text: str) -> dict[str, str]:
        return {"amount": amount(text), "currency": code}

    return parse


def sip_code(text: str) -> int | None:
    """Parse a SIP response. Twilio and jambonz write 0 if there was none."""
    return None if text == "0" else _sip_response(text)


def labelled(name: str) -> Parse[dict[str, str]]:
    """Return a parser of an id that a record keeps in its metadata under a name."""

    def parse(text: str) -> dict[str, str]:
        return {name: sid(text)}

    return parse


def sid(text: str) -> str:
    """Parse an id."""
    return _bounded(text, MAX_SID_CHARS)


def word(text: str) -> str:
    """Parse a provider's word without a change."""
    return _bounded(text, MAX_WORD_CHARS)


sequence: Final = between(0, _MAX_SEQUENCE)
_sip_response: Final = between(100, 699)
q850_cause: Final = between(1, 127)
talk_seconds: Final = between(0, _MAX_TALK_SECONDS)


def _bounded(text: str, max_chars: int) -> str:
    if len(text) > max_chars:
        raise ValueError(f"{len(text)} characters, more than {max_chars}")
    if "\0" in text:
        raise ValueError("contains a NUL character")
    # JSON can contain an unpaired surrogate, which no database accepts.
    if not text.isascii():
        text.encode()
    return text
