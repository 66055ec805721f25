"""Note on the search of a list: its filters, other readings of the text, and advice for an empty list."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from calltally.calls.filters import CallFilter
from calltally.calls.phone import is_ending
from calltally.store.listing.existing_names import ExistingNames
from calltally.web.dashboard.calls.links import SOUGHT, filters_only, first_value, url
from calltally.web.dashboard.calls.search_field import NAMES, filters_without_search, meant, readings
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.sign_in.visitor import Visitor
from calltally.web.request.query import Pairs

_NATIONAL_PREFIX: Final = "0"
# A day as people write it; only 2026-10-31 means the same everywhere.
_OTHER_DAY: Final = re.compile(r"\d{1,4}([./])\d{1,2}\1\d{1,4}|today|yesterday", re.ASCII | re.IGNORECASE)


class TextReading(NamedTuple):
    """Another reading of the text, as a link."""

    label: str
    path: str


class SearchNote(NamedTuple):
    """Note on a search: statements of its filters, other readings, and advice for an empty list."""

    statements: tuple[str, ...]
    others: tuple[TextReading, ...]
    advice: tuple[str, ...]


def search_note(visitor: Visitor, pairs: Pairs, calls: CallFilter, names: ExistingNames) -> SearchNote | None:
    """Return the note of a list; None if it was not searched."""
    sought = first_value(pairs, SOUGHT)
    statements = tuple(_statements(calls, is_named=bool(sought)))
    if not statements:
        return None
    typed = sought or calls.number or calls.call_sid_prefix or calls.q or ""
    return SearchNote(
        statements, tuple(_others(visitor, pairs, names, typed)), tuple(_advice(visitor, pairs, calls))
    )


def _statements(calls: CallFilter, *, is_named: bool) -> Iterator[str]:
    if calls.number is not None:
        yield _number_statement(calls.number, calls.international)
    if calls.call_sid_prefix is not None:
        yield text("searched_call_sid_prefix", value=calls.call_sid_prefix)
    for name in NAMES if is_named else ():
        if (value := getattr(calls, name)) is not None:
            yield text(f"searched_{name}", value=value)
    if calls.q is not None:
        yield text("searched_spoken" if calls.in_transcripts else "searched_words", value=f"“{calls.q}”")


def _number_statement(number: str, international: str | None) -> str:
    if not is_ending(number):
        return text("searched_number", value=number)
    if international is None:
        return text("searched_ending", value=number)
    return text("searched_two_endings", value=number, international=international)


def _others(visitor: Visitor, pairs: Pairs, names: ExistingNames, typed: str) -> Iterator[TextReading]:
    present = {name for name, _value in pairs}
    rest = filters_only(filters_without_search(pairs))
    for name, value in (*readings(visitor, names, typed), *meant(visitor, names, typed)):
        if name not in present:
            label = text(f"instead_{name}", value=f"“{value}”" if name == "q" else value)
            yield TextReading(label, url([*rest, (name, value), (SOUGHT, typed)]))


def _advice(visitor: Visitor, pairs: Pairs, calls: CallFilter) -> Iterator[str]:
    number = calls.number
    if number is not None and len(number) > len("555550164"):
        yield text("try_fewer_digits")
    if number is not None and number.isdecimal() and len(number) < len("0164"):
        yield text("try_more_digits")
    if number is not None and number.startswith(_NATIONAL_PREFIX) and visitor.access.country is None:
        yield text("try_country", tenant=visitor.tenant)
    if calls.call_sid_prefix is not None:
        yield text("try_sid")
    if _OTHER_DAY.fullmatch(first_value(pairs, SOUGHT)):
        yield text("try_day")
    if calls.q is not None:
        yield text("try_words")
        if not calls.in_transcripts:
            yield text("try_transcripts")
    if filters_without_search(filters_only(pairs)):
        yield text("try_window")
