"""Cache of counter rows per filter, so that the next page of the filter needs one round trip.

The rows are a function of the tenant's ledger at a revision. The next page reads the ledger head together
with its first records, based on the cached rows: one round trip instead of two. If the head has moved on,
that page is discarded and read again.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, NamedTuple

from calltally.calls.filters import CallFilter
from calltally.store.db.operation import Rows
from calltally.store.snapshots.tokens import LedgerHead

MAX_ENTRIES: Final = 512
# A window with ragged ends has a few hundred buckets; most have a dozen. Some megabytes in all.
_MAX_ROWS: Final = 128


class _CachedCounters(NamedTuple):
    """Counter rows at a ledger head; `is_steady`: a second page was read at the same head."""

    ledger_head: LedgerHead
    answers: Sequence[Rows]
    is_steady: bool


class CounterCache:
    """Counter rows of the most recent filters. Threads may share it."""

    def __init__(self, max_entries: int = MAX_ENTRIES) -> None:
        self._max_entries = max_entries
        self._entries: OrderedDict[tuple[str, CallFilter], _CachedCounters] = OrderedDict()

    def get(self, tenant: str, calls: CallFilter) -> tuple[LedgerHead, Sequence[Rows]] | None:
        """Return the rows of a filter and their head; None if the ledger changes between pages."""
        entry = self._entries.get((tenant, calls))
        return (entry.ledger_head, entry.answers) if entry is not None and entry.is_steady else None

    def put(self, ledger_head: LedgerHead, calls: CallFilter, answers: Sequence[Rows]) -> None:
        """Store the counter rows of a filter's window."""
        if sum(map(len, answers)) > _MAX_ROWS:
            return
        key = (ledger_head.tenant, calls)
        before = self._entries.pop(key, None)
        is_steady = before is not None and before.ledger_head == ledger_head
        self._entries[key] = _CachedCounters(ledger_head, answers, is_steady)
        if len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)


COUNTER_CACHE: Final = CounterCache()
