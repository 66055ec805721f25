"""What is added to one row of the roll-ups, and what of a row is of erased calls."""

from itertools import starmap
from operator import add as plus
from operator import sub as minus
from typing import Final

import msgspec

from calltally.calls.histogram import Bins, add
from calltally.calls.measures import COLUMNS, ERASED, place_of
from calltally.store.quality_keys import Keys

_ERASED_AT: Final = place_of(ERASED)


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


def no_share() -> Share:
    """Of a row without an erased call."""
    return Share([0] * len(COLUMNS), {})


def share_of(stored: bytes | None) -> Share:
    """The share of erased calls, as a row has it."""
    return _decoder.decode(stored) if stored else no_share()
