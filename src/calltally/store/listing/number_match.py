"""SQL of the filters by number, at either end or at one: the whole number, or its last digits.

Four digits are searched by an index over the last four, in the order of time: a page reads only its own rows,
however many numbers have that ending. More digits would pass over all calls with the same last four, so the
numbers that end with them are listed first, and a page reads the calls of these numbers.
"""

from collections.abc import Callable
from itertools import product
from typing import Any, Final, NamedTuple

import msgspec

from calltally.calls.filters import CallFilter
from calltally.calls.phone import MIN_ENDING_DIGITS, is_ending, number_digits
from calltally.store.db.operation import Clauses, Statement, StoreOperation, execute_batch

WHOLE: Final = "AND ({from_is} OR {to_is})"
_FROM_ENDS: Final = "{from_ending_is} AND {from_ends}"
_TO_ENDS: Final = "{to_ending_is} AND {to_ends}"
ENDING: Final = f"AND (({_FROM_ENDS}) OR ({_TO_ENDS}))"
# Conditions of the filters by one party.
_WHOLE_PARTY: Final = {"from_number": "AND {caller_is}", "to_number": "AND {called_is}"}
_PARTY_ENDING: Final = {
    "from_number": "AND {caller_ending_is} AND {caller_ends}",
    "to_number": "AND {called_ending_is} AND {called_ends}",
}
_WHOLE_INDEX: Final = {"from_number": "calls_from", "to_number": "calls_to"}
_ENDING_INDEX: Final = {"from_number": "calls_from_ending", "to_number": "calls_to_ending"}
# Parameters of a number: its last four digits, its digits with their country code, and its reversed digits.
_PARAMS: Final = {
    "number": ("ending", "international", "reversed"),
    "from_number": ("from_ending", "from_international", "from_reversed"),
    "to_number": ("to_ending", "to_international", "to_reversed"),
}
# The index of numbers has this many of their last digits.
_REVERSED_DIGITS: Final = 9
# The most numbers that are listed for one end of a call, 10 µs each. More are found among the calls with the
# same last four digits.
_MAX_NUMBERS: Final = 5_000
# The rows of one number, and of each of several: PostgreSQL then reads the calls of one after the other.
ONE: Final = "(SELECT 1) AS k"
_EACH_CALLER: Final = "{each_caller}"
_EACH_CALLED: Final = "{each_called}"
_BY_WHOLE: Final = (("from_index", "calls_from"), ("to_index", "calls_to"))
_BY_ONE: Final = (("from_each", ONE), ("to_each", ONE))
# A call with the number at both ends is in both indexes, so the index of called numbers leaves it out.
_OF_WHOLE: Final = (
    *_BY_WHOLE,
    *_BY_ONE,
    ("of_from", "{from_is}"),
    ("of_to", "{to_is}"),
    ("only_to", "coalesce(c.from_number, '') <> :whole"),
)
_OF_LISTED: Final = (
    *_BY_WHOLE,
    ("from_each", _EACH_CALLER),
    ("to_each", _EACH_CALLED),
    ("of_from", "{from_listed}"),
    ("of_to", "{to_listed}"),
    ("only_to", "{from_unlisted}"),
)
_OF_ENDING: Final = (
    *_BY_ONE,
    ("from_index", "calls_from_ending"),
    ("to_index", "calls_to_ending"),
    ("of_from", f"({_FROM_ENDS})"),
    ("of_to", f"({_TO_ENDS})"),
    ("only_to", "{from_ends} IS NOT TRUE"),
)
# Numbers and their condition for a plain scan: of one that was found for a party, and of several.
_AMONG: Final = {
    "from_number": ((ONE, "{from_is}"), (_EACH_CALLER, "{from_listed}")),
    "to_number": ((ONE, "{to_is}"), (_EACH_CALLED, "{to_listed}")),
}
# Statements that list the numbers of a filter by the end of a number.
_LISTS: Final = {
    "number": ("callers_of_ending", "called_of_ending"),
    "from_number": ("callers_of_ending",),
    "to_number": ("called_of_ending",),
}
# Statements of the time up to which a page over several numbers has to be read.
_REACHES: Final = {
    "number": ("callers_reach", "called_reach"),
    "from_number": ("callers_reach",),
    "to_number": ("called_reach",),
}


class NumberIndex(NamedTuple):
    """Clauses and parameters of the statements that start at an index of numbers.

    `field` is the filter that the clauses contain, and `reaches` are the statements of `within_reach`.
    """

    clauses: Clauses
    params: dict[str, Any]
    field: str | None = None
    reaches: tuple[str, ...] = ()


def number_condition(number: str) -> str:
    """Return the condition of a number on a call or an older version of it."""
    return ENDING if is_ending(number) else WHOLE


def party_condition(party: str) -> Callable[[str], str]:
    """Return the function that gives the condition of a number on one party."""
    return lambda number: (_PARTY_ENDING if is_ending(number) else _WHOLE_PARTY)[party]


