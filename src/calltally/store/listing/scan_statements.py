"""Statements of a scan by the index that it starts at: numbers, words, SIDs or times.

A filter by one party, by the parent or by the time of the last change has an index of its own. The statements
of a plain scan then read this index instead of the index by time of creation.
"""

from collections.abc import Mapping
from typing import Final

from calltally.calls.filters import CallFilter
from calltally.store.db.operation import Clauses
from calltally.store.listing.number_match import ONE, party_index

# Condition of `q` by the index of words, for statements that do not start at this index.
OF_WORDS: Final = "AND c.id IN ({ids_of_words})"
# Filters whose condition is part of the statement, by the index that the statement starts at.
BUILT_IN: Final = {"number": "number", "search": "q", "prefix": "call_sid_prefix"}
# Statements that start at ids, and the condition of these ids on an older version of a call.
IDS: Final[Mapping[str, Clauses]] = {
    "search": (("ids", "{ids_of_words}"), ("among_ids", "{has_words}")),
    "prefix": (("ids", "{ids_of_prefix}"), ("among_ids", "{id_in_prefix}")),
}
TOTALS: Final = {
    "number": "number_total",
    "search": "search_total",
    "prefix": "search_total",
    "scan": "scan_total",
}
ANY: Final = (("filters", ""),)
# Statements of rows by the index that they start at: for the present, and as of a revision.
ROWS: Final = {
    "inspect": ("inspect_records", "inspect_rows_as_of"),
    "number": ("number_records", "number_rows_as_of"),
    "search": ("search_records", "search_rows_as_of"),
    "prefix": ("search_records", "search_rows_as_of"),
    "scan": ("scan_records", "scan_rows_as_of"),
}
# By (has a number filter, is as of a revision).
NEWEST: Final = {
    (False, False): "newest_total",
    (False, True): "newest_total_as_of",
    (True, False): "number_newest_total",
    (True, True): "number_newest_total_as_of",
}
# Filters with an index of their own. Few calls match, or the index has them in a row.
NARROW: Final = frozenset({"from_number", "to_number", "parent_call_sid", "updated_from_us", "updated_to_us"})
# Filters that an older revision cannot answer after an erasure.
ERASED_FIELDS: Final = frozenset(
    {"number", "from_number", "to_number", "q", "call_sid", "call_sid_prefix", "parent_call_sid"}
)
# Columns that older releases did not record in older versions of calls, by the filters that read them.
UNRECORDED: Final = {
    "parent_call_sid": "c.parent_call_sid",
    "updated_from_us": "c.updated_us",
    "updated_to_us": "c.updated_us",
}


def party_of(calls: CallFilter) -> str | None:
    """Return the filter by one party that a scan starts at, the caller first."""
    parties = ("from_number", "to_number")
    return next((party for party in parties if getattr(calls, party) is not None), None)


def scan_index(calls: CallFilter) -> str | None:
    """Return the database's index for a plain scan with narrow filters: the one with the fewest calls."""
    party = party_of(calls)
    if party is not None:
        return party_index(party, getattr(calls, party))
    if calls.parent_call_sid is not None:
        return "calls_of_parent"
    is_updated = calls.updated_from_us is not None or calls.updated_to_us is not None
    return "calls_updated" if is_updated else None


def scan_clauses(calls: CallFilter) -> Clauses:
    """Return the clauses of a plain scan: SQLite's index; PostgreSQL chooses it by its statistics."""
    index = scan_index(calls)
    by_index = "" if index is None else f"INDEXED BY {index}"
    return ("by_index", by_index), ("each", ONE), ("among", "TRUE"), ("of_version", "TRUE")
