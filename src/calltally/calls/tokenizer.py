"""The words of a text, cut alike for what is stored and for what is asked.

Our own cut, so that both databases find the same: a word is a run of letters, marks and digits,
in the folded case and the compatible form of Unicode (NFKC), without what is not seen.
"""

import re
import unicodedata
from typing import Final

MAX_WORD_CHARS: Final = 64
_BEGUN: Final = "*"
_ASCII_WORD: Final = re.compile("[a-z0-9]+")
# Soft hyphens, joiners, marks of direction, variants of emoji: spellings of a word may differ in them alone.
_UNSEEN: Final = re.compile("[\u00ad\u034f\u200c-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]+")
# Not those that enclose: a digit in a key of the telephone is still that digit.
_MARKS: Final = frozenset({"Mn", "Mc"})


def text_words(text: str) -> list[str]:
    """Each different word of `text` in its order; what is longer than MAX_WORD_CHARS is cut there."""
    found = _ASCII_WORD.findall(text.lower()) if text.isascii() else _runs(_folded(text))
    return list(dict.fromkeys(word[:MAX_WORD_CHARS] for word in found))


def query_words(text: str) -> list[tuple[str, bool]]:
    """The words that a search asks for, each with whether it is only begun (`appoint*`)."""
    asked: dict[tuple[str, bool], None] = {}
    for part in text.split():
        is_begun = part.endswith(_BEGUN)
        words = text_words(part)
        for word in words:
            asked[word, is_begun and word == words[-1]] = None
    return list(asked)


def _folded(text: str) -> str:
    """What Unicode calls NFKC_Casefold: once would leave some texts that fold on, and so find no longer."""
    folded = unicodedata.normalize("NFD", _UNSEEN.sub("", text))
    for _ in range(2):
        folded = unicodedata.normalize("NFKC", folded.casefold())
    return folded


def _runs(text: str) -> list[str]:
    runs = "".join(char if _is_of_word(char) else " " for char in text).split()
    return [run for run in runs if any(map(str.isalnum, run))]


def _is_of_word(char: str) -> bool:
    # Marks too: without them the vowels of Hindi or Thai would end a word.
    return char.isalnum() or unicodedata.category(char) in _MARKS
