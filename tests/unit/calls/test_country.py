"""Country of a number, by its country code and area code."""

import pytest

from calltally.calls.country import country_of, international_digits


@pytest.mark.parametrize(
    ("number", "country"),
    [
        *(("+14155550100", "US"), ("+14162345678", "CA"), ("+12462345678", "BB"), ("+4915112345678", "DE")),
        *(("+79261234567", "RU"), ("+77012345678", "KZ"), ("+447911123456", "GB"), ("+35312345678", "IE")),
        # Freephone and satellite numbers, and invalid texts, have no country.
        *(("+80012345678", None), ("+881612345678", None), ("+99912345678", None)),
        *(("sip:a@b", None), ("200", None), (None, None), ("+1999", None)),
    ],
)
def test_country_of_number(number: str | None, country: str | None) -> None:
    assert country_of(number) == country


@pytest.mark.parametrize(
    ("digits", "country", "expected"),
    [
        ("0301234567", "DE", "49301234567"),
        ("0049301234567", "DE", "49301234567"),
        ("07911123456", "GB", "447911123456"),
        ("0612345678", "FR", "33612345678"),
        ("01149301234567", "US", "49301234567"),
        # E.164 ends with the digits themselves.
        ("4155550100", "US", None),
        ("14155550100", "US", None),
        ("301234567", "DE", None),
        # No country, but the prefix of most countries.
        ("0049301234567", None, "49301234567"),
        ("0301234567", None, None),
        # Too short to have a prefix.
        ("0100", "DE", None),
        ("00100", None, None),
    ],
)
def test_prefixes_of_dialled_numbers_are_replaced(
    digits: str, country: str | None, expected: str | None
) -> None:
    assert international_digits(digits, country) == expected
