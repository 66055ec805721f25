"""Telephone numbers: normalised to E.164 (ITU-T) if possible, otherwise unchanged."""

import re
from typing import Final

_PUNCTUATION: Final = re.compile(r"[\s().\-/]+")
_E164: Final = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
# Punctuation that the statements on stored numbers leave out.
_STORED: Final = str.maketrans("", "", " ().-/")
MAX_NUMBER_CHARS: Final = 128
# Fewer digits are a number of their own, such as 911, and not the end of one.
MIN_ENDING_DIGITS: Final = 4
# Spaces, dashes and plus signs of word processors and web pages.
_SPACES: Final = "\u00a0\u2007\u2009\u202f\u3000"
_DASHES: Final = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d"
# Marks of direction that address books copy along, and quotes of spreadsheets and CSV files.
_DIRECTIONS: Final = "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
_QUOTES: Final = "\"'\u2018\u2019\u201c\u201d"
# All that `plain_number` removes from the beginning of a number, as the members of a character class.
LEADING: Final = (
    r"\u0022\u0027\u0085\u00a0\u1680\u2000-\u200b\u200e\u200f\u2018\u2019\u201c\u201d\u2028-\u202f\u205f"
    r"\u2066-\u2069\u3000\ufeff"
)
_PLAIN: Final = str.maketrans(
    {
        **dict.fromkeys(_SPACES, " "),
        **dict.fromkeys(_DASHES, "-"),
        **dict.fromkeys(_DIRECTIONS + _QUOTES, ""),
        "\uff0b": "+",
    }
)
_URI: Final = "tel:"
# Digits that a spreadsheet wrote as a formula (`=14155550100`) or with a decimal (`14155550100.0`).
_CELL: Final = re.compile(r"=?(\+?\d{7,15})(?:\.0)?", re.ASCII)
# A spreadsheet shows a long number in this form, also with a decimal comma: its last digits are lost.
_SHORTENED: Final = re.compile(r"\d(?:[.,]\d+)?E\+?\d{1,2}", re.ASCII | re.IGNORECASE)


def normalise_number(text: str) -> str:
    """Return `+1 (415) 555-0100` as `+14155550100`; SIP addresses, short and withheld numbers unchanged."""
    if _E164.fullmatch(text):
        return text
    bare = _PUNCTUATION.sub("", text)
    return bare if _E164.fullmatch(bare) else text.strip()


def is_e164(text: str) -> bool:
    return _E164.fullmatch(text) is not None


def plain_number(text: str) -> str:
    """Return a typed or copied number in ASCII punctuation, without `tel:`, quotes and marks of direction."""
    plain = text.translate(_PLAIN).strip().removeprefix(_URI)
    cell = _CELL.fullmatch(plain)
    return plain if cell is None else cell[1]


def is_shortened(text: str) -> bool:
    """Return true for a number such as `1.41556E+10`, whose digits a spreadsheet has rounded away."""
    return _SHORTENED.fullmatch(text) is not None


def searched_number(text: str) -> str:
    """Return a number to search for: E.164, else its digits if it has enough of them, else its text.

    `(415) 555-0100` becomes `4155550100`, which is then the end of a number (`is_ending`).
    """
    bare = _PUNCTUATION.sub("", text)
    return bare if is_ending(bare) else normalise_number(text)


def number_digits(number: str) -> str:
    """Return a stored number without its punctuation, as the indexes of numbers have it."""
    return number.translate(_STORED)


def is_ending(number: str) -> bool:
    """Return whether a searched number may be the end of a longer one."""
    return len(number) >= MIN_ENDING_DIGITS and number.isascii() and number.isdigit()
