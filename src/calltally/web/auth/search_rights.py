"""Checks of filters and search words that would reveal masked numbers by trial and error."""

from collections.abc import Mapping
from typing import Final, TypeVar

from msgspec.structs import replace

from calltally.analytics.query import QualityQuery
from calltally.calls.country import international_digits
from calltally.calls.errors import Forbidden
from calltally.calls.filters import FILTERS
from calltally.calls.list_query import ListQuery
from calltally.calls.masking import mask_name
from calltally.calls.phone import is_ending
from calltally.calls.tokenizer import text_words
from calltally.store.listing.existing_names import ExistingNames
from calltally.web.request.access import PII_READ, TRANSCRIPTS_READ, Access

# Also in the form that URLs have, as far as a prefix may end.
_PLUS_SIGNS: Final = ("+", "\uff0b", "%2")
# Filters by number, and the field for the digits with their country code.
_INTERNATIONAL: Final = {
    "number": "international",
    "from_number": "from_international",
    "to_number": "to_international",
}
Q = TypeVar("Q", ListQuery, QualityQuery)


def with_search(query: Q, access: Access) -> Q:
    """Apply the key's search rights and its tenant's country to the search values of a query.

    Only keys with `transcripts:read` search transcripts. Raises Forbidden for a filter that can reveal
    numbers that are masked for this key.
    """
    values = {row.name: getattr(query.filter, row.field) for row in FILTERS}
    check_search_values(access, {name: value for name, value in values.items() if isinstance(value, str)})
    calls = query.filter
    if calls.q is not None:
        calls = replace(calls, in_transcripts=access.has_scope(TRANSCRIPTS_READ))
    for name, modifier in _INTERNATIONAL.items():
        number = getattr(calls, name)
        if number is not None and is_ending(number):
            calls = replace(calls, **{modifier: international_digits(number, access.country)})
    return query if calls is query.filter else replace(query, filter=calls)


def check_search_values(access: Access, sought: Mapping[str, str | None]) -> None:
    """Check values by the names of their parameters; None for an absent parameter.

    Refused are: a number; a search word with a digit (a few digits and an asterisk find a number digit by
    digit); the beginning of a SID that contains a plus sign; a name that is masked in responses.
    """
    for name, value in sought.items() if access.is_masked else ():
        if value is not None and _finds_numbers(name, value):
            what = "a word with a digit in it" if name == "q" else "a number"
            raise Forbidden(
                f"numbers are masked for this key: a search for {what} ({name}) needs the scope {PII_READ}"
            )


def readable_names(access: Access, names: ExistingNames) -> ExistingNames:
    """Return the names that are not masked for this key."""
    if not access.is_masked:
        return names
    return {name: tuple(each for each in names[name] if mask_name(each) == each) for name in names}


def _finds_numbers(name: str, value: str) -> bool:
    if name == "q":
        return any(char.isdigit() for word in text_words(value) for char in word)
    if name == "call_sid_prefix":
        # A SID can contain a number, which is masked from its plus sign on.
        return any(sign in value for sign in _PLUS_SIGNS)
    return name in _INTERNATIONAL or mask_name(value) != value
