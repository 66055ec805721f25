"""Telephone numbers: normalised to E.164 (ITU-T) if possible, otherwise unchanged."""

import re
from typing import Final

_PUNCTUATION: Final = re.compile(r"[\s().\-/]+")
_E164: Final = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
MAX_NUMBER_CHARS: Final = 128


def normalise_number(text: str) -> str:
    """Return `+1 (415) 555-0100` as `+14155550100`; SIP addresses, short and withheld numbers unchanged."""
    if _E164.fullmatch(text):
        return text
    bare = _PUNCTUATION.sub("", text)
    return bare if _E164.fullmatch(bare) else text.strip()


def is_e164(text: str) -> bool:
    return _E164.fullmatch(text) is not None
