"""Telephone numbers in free text: found by their digits, and masked except for the last two.

Numbers are found by digits, not by numbering plans. A summary does not state the country of a number without
a plus sign, and a number outside of all plans can still be a person's. So other long numbers are masked too.
Linear in the text.
"""

import re
from typing import Final

_VISIBLE_DIGITS: Final = 2
# Shorter runs of digits are ambiguous.
_MIN_DIGITS: Final = 7

# Spaces, brackets, dots and dashes of all kinds, and invisible characters. No line ends.
_SPACES: Final = r" \u00a0\u2000-\u200a\u202f\u3000"
_MARKS: Final = r"().\-/\u00b7\u2010-\u2015\u2212\uff08\uff09\uff0d\uff0e"
_INVISIBLE: Final = r"\u00ad\u200b-\u200f\u2060\ufeff"
_BETWEEN: Final = f"[{_SPACES}{_MARKS}{_INVISIBLE}]{{0,4}}"
_PLUS: Final = r"(?:[+\uff0b]|%2[Bb])"
_NUMBER: Final = rf"(?:{_PLUS}{_BETWEEN})?\d(?:{_BETWEEN}\d){{{_MIN_DIGITS - 1},}}"
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
_TEXT: Final = re.compile(rf"(?P<unmasked>{_NOT_MASKED})|(?=[\d+\uff0b%]){_NUMBER}")
# Most texts have too few digits; this check needs a tenth of the time.
_MAYBE: Final = re.compile(rf"(?:\d\D{{0,4}}){{{_MIN_DIGITS - 1}}}\d")
_E164: Final = re.compile(rf"{_PLUS}[1-9][0-9]{{{_MIN_DIGITS - 1},}}")


def hidden_digits(text: str, short: int = 0) -> str:
    """Return a number as asterisks and its last two digits; all asterisks for at most `short` digits."""
    sign = _SIGN.match(text)
    digits = _NO_DIGITS.sub("", text[sign.end() :] if sign else text)
    hidden = len(digits) - (_VISIBLE_DIGITS if len(digits) > short else 0)
    return f"{sign[0] if sign else ''}{'*' * hidden}{digits[hidden:]}"


def mask_text(text: str) -> str:
    """Mask every run of seven digits or more; dates, UUIDs and ids of letters and digits stay."""
    return _TEXT.sub(_masked, text) if _MAYBE.search(text) else text


def mask_name(text: str) -> str:
    """Mask only E.164 numbers with a plus sign: other digits in ids and names have a meaning."""
    return _E164.sub(_masked_name, text) if "+" in text or "%2" in text else text


def _masked(found: re.Match[str]) -> str:
    return found[0] if found["unmasked"] is not None else hidden_digits(found[0])


def _masked_name(found: re.Match[str]) -> str:
    return hidden_digits(found[0])
