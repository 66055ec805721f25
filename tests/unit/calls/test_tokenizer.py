"""Tokenizer: stored texts and queries are split alike, in any script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.tokenizer import MAX_WORD_CHARS, query_words, text_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Customer confirmed appointment time.", ["customer", "confirmed", "appointment", "time"]),
        ("no-answer, twice: NO answer!", ["no", "answer", "twice"]),
        ("Invoice 2026/10-4711", ["invoice", "2026", "10", "4711"]),
        ("Straße STRASSE", ["strasse"]),
        ("Rückzahlung für Ärztin", ["rückzahlung", "für", "ärztin"]),
        # Composed and decomposed letters, and a soft hyphen.
        ("Ru\u0308ckzahlung Zahn\u00adarzt", ["rückzahlung", "zahnarzt"]),
        ("ग्राहक ने अपॉइंटमेंट की पुष्टि की", ["ग्राहक", "ने", "अपॉइंटमेंट", "की", "पुष्टि"]),
        # With and without a joiner, which changes only the shape of the word.
        ("क्\u200dष क्ष", ["क्ष"]),
        ("ลูกค้า ยกเลิก นัด", ["ลูกค้า", "ยกเลิก", "นัด"]),
        # A zero-width space, the optional word separator of Thai.
        ("ลูกค้า\u200bยกเลิก", ["ลูกค้า", "ยกเลิก"]),
        ("\uff26ull ﬁve ①", ["full", "five", "1"]),
        ("pressed 1\ufe0f\u20e3 then 2", ["pressed", "1", "then", "2"]),
        ("happy ❤\ufe0f👍🏽 call☎\ufe0f", ["happy", "call"]),
        ("ΟΔΥΣΣΕΥΣ Οδυσσεύς", ["οδυσσευσ", "οδυσσεύσ"]),
        ("", []),
        (" .,;*\u0301 ", []),
    ],
)
def test_text_is_split_into_words(text: str, words: list[str]) -> None:
    assert text_words(text) == words


def test_long_word_is_cut_alike_in_text_and_query() -> None:
    long = "ä" * (MAX_WORD_CHARS + 9)
    assert text_words(long) == ["ä" * MAX_WORD_CHARS]
    assert query_words(long) == [("ä" * MAX_WORD_CHARS, False)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Refund appoint*", [("refund", False), ("appoint", True)]),
        ("no-ans*", [("no", False), ("ans", True)]),
        ("a* a", [("a", True), ("a", False)]),
        ("* ... refund", [("refund", False)]),
        ("mid*dle", [("mid", False), ("dle", False)]),
        ("RÜCK*", [("rück", True)]),
    ],
)
def test_star_searches_for_a_prefix(text: str, expected: list[tuple[str, bool]]) -> None:
    assert query_words(text) == expected


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=MAX_WORD_CHARS // 8)


@given(texts)
def test_each_stored_word_finds_itself(text: str) -> None:
    for word in text_words(text):
        assert query_words(word) == [(word, False)]


@given(st.text())
def test_words_contain_no_query_syntax(text: str) -> None:
    for word in text_words(text):
        assert 0 < len(word) <= MAX_WORD_CHARS
        assert not set(word) & set(" \t\n\0'\"*:&|!()<>\\-+^{}")
        assert any(char.isalnum() for char in word)
