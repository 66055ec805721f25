"""What is added to one row of the roll-ups, call by call or at once, and what of a row is of erased calls."""

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


class Share(msgspec.Struct, array_like=True):
    """What of a row is of erased calls."""

    counts: list[int]
    bins: Bins


_decoder: Final = msgspec.msgpack.Decoder(Share)


class Delta:
    """What a commit, or a recount, adds to one row."""

    __slots__ = ("bins", "counts", "erased", "keys")

    def __init__(self, keys: Keys) -> None:
        self.keys = keys
        self.counts = [0] * len(COLUMNS)
        self.bins: Bins = {}
        self.erased: Share | None = None

    def add(self, counts: list[int], bins: Bins, times: int = 1) -> None:
        """Count a call, or with `times` -1 count it no more."""
        # Of all that a commit adds up these are the most: a comprehension would take twice as long.
        pairs = zip(self.counts, counts, strict=True)
        self.counts = list(starmap(plus if times == 1 else minus, pairs))
        add(self.bins, bins, times)

    def erase(self, counts: list[int], bins: Bins) -> None:
        """A call stays, as one that was erased."""
        self.counts[_ERASED_AT] += 1
        share = self.erased = self.erased or no_share()
        share.counts = [had + more for had, more in zip(share.counts, counts, strict=True)]
        add(share.bins, bins)

    @property
    def is_empty(self) -> bool:
        """Whether the row stays as it is."""
        return not (self.bins or self.erased or any(self.counts))


class Tally(msgspec.Struct, array_like=True):
    """The calls of one row as they come; at the end a row of `COLUMNS`, and its histograms.

    Most calls have the marks of others, so that those are counted by the kind and not one by one.
    """

    marks: dict[int, int] = {}
    sums: list[int] = msgspec.field(default_factory=lambda: [0] * len(SUMS))
    bins: Bins = {}

    def add(self, call: CallMeasures, times: int) -> None:
        """Count a call, or with `times` -1 count it no more."""
        self.marks[call.marks] = self.marks.get(call.marks, 0) + times
        for kind, value in enumerate((call.talk_seconds, call.ring_seconds, call.pdd_ms)):
            if value is not None:
                self.sums[kind] += times * value
                number = combined_bin(kind, value)
                self.bins[number] = self.bins.get(number, 0) + times

    def counts(self) -> list[int]:
        """All of them as a row of `COLUMNS`."""
        counts = [0] * len(COLUMNS)
        for marks, times in self.marks.items():
            for place in marked_columns(marks):
                counts[place] += times
        counts[_SUMS_AT] = self.sums
        return counts


def no_share() -> Share:
    """Of a row without an erased call."""
    return Share([0] * len(COLUMNS), {})


def share_of(stored: bytes | None) -> Share:
    """The share of erased calls, as a row has it."""
    return _decoder.decode(stored) if stored else no_share()
