"""What the counters of a filter's window held, kept to begin its next page with.

They are a function of the tenant's ledger at a revision. So the next page of the same filter is found from
them, and asked for together with where the ledger stands: one trip to the database instead of two. If the
ledger has moved on, that page is thrown away and found anew.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, NamedTuple

from calltally.calls.filters import CallFilter
from calltally.store.db.operation import Rows
from calltally.store.snapshots.tokens import LedgerHead

MOST_KEPT: Final = 512
# A window of odd ends has a few hundred buckets; most have a dozen. Some megabytes in all.
_MOST_ROWS: Final = 128


class _Known(NamedTuple):
    """Where the ledger stood, what its counters held, and whether a second page found it there as well."""

    ledger_head: LedgerHead
    answers: Sequence[Rows]
    is_steady: bool


class Begun:
    """The filters that were asked for last. Threads may share it."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._known: OrderedDict[tuple[str, CallFilter], _Known] = OrderedDict()

    def of(self, tenant: str, calls: CallFilter) -> tuple[LedgerHead, Sequence[Rows]] | None:
        """What to begin with; None where nothing is known, or the ledger moves on between pages."""
        known = self._known.get((tenant, calls))
        return (known.ledger_head, known.answers) if known is not None and known.is_steady else None

    def note(self, ledger_head: LedgerHead, calls: CallFilter, answers: Sequence[Rows]) -> None:
        """Remember what the counters of a filter's window held."""
        if sum(map(len, answers)) > _MOST_ROWS:
            return
        key = (ledger_head.tenant, calls)
        before = self._known.pop(key, None)
        is_steady = before is not None and before.ledger_head == ledger_head
        self._known[key] = _Known(ledger_head, answers, is_steady)
        if len(self._known) > self._most:
            self._known.popitem(last=False)


BEGUN: Final = Begun()
