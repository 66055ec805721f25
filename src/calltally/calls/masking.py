"""Numbers of people, hidden from keys that may not see them: in records, in what was said of a call, in text.

What is hidden is the telephone number, not the call: the last two digits stay, so that two calls of one
number can be told from two of others by somebody who knows it.
"""

import re
from typing import Final

HIDDEN: Final = "***"
_KEPT_DIGITS: Final = 2
# Of an extension of an office even two digits would tell who it is.
_SHORT_DIGITS: Final = 4

_NUMBER: Final = re.compile(r"\+?[\s().\-/]*\d[\d\s().\-/]*", re.ASCII)
_MASKED: Final = re.compile(r"\+?\*+\d{0,2}|[a-z]+:\*{3}", re.ASCII)
_ADDRESS: Final = re.compile(r"([a-z][a-z0-9+.-]*):.+", re.ASCII | re.IGNORECASE | re.DOTALL)
_STRING: Final = rb'"((?:[^"\\]|\\.)*)"'
# Names under which only a party stands, and one under which there may be a word.
_PARTIES: Final = re.compile(rb'"(from_number|to_number|number)":' + _STRING)
_TARGETS: Final = re.compile(rb'"(target)":' + _STRING)
# In whatever text: a summary, a transcript, another's message.
_ANYWHERE: Final = re.compile(rb"(?<![0-9A-Za-z+])\+[1-9][0-9]{6,14}(?![0-9])")


def masked_number(text: str) -> str:
    """`+14155550123` as `+*********23`, `sip:someone@…` as `sip:***`; what is masked stays as it is."""
    if _MASKED.fullmatch(text):
        return text
    if _NUMBER.fullmatch(text):
        digits = [char for char in text if char.isdigit()]
        kept = _KEPT_DIGITS if len(digits) > _SHORT_DIGITS else 0
        hidden = len(digits) - kept
        return "+" * text.startswith("+") + "*" * hidden + "".join(digits[hidden:])
    address = _ADDRESS.fullmatch(text)
    return f"{address[1].lower()}:{HIDDEN}" if address else HIDDEN


def mask_json(body: bytes) -> bytes:
    """JSON without white space between its parts, or parts of it, with the numbers of people hidden.

    Numbers under their own names whatever their form, and in all other text those of E.164 with their plus
    sign. Linear in the body; nothing is decoded.
    """
    body = _PARTIES.sub(_party, body)
    body = _TARGETS.sub(_target, body)
    return _ANYWHERE.sub(lambda found: masked_number(found[0].decode()).encode(), body)


def _party(found: re.Match[bytes]) -> bytes:
    # An escape in it makes it no plain number, and then all of it is hidden.
    return b'"%b":"%b"' % (found[1], masked_number(found[2].decode(errors="replace")).encode())


def _target(found: re.Match[bytes]) -> bytes:
    text = found[2].decode(errors="replace")
    is_word = not (_NUMBER.fullmatch(text) or _ADDRESS.fullmatch(text) or "@" in text)
    return found[0] if is_word else _party(found)
