"""Telephone numbers: E.164 (ITU-T) where they are that, otherwise kept as they came."""

import re
from typing import Final

_PUNCTUATION: Final = re.compile(r"[\s().\-/]+")
_E164: Final = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
MAX_NUMBER_CHARS: Final = 128


def normalise_number(text: str) -> str:
    """`+1 (415) 555-0100` as `+14155550100`; a SIP address, a short or withheld number as it came."""
    if _E164.fullmatch(text):
        return text
    bare = _PUNCTUATION.sub("", text)
    return bare if _E164.fullmatch(bare) else text.strip()


def is_e164(text: str) -> bool:
    """Whether `text` is a whole E.164 number with its plus sign."""
    return _E164.fullmatch(text) is not None
