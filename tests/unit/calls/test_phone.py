"""Telephone numbers: normalised to E.164 if possible, else unchanged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.phone import (
    is_e164,
    is_ending,
    is_shortened,
    normalise_number,
    plain_number,
    searched_number,
)

near_numbers = st.text("+0123456789 ()-./\u00a0\u0661x", max_size=20)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+14155550100", "+14155550100"),
        ("+1 (415) 555-0100", "+14155550100"),
        (" +1.415.555.0100\t", "+14155550100"),
        ("+44/20/7946-0018", "+442079460018"),
        ("14155550100", "14155550100"),
        ("00442079460018", "00442079460018"),
        (" 200 ", "200"),
        ("+0123456789", "+0123456789"),
        ("+1 234 5", "+1 234 5"),
        ("+1234567890123456", "+1234567890123456"),
        ("sip:+1-415-555-0100@example.com", "sip:+1-415-555-0100@example.com"),
        ("client:alice", "client:alice"),
        ("anonymous", "anonymous"),
        ("+١٤١٥٥٥٥٠١٠٠", "+١٤١٥٥٥٥٠١٠٠"),
    ],
)
def test_numbers_are_normalised_or_unchanged(text: str, expected: str) -> None:
    assert normalise_number(text) == expected


@given(near_numbers)
def test_normalisation_is_idempotent(text: str) -> None:
    once = normalise_number(text)
    assert normalise_number(once) == once
    assert is_e164(once) or once == text.strip()


@pytest.mark.parametrize("text", ["+1415555010", "+1234567", "+123456789012345"])
def test_seven_to_fifteen_digits_are_e164(text: str) -> None:
    assert is_e164(text)


@pytest.mark.parametrize(
    "text", ["", "+", "+123456", "+1234567890123456", "+0123456789", "+1415555\n", "1415555"]
)
def test_other_texts_are_not_e164(text: str) -> None:
    assert not is_e164(text)


@pytest.mark.parametrize(
    ("typed", "searched"),
    [
        ("+1 (415) 555-0100", "+14155550100"),
        ("\uff0b1 415\u2011555\u20130100", "+14155550100"),
        ("tel:+1-415-555-0100", "+14155550100"),
        ("14155550100", "14155550100"),
        ("(415) 555-0100", "4155550100"),
        ("415.555.0100", "4155550100"),
        ("415\u00a0555\u20110100", "4155550100"),
        ("0100", "0100"),
        ("\u202a+1 415 555 0100\u202c", "+14155550100"),
        ("'+14155550100", "+14155550100"),
        ('"14155550100"', "14155550100"),
        ("=14155550100", "14155550100"),
        ("14155550100.0", "14155550100"),
        (" +14155550100 ", "+14155550100"),
        ("911", "911"),
        ("9-1-1", "9-1-1"),
        ("sip:1234", "sip:1234"),
        ("\u0661\u0662\u0663\u0664", "\u0661\u0662\u0663\u0664"),
    ],
)
def test_typed_numbers_are_searched_as_e164_digits_or_text(typed: str, searched: str) -> None:
    assert searched_number(plain_number(typed)) == searched
    assert is_ending(searched) == (searched.isascii() and searched.isdigit() and len(searched) > 3)


@given(near_numbers)
def test_search_of_a_searched_number_is_the_same(text: str) -> None:
    once = searched_number(plain_number(text))
    assert searched_number(plain_number(once)) == once


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.41556E+10", True),
        ("1,41556e10", True),
        ("1E+10", True),
        ("14155550100", False),
        ("+1E10", False),
        ("CAE5", False),
        ("sip:1.4E10", False),
    ],
)
def test_number_rounded_by_a_spreadsheet_is_recognised(text: str, *, expected: bool) -> None:
    assert is_shortened(text) is expected