def party_index(party: str, number: str) -> str:
    """Return the index of the filter by a number at one end."""
    return (_ENDING_INDEX if is_ending(number) else _WHOLE_INDEX)[party]


def number_params(calls: CallFilter) -> dict[str, Any]:
    """Return the parameters of the conditions on numbers."""
    params: dict[str, Any] = {}
    for name, (ending, international, reversed_digits) in _PARAMS.items():
        number = getattr(calls, name)
        if number is not None and is_ending(number):
            params[ending] = number[-MIN_ENDING_DIGITS:]
            params[international] = getattr(calls, international) or number
        elif number is not None:
            params[reversed_digits] = _reversed(number)
    return params if calls.number is None else {**params, "whole": calls.number}


def number_index(tenant: str, calls: CallFilter, number: str) -> StoreOperation[NumberIndex]:
    """Return the index that calls with the number `number` at either end are read by."""
    # Older versions of a call have no index of numbers, and may have numbers that no call has now.
    of_version = (("of_version", number_condition(number).removeprefix("AND ")),)
    listed = yield from _listed_numbers(tenant, calls, "number")
    if listed is None:
        clauses = _OF_ENDING if is_ending(number) else _OF_WHOLE
        return NumberIndex((*clauses, *of_version), {}, "number")
    clauses = _OF_LISTED if len(listed.different()) != 1 else _OF_WHOLE
    return _index_of(listed, "number", (*clauses, *of_version))


def party_number_index(tenant: str, calls: CallFilter, party: str) -> StoreOperation[NumberIndex | None]:
    """Return the index of the numbers that end with a party's digits; None to read by `party_index`."""
    listed = yield from _listed_numbers(tenant, calls, party)
    if listed is None:
        return None
    of_version = party_condition(party)(getattr(calls, party)).removeprefix("AND ")
    by_index = ("by_index", f"INDEXED BY {_WHOLE_INDEX[party]}")
    each, among = _AMONG[party][len(listed.different()) != 1]
    of_party = (("each", each), ("among", among), ("of_version", of_version))
    return _index_of(listed, party, (by_index, *of_party))


def within_reach(
    window: dict[str, Any], clauses: Clauses, numbers: NumberIndex, *, is_past: bool
) -> StoreOperation[dict[str, Any]]:
    """Return the window cut where one of several numbers alone fills the page of these filters and order.

    The calls of several numbers are sorted, so that a page would otherwise read all of them.
    """
    (name, filters), sort_order = clauses
    is_ascending = sort_order[1] == "ASC"
    filters = f"{filters} AND c.revision <= :as_of" if is_past else filters
    filled = ((name, filters), sort_order, ("edge", "min" if is_ascending else "max"))
    answers = yield from execute_batch(*(Statement(each, window, filled) for each in numbers.reaches))
    found = [at_us for rows in answers for (at_us,) in rows if at_us is not None]
    if not found:
        return window
    return {**window, "hi_us": min(found) + 1} if is_ascending else {**window, "lo_us": max(found)}


class _Listed(NamedTuple):
    """Numbers that end with the digits of a filter, by the end of a call."""

    callers: set[str]
    called: set[str]

    def different(self) -> set[str]:
        return self.callers | self.called


def _index_of(listed: _Listed, field: str, clauses: Clauses) -> NumberIndex:
    numbers = listed.different()
    if len(numbers) == 1:
        # Its calls are in order, so that a page deep in the list needs no sorting.
        [number] = numbers
        return NumberIndex(clauses, {"reversed": _reversed(number), "whole": number}, field)
    params = {
        name: msgspec.json.encode([(_reversed(each), each) for each in sorted(found)]).decode()
        for name, found in listed._asdict().items()
    }
    return NumberIndex(clauses, params, field, _REACHES[field])


def _listed_numbers(tenant: str, calls: CallFilter, field: str) -> StoreOperation[_Listed | None]:
    """Return the numbers that end with the digits of a filter.

    None for a whole number, for four digits, and if more than _MAX_NUMBERS end so.
    """
    number = getattr(calls, field)
    if not is_ending(number) or len(number) == MIN_ENDING_DIGITS:
        return None
    last = number[-MIN_ENDING_DIGITS:]
    international = getattr(calls, _PARAMS[field][1]) or number
    endings = tuple(each for each in (number, international) if each.endswith(last))
    listed = _Listed(set(), set())
    for name, ending in product(_LISTS[field], sorted({_reversed(each) for each in endings})):
        # No text that begins with these digits comes after them with the last one raised.
        params = {"tenant": tenant, "ending": ending, "ending_end": ending[:-1] + chr(ord(ending[-1]) + 1)}
        rows = yield Statement(name, {**params, "most": _MAX_NUMBERS + 1})
        if len(rows) > _MAX_NUMBERS:
            return None
        found = listed.callers if name == _LISTS["from_number"][0] else listed.called
        found |= {each for (each,) in rows if number_digits(each).endswith(endings)}
    return listed


def _reversed(number: str) -> str:
    return number_digits(number)[: -_REVERSED_DIGITS - 1 : -1]
