"""Statements of a scan by the index that it starts at: numbers, words, SIDs or times."""

from collections.abc import Mapping
from typing import Final

from calltally.store.db.operation import Clauses

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
