"""Country of a telephone number by its country code, and numbers as written within a country.

Some countries share a code (Jersey has the United Kingdom's). The result is then the country that ITU-T
E.164 assigns the code to. An exact answer would need the whole number parsed, at two hundred times the cost.
"""

from functools import lru_cache
from typing import Final

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from calltally.calls.phone import MIN_ENDING_DIGITS, is_e164

# ITU-T E.164: a country code has one to three digits, and none is the prefix of another. The area code of
# +1 has three digits.
_LONGEST_CODE: Final = 3
_DECISIVE_DIGITS: Final = 4
_NORTH_AMERICA: Final = "1"
# Any valid subscriber number will do.
_SUBSCRIBER: Final = "2345678"
# Satellite, freephone and similar codes belong to no country.
_NO_COUNTRY: Final = "001"
_KAZAKHSTAN: Final = ("76", "77")
# The prefix of international calls in most countries; North America has 011 and a few others their own.
_INTERNATIONAL_PREFIX: Final = "00"
# ISO 3166-1 codes, in capitals.
COUNTRIES: Final = frozenset(phonenumbers.SUPPORTED_REGIONS)


def country_of(number: str | None) -> str | None:
    """Return the ISO 3166-1 country code of an E.164 number; None for other texts and other numbers."""
    return _country(number[1 : 1 + _DECISIVE_DIGITS]) if number is not None and is_e164(number) else None


@lru_cache(maxsize=10_000)
def _country(digits: str) -> str | None:
    if digits[0] == _NORTH_AMERICA:
        # The library has no list of area codes, so look up an example number.
        example = phonenumbers.PhoneNumber(country_code=1, national_number=int(digits[1:] + _SUBSCRIBER))
        return phonenumbers.region_code_for_number(example)
    if digits.startswith(_KAZAKHSTAN):
        return "KZ"
    for length in range(1, _LONGEST_CODE + 1):
        regions = COUNTRY_CODE_TO_REGION_CODE.get(int(digits[:length]))
        if regions:
            return regions[0] if regions[0] != _NO_COUNTRY else None
    return None


def international_digits(digits: str, country: str | None) -> str | None:
    """Return dialled digits with their country code instead of a prefix for calls within or out of a country.

    `030 1234567` in Germany becomes `49301234567`. The result is None where no prefix is read, because the
    number in E.164 then ends with the digits themselves: `415 555 0100` in the United States.
    """
    if country is None:
        found = digits.removeprefix(_INTERNATIONAL_PREFIX)
    else:
        try:
            number = phonenumbers.parse(digits, country)
        except phonenumbers.NumberParseException:
            return None
        found = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]
    is_other = not found.endswith(digits) and found != digits
    return found if is_other and found[-MIN_ENDING_DIGITS:] == digits[-MIN_ENDING_DIGITS:] else None
