"""Searches by number choose the index whose entries a page can bound."""

from itertools import product
from typing import Any

import msgspec
import pytest

from calltally.calls.filters import CallFilter
from calltally.calls.phone import number_digits
from calltally.store.db.operation import Rows, Statement
from calltally.store.listing import number_match
from calltally.store.listing.number_match import NumberIndex, number_index, party_number_index
from tests.conftest import TENANT

CALLERS = ("+14155550164", "(415) 555-0164", "sip:5550164", "+14155550165")
GERMAN = ("+493055501647", "03055501647", "+13055501647")


class Listing:
    """The answers of a database whose calls have these callers, and the statements that were sent."""

    def __init__(self, callers: tuple[str, ...] = CALLERS) -> None:
        self._callers = callers
        self.sent: list[Statement] = []

    def answer(self, operation: Any) -> Any:  # noqa: ANN401 (the result of any operation)
        rows: Rows | None = None
        while True:
            try:
                statement = operation.send(rows)
            except StopIteration as done:
                return done.value
            self.sent.append(statement)
            params = statement.params
            stored = self._callers if statement.name == "callers_of_ending" else ()
            ends = ((number_digits(each)[::-1], each) for each in stored)
            rows = [(each,) for end, each in ends if params["ending"] <= end < params["ending_end"]]
            rows = rows[: params["most"]]


def index_of(
    number: str, international: str | None = None, callers: tuple[str, ...] = CALLERS
) -> NumberIndex:
    calls = CallFilter(number=number, international=international)
    found: NumberIndex = Listing(callers).answer(number_index(TENANT, calls, number))
    return found


def listed(index: NumberIndex) -> list[str]:
    """Return the numbers whose calls are read."""
    if "whole" in index.params:
        return [index.params["whole"]]
    assert index.params["called"] == "[]"
    return [number for _reversed, number in msgspec.json.decode(index.params["callers"])]


@pytest.mark.parametrize(
    ("number", "index", "has_several"),
    [
        ("+14155550164", "calls_from", False),
        ("911", "calls_from", False),
        ("0164", "calls_from_ending", False),
        ("50164", "calls_from", True),
        ("5550165", "calls_from", False),
        ("5550166", "calls_from", True),
    ],
)
def test_search_starts_at_the_index_that_bounds_it(number: str, index: str, *, has_several: bool) -> None:
    found = index_of(number)
    assert (dict(found.clauses)["from_index"], bool(found.reaches)) == (index, has_several)


def test_only_number_found_is_read_as_a_whole_one() -> None:
    assert index_of("5550165").params == {"whole": "+14155550165", "reversed": "561055551"}
    assert index_of("5550166").params == {"callers": "[]", "called": "[]"}


def test_too_many_numbers_are_found_among_the_calls_with_their_ending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(number_match, "_MAX_NUMBERS", 2)
    assert dict(index_of("50164").clauses)["from_index"] == "calls_from_ending"
    assert listed(index_of("50165")) == ["+14155550165"]


@pytest.mark.parametrize(
    "digits", ["50164", "5550164", "155550164", "4155550164", "14155550164", "914155550164"]
)
def test_numbers_that_end_with_the_digits_are_listed_in_any_writing(digits: str) -> None:
    expected = sorted(each for each in CALLERS if number_digits(each).endswith(digits))
    assert listed(index_of(digits)) == expected


@pytest.mark.parametrize(("national", "statements"), [("03055501647", 2), ("01647", 4)])
def test_both_writings_are_listed_and_alike_ends_of_them_once(national: str, statements: int) -> None:
    international = f"49{national[1:]}"
    found = listed(index_of(national, international, GERMAN))
    assert found == sorted(each for each in GERMAN if each.endswith((national, international)))
    listing = Listing(GERMAN)
    calls = CallFilter(number=national, international=international)
    listing.answer(number_index(TENANT, calls, national))
    assert len(listing.sent) == statements


def test_range_of_an_ending_has_every_text_that_begins_with_it() -> None:
    for last, more in product("09", ("", "0", "9", "+", "z", "\U0010ffff")):
        listing = Listing(())
        listing.answer(number_index(TENANT, CallFilter(number=f"{last}1234"), f"{last}1234"))
        params = listing.sent[0].params
        assert params["ending"] <= f"4321{last}{more}" < params["ending_end"]


@pytest.mark.parametrize(
    ("number", "among"), [("50164", "{from_listed}"), ("50165", "{from_is}"), ("0164", None), ("911", None)]
)
def test_party_is_read_by_its_own_numbers(number: str, among: str | None) -> None:
    listing = Listing()
    calls = CallFilter(from_number=number)
    found = listing.answer(party_number_index(TENANT, calls, "from_number"))
    assert {each.name for each in listing.sent} == ({"callers_of_ending"} if among else set())
    assert (found and dict(found.clauses)["among"]) == among
