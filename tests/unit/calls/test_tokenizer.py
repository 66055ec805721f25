"""Words are cut alike from what is stored and from what is asked, in any script."""

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
        # Composed or not, and with a hyphen that only shows where a line ends.
        ("Ru\u0308ckzahlung Zahn\u00adarzt", ["rückzahlung", "zahnarzt"]),
        ("ग्राहक ने अपॉइंटमेंट की पुष्टि की", ["ग्राहक", "ने", "अपॉइंटमेंट", "की", "पुष्टि"]),
        # With a joiner that asks for another shape of the same word, and without it.
        ("क्\u200dष क्ष", ["क्ष"]),
        ("ลูกค้า ยกเลิก นัด", ["ลูกค้า", "ยกเลิก", "นัด"]),
        # What Thai puts between words where they are marked at all.
        ("ลูกค้า\u200bยกเลิก", ["ลูกค้า", "ยกเลิก"]),
        ("\uff26ull ﬁve ①", ["full", "five", "1"]),
        ("pressed 1\ufe0f\u20e3 then 2", ["pressed", "1", "then", "2"]),
        ("happy ❤\ufe0f👍🏽 call☎\ufe0f", ["happy", "call"]),
        ("ΟΔΥΣΣΕΥΣ Οδυσσεύς", ["οδυσσευσ", "οδυσσεύσ"]),
        ("", []),
        (" .,;*\u0301 ", []),
    ],
)
def test_a_text_is_cut_into_words(text: str, words: list[str]) -> None:
    assert text_words(text) == words


def test_a_word_that_is_too_long_is_cut_alike_wherever_it_stands() -> None:
    long = "ä" * (MAX_WORD_CHARS + 9)
    assert text_words(long) == ["ä" * MAX_WORD_CHARS]
    assert query_words(long) == [("ä" * MAX_WORD_CHARS, False)]


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("Refund appoint*", [("refund", False), ("appoint", True)]),
        ("no-ans*", [("no", False), ("ans", True)]),
        ("a* a", [("a", True), ("a", False)]),
        ("* ... refund", [("refund", False)]),
        ("mid*dle", [("mid", False), ("dle", False)]),
        ("RÜCK*", [("rück", True)]),
    ],
)
def test_a_star_asks_for_a_beginning(text: str, asked: list[tuple[str, bool]]) -> None:
    assert query_words(text) == asked


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=MAX_WORD_CHARS // 8)


@given(texts)
def test_each_word_that_is_stored_is_found_by_itself(text: str) -> None:
    for word in text_words(text):
        assert query_words(word) == [(word, False)]


@given(st.text())
def test_words_are_of_nothing_that_a_query_language_reads(text: str) -> None:
    for word in text_words(text):
        assert 0 < len(word) <= MAX_WORD_CHARS
        assert not set(word) & set(" \t\n\0'\"*:&|!()<>\\-+^{}")
        assert any(char.isalnum() for char in word)
