"""Tokenizer of the full-text search, used alike for stored texts and for queries.

It is Calltally's own, so that both databases find the same words. A word is a run of letters, marks and
digits, in folded case and in Unicode's compatible form (NFKC), without invisible characters.
"""

import re
import unicodedata
from typing import Final

MAX_WORD_CHARS: Final = 64
_WILDCARD: Final = "*"
_ASCII_WORD: Final = re.compile("[a-z0-9]+")
# Soft hyphens, joiners, direction marks, emoji variants: spellings of a word may differ only in them.
_INVISIBLE: Final = re.compile("[\u00ad\u034f\u200c-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]+")
# Without enclosing marks: a digit in a keycap is still that digit.
_MARKS: Final = frozenset({"Mn", "Mc"})


def text_words(text: str) -> list[str]:
    """Return the distinct words of `text` in their order, each cut to MAX_WORD_CHARS."""
    found = _ASCII_WORD.findall(text.lower()) if text.isascii() else _runs(_folded(text))
    return list(dict.fromkeys(word[:MAX_WORD_CHARS] for word in found))


def query_words(text: str) -> list[tuple[str, bool]]:
    """Return the words of a search query, each with a flag for a prefix search (`appoint*`)."""
    found: dict[tuple[str, bool], None] = {}
    for term in text.split():
        is_prefix = term.endswith(_WILDCARD)
        words = text_words(term)
        for word in words:
            found[word, is_prefix and word == words[-1]] = None
    return list(found)


def _folded(text: str) -> str:
    """Return Unicode's NFKC_Casefold. One pass is not stable for some texts, so fold twice."""
    folded = unicodedata.normalize("NFD", _INVISIBLE.sub("", text))
    for _ in range(2):
        folded = unicodedata.normalize("NFKC", folded.casefold())
    return folded


def _runs(text: str) -> list[str]:
    runs = "".join(char if _is_of_word(char) else " " for char in text).split()
    return [run for run in runs if any(map(str.isalnum, run))]


def _is_of_word(char: str) -> bool:
    # Marks belong to words: without them the vowels of Hindi or Thai would end a word.
    return char.isalnum() or unicodedata.category(char) in _MARKS
