"""Filters and search words that a key may not use, since by trying them all it could find out numbers."""

from collections.abc import Mapping

from calltally.calls.errors import Forbidden
from calltally.calls.filters import FILTERS, CallFilter
from calltally.calls.numbers_in_text import mask_name
from calltally.calls.tokenizer import text_words
from calltally.web.request.access import PII_READ, Access


def check_filter(calls: CallFilter, access: Access) -> None:
    """Raise Forbidden for a filter by which a key could find out numbers that are masked for it."""
    values = {row.name: getattr(calls, row.field) for row in FILTERS}
    check_search_values(access, {name: value for name, value in values.items() if isinstance(value, str)})


def check_search_values(access: Access, sought: Mapping[str, str | None]) -> None:
    """The same for values by the names of their parameters; None where one is not sent.

    A number is refused, of search words each that has a digit (a few digits and an asterisk find a number one
    digit at a time), and of names one that is masked where it is shown.
    """
    for name, value in sought.items() if access.is_masked else ():
        if value is not None and _finds_numbers(name, value):
            what = "a word with a digit in it" if name == "q" else "a number"
            raise Forbidden(
                f"numbers are masked for this key: to look for {what} ({name}) takes the scope {PII_READ}"
            )


def _finds_numbers(name: str, value: str) -> bool:
    if name == "q":
        return any(char.isdigit() for word in text_words(value) for char in word)
    return name == "number" or mask_name(value) != value
