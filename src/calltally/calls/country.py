"""In which country a telephone number is: by its country code, and in North America by its area code.

Where countries share a code (Jersey has the United Kingdom's) it is the one that the code belongs to by
ITU-T E.164: the whole number would have to be parsed to tell, at two hundred times the price.
"""

from functools import lru_cache
from typing import Final

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from calltally.calls.phone import is_e164

# ITU-T E.164: one to three digits, of which none begins another; the area code of +1 has three.
_LONGEST_CODE: Final = 3
_TOLD_BY: Final = 4
_NORTH_AMERICA: Final = "1"
# Any that could be a subscriber's.
_SUBSCRIBER: Final = "2345678"
# Satellites, freephone and the like belong to no country.
_NO_COUNTRY: Final = "001"
_KAZAKHSTAN: Final = ("76", "77")


def country_of(number: str | None) -> str | None:
    """The ISO 3166-1 code of the country of an E.164 number; None for any other text, and of no country."""
    return _country(number[1 : 1 + _TOLD_BY]) if number is not None and is_e164(number) else None


@lru_cache(maxsize=10_000)
def _country(digits: str) -> str | None:
    if digits[0] == _NORTH_AMERICA:
        # Its parts are in no list: a number that could be one is asked for instead.
        asked = phonenumbers.PhoneNumber(country_code=1, national_number=int(digits[1:] + _SUBSCRIBER))
        return phonenumbers.region_code_for_number(asked)
    if digits.startswith(_KAZAKHSTAN):
        return "KZ"
    for length in range(1, _LONGEST_CODE + 1):
        regions = COUNTRY_CODE_TO_REGION_CODE.get(int(digits[:length]))
        if regions:
            return regions[0] if regions[0] != _NO_COUNTRY else None
    return None
