"""Cache of totals per filter and revision, for filters whose rows have to be counted.

A pager requests one total with each of its pages, and the total of a revision does not change. Erasures
change answers about older revisions too, so the number of erasures is part of the key.
"""

from collections import OrderedDict
from typing import Final, TypeAlias

from calltally.calls.filters import CallFilter
from calltally.store.snapshots.tokens import LedgerHead

# A filter takes some hundred bytes.
MAX_ENTRIES: Final = 512

_Key: TypeAlias = tuple[str, str, int, int, CallFilter]


class TotalCache:
    """The most recent totals. Threads may share it."""

    def __init__(self, max_entries: int = MAX_ENTRIES) -> None:
        self._max_entries = max_entries
        self._entries: OrderedDict[_Key, int] = OrderedDict()

    def get(self, ledger_head: LedgerHead, as_of: int, calls: CallFilter) -> int | None:
        """Return the number of calls of a filter as of a revision; None if it is not cached."""
        return self._entries.get(_key(ledger_head, as_of, calls))

    def put(self, ledger_head: LedgerHead, as_of: int, calls: CallFilter, total: int) -> int:
        """Store a total and return it."""
        self._entries[_key(ledger_head, as_of, calls)] = total
        if len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)
        return total


def _key(ledger_head: LedgerHead, as_of: int, calls: CallFilter) -> _Key:
    return ledger_head.tenant, ledger_head.epoch, ledger_head.erasures, as_of, calls


TOTAL_CACHE: Final = TotalCache()
