"""How many calls a filter had as of a revision, where rows had to be counted: remembered, since it stays so.

A pager asks for one total with each of its pages. What was erased since changes answers about the past
too, so the number of erasures is part of the question.
"""

from collections import OrderedDict
from typing import Final, TypeAlias

from calltally.calls.filters import CallFilter
from calltally.store.snapshots.tokens import LedgerHead

# A filter is some hundred bytes.
MOST_KEPT: Final = 512

_Key: TypeAlias = tuple[str, str, int, int, CallFilter]


class Totals:
    """The totals that were asked for last. Threads may share it."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._kept: OrderedDict[_Key, int] = OrderedDict()

    def of(self, ledger_head: LedgerHead, as_of: int, calls: CallFilter) -> int | None:
        """How many calls there are of a filter as of a revision; None where nobody has counted them."""
        return self._kept.get(_key(ledger_head, as_of, calls))

    def note(self, ledger_head: LedgerHead, as_of: int, calls: CallFilter, total: int) -> int:
        """Remember it, and give it back."""
        self._kept[_key(ledger_head, as_of, calls)] = total
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return total


def _key(ledger_head: LedgerHead, as_of: int, calls: CallFilter) -> _Key:
    return ledger_head.tenant, ledger_head.epoch, ledger_head.erasures, as_of, calls


TOTALS: Final = Totals()
