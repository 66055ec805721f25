"""SQL of the filters by number, at either end or at one: the whole number, or its last digits.

Digits are searched by an index over the last four digits, in the order of time: a page reads only its own
rows, however many numbers have that ending. An index over whole reversed digits would first have to sort all
of them.
"""

from collections.abc import Callable
from typing import Any, Final

from calltally.calls.filters import CallFilter
from calltally.calls.phone import MIN_ENDING_DIGITS, is_ending
from calltally.store.db.operation import Clauses

WHOLE: Final = "AND (c.from_number = :number OR c.to_number = :number)"
_FROM_ENDS: Final = "{from_ending_is} AND {from_ends}"
_TO_ENDS: Final = "{to_ending_is} AND {to_ends}"
# Conditions of the filters by one party.
_WHOLE_PARTY: Final = {
    "from_number": "AND c.from_number = :from_number",
    "to_number": "AND c.to_number = :to_number",
}
_PARTY_ENDING: Final = {
    "from_number": "AND {caller_ending_is} AND {caller_ends}",
    "to_number": "AND {called_ending_is} AND {called_ends}",
}
_WHOLE_INDEX: Final = {"from_number": "calls_from", "to_number": "calls_to"}
_ENDING_INDEX: Final = {"from_number": "calls_from_ending", "to_number": "calls_to_ending"}
# Parameters of a number: its last digits, and the digits with their country code.
_ENDING_PARAMS: Final = {
    "number": ("ending", "international"),
    "from_number": ("from_ending", "from_international"),
    "to_number": ("to_ending", "to_international"),
}
ENDING: Final = f"AND (({_FROM_ENDS}) OR ({_TO_ENDS}))"
# A call with the number at both ends is in both indexes, so the index of called numbers leaves it out.
_OF_WHOLE: Final = (
    ("from_index", "calls_from"),
    ("to_index", "calls_to"),
    ("of_from", "c.from_number = :number"),
    ("of_to", "c.to_number = :number"),
    ("only_to", "{not_from}"),
    ("unlike_from", "coalesce(c.from_number, '') <> :number"),
)
_OF_ENDING: Final = (
    ("from_index", "calls_from_ending"),
    ("to_index", "calls_to_ending"),
    ("of_from", f"({_FROM_ENDS})"),
    ("of_to", f"({_TO_ENDS})"),
    ("only_to", "{from_ends} IS NOT TRUE"),
    ("unlike_from", "{from_ends} IS NOT TRUE"),
)


def number_condition(number: str) -> str:
    """Return the condition of a number on a call or an older version of it."""
    return ENDING if is_ending(number) else WHOLE


def party_condition(party: str) -> Callable[[str], str]:
    """Return the function that gives the condition of a number on one party."""
    return lambda number: (_PARTY_ENDING if is_ending(number) else _WHOLE_PARTY)[party]


def party_index(party: str, number: str) -> str:
    """Return the index of the filter by a number at one end."""
    return (_ENDING_INDEX if is_ending(number) else _WHOLE_INDEX)[party]


def number_clauses(number: str) -> Clauses:
    """Return the clauses of a statement that starts at an index of numbers."""
    return _OF_ENDING if is_ending(number) else _OF_WHOLE


def number_params(calls: CallFilter) -> dict[str, Any]:
    """Return the parameters of the conditions on numbers."""
    params: dict[str, Any] = {}
    for name, (ending, international) in _ENDING_PARAMS.items():
        number = getattr(calls, name)
        if number is not None and is_ending(number):
            params[ending] = number[-MIN_ENDING_DIGITS:]
            params[international] = getattr(calls, international) or number
    return params
