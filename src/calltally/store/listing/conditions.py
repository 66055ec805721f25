"""SQL condition of each list filter, and the counters that count the calls of the filter.

`CONDITIONS` has one row for each row of `calls.filters.FILTERS`; a missing row fails the import, because a
filter without a condition would be accepted and return every call.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from enum import Enum, auto
from typing import Any, Final, NamedTuple

from calltally.calls.filters import FILTER_FIELDS, CallFilter, active_fields
from calltally.calls.model import DIRECTION_NUMBER, STATUS_NUMBER
from calltally.store.listing.number_match import number_condition, party_condition
from calltally.store.rollups.call_counters import ALL, FACETS, facet

# Condition of `q` on one call after the other, for statements that read few calls.
HAS_WORDS: Final = "AND {has_words}"
_EVERY: Final = CallFilter()


class Counters(Enum):
    """Counters that count the calls of a filter."""

    NONE = auto()
    """The rows have to be read."""
    BUCKETS = auto()
    """Counters of a bucket of time; every statement has the conditions on its window itself."""
    COLUMNS = auto()
    """Columns within each counter."""
    FACET = auto()
    """A set of counters for each value; two such filters together have no counters."""


class Condition(NamedTuple):
    """SQL of a filter for a value, and its counters; `is_bound`: the statement binds `:field`."""

    sql: Callable[[Any], str]
    counters: Counters = Counters.NONE
    is_bound: bool = False


def _fixed(sql: str, counters: Counters = Counters.NONE, *, is_bound: bool = False) -> Condition:
    return Condition(lambda _value: sql, counters, is_bound)


def _statuses(statuses: Sequence[str]) -> str:
    return f"AND c.status IN ({', '.join(str(STATUS_NUMBER[status]) for status in statuses)})"


def check_complete(conditions: Mapping[str, Condition], fields: Collection[str]) -> None:
    """Raise TypeError for filters without a condition, and for conditions without a filter."""
    if unmatched := sorted(conditions.keys() ^ set(fields)):
        message = f"these list filters need one row in FILTERS and one in CONDITIONS: {', '.join(unmatched)}"
        raise TypeError(message)


# Numbers that the code defines are part of the text, so that the planner can use partial indexes.
CONDITIONS: Final[Mapping[str, Condition]] = {
    "from_us": _fixed("", Counters.BUCKETS),
    "to_us": _fixed("", Counters.BUCKETS),
    "statuses": Condition(_statuses, Counters.COLUMNS),
    "direction": Condition(
        lambda direction: f"AND c.direction = {DIRECTION_NUMBER[direction]}", Counters.COLUMNS
    ),
    **{name: _fixed(f"AND c.{name} = :{name}", Counters.FACET, is_bound=True) for name in FACETS},
    # `:id` is the id of the call that the SID belongs to.
    "call_sid": _fixed("AND c.id = :id"),
    # `:sid_ids` are the ids of the calls whose SIDs begin so.
    "call_sid_prefix": _fixed("AND {id_in_prefix}"),
    "number": Condition(number_condition, is_bound=True),
    "from_number": Condition(party_condition("from_number"), is_bound=True),
    "to_number": Condition(party_condition("to_number"), is_bound=True),
    "parent_call_sid": _fixed("AND c.parent_call_sid = :parent_call_sid", is_bound=True),
    "updated_from_us": _fixed("AND c.updated_us >= :updated_from_us", is_bound=True),
    "updated_to_us": _fixed("AND c.updated_us < :updated_to_us", is_bound=True),
    "escalated": Condition(lambda value: f"AND c.escalated = {int(value)}"),
    "q": _fixed(HAS_WORDS),
}
check_complete(CONDITIONS, FILTER_FIELDS)


COLUMN_FIELDS: Final = tuple(
    field for field in FILTER_FIELDS if CONDITIONS[field].counters is Counters.COLUMNS
)


def texts_of(values: Mapping[str, Any]) -> list[str]:
    """Return the SQL of filters by their fields; a value that is None or empty restricts nothing."""
    return [
        CONDITIONS[field].sql(value) for field, value in values.items() if value is not None and value != ()
    ]


def bound_params(calls: CallFilter) -> dict[str, Any]:
    return {name: getattr(calls, name) for name in active_fields(calls) if CONDITIONS[name].is_bound}


def facet_of(calls: CallFilter) -> str | None:
    """Return the facet whose counters count the calls of a filter; None where rows have to be read."""
    # Most lists have no filter, and to read each field takes twenty times as long.
    if calls == _EVERY:
        return ALL
    fields = active_fields(calls)
    named = [field for field in fields if CONDITIONS[field].counters is Counters.FACET]
    if len(named) > 1 or any(CONDITIONS[field].counters is Counters.NONE for field in fields):
        return None
    return facet(named[0], getattr(calls, named[0])) if named else ALL
