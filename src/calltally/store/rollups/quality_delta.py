"""Changes of one row of the quality roll-ups, and the row's share of erased calls."""

from itertools import starmap
from operator import add as plus
from operator import sub as minus
from typing import Final

import msgspec

from calltally.calls.histogram import Bins, add
from calltally.calls.measures import (
    COLUMNS,
    ERASED,
    SUMS,
    CallMeasures,
    column_index,
    combined_bin,
    marked_columns,
)
from calltally.store.rollups.quality_keys import Keys

_ERASED_AT: Final = column_index(ERASED)
_SUMS_AT: Final = slice(column_index(SUMS[0]), column_index(SUMS[0]) + len(SUMS))


class ErasedShare(msgspec.Struct, array_like=True):
    """Share of erased calls in a row."""

    counts: list[int]
    bins: Bins


_decoder: Final = msgspec.msgpack.Decoder(ErasedShare)


class RowDelta:
    """Change of one row by a commit or a recount."""

    __slots__ = ("bins", "counts", "erased", "keys")

    def __init__(self, keys: Keys) -> None:
        self.keys = keys
        self.counts = [0] * len(COLUMNS)
        self.bins: Bins = {}
        self.erased: ErasedShare | None = None

    def add(self, counts: list[int], bins: Bins, times: int = 1) -> None:
        """Count a call, or with `times` -1 remove it."""
        # The most frequent sum of a commit: a comprehension would take twice as long.
        pairs = zip(self.counts, counts, strict=True)
        self.counts = list(starmap(plus if times == 1 else minus, pairs))
        add(self.bins, bins, times)

    def erase(self, counts: list[int], bins: Bins) -> None:
        """Count a call of the row as erased."""
        self.counts[_ERASED_AT] += 1
        share = self.erased = self.erased or empty_share()
        share.counts = [before + more for before, more in zip(share.counts, counts, strict=True)]
        add(share.bins, bins)

    @property
    def is_empty(self) -> bool:
        """Return whether the row does not change."""
        return not (self.bins or self.erased or any(self.counts))


class RowTally(msgspec.Struct, array_like=True):
    """Tally of the calls of one row, from which come a row of `COLUMNS` and its histograms.

    Most calls share their marks with others, so equal marks are counted together.
    """

    marks: dict[int, int] = {}
    sums: list[int] = msgspec.field(default_factory=lambda: [0] * len(SUMS))
    bins: Bins = {}

    def add(self, call: CallMeasures, times: int) -> None:
        """Count a call, or with `times` -1 remove it."""
        self.marks[call.marks] = self.marks.get(call.marks, 0) + times
        for kind, value in enumerate((call.talk_seconds, call.ring_seconds, call.pdd_ms)):
            if value is not None:
                self.sums[kind] += times * value
                number = combined_bin(kind, value)
                self.bins[number] = self.bins.get(number, 0) + times

    def counts(self) -> list[int]:
        """Return the calls as a row of `COLUMNS`."""
        counts = [0] * len(COLUMNS)
        for marks, times in self.marks.items():
            for column in marked_columns(marks):
                counts[column] += times
        counts[_SUMS_AT] = self.sums
        return counts


def empty_share() -> ErasedShare:
    """Return the share of a row without erased calls."""
    return ErasedShare([0] * len(COLUMNS), {})


def share_of(stored: bytes | None) -> ErasedShare:
    """Return the share of erased calls from its column."""
    share = _decoder.decode(stored) if stored else empty_share()
    # Shares of an earlier release lack the later columns.
    share.counts += [0] * (len(COLUMNS) - len(share.counts))
    return share
