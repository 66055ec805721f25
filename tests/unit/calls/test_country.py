"""Country of a number, by its country code and area code."""

import pytest

from calltally.calls.country import country_of


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
