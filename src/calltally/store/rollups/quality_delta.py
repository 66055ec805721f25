"""Rows of the quality roll-ups: their keys and grains, changes, and shares of erased calls."""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from operator import add as plus
from operator import sub as minus
from typing import Final, TypeAlias

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
from calltally.store.rollups.call_counters import CallDimensions

_ATTEMPTS_AT: Final = column_index("attempts")
_ERASED_AT: Final = column_index(ERASED)
_SUMS_AT: Final = slice(column_index(SUMS[0]), column_index(SUMS[0]) + len(SUMS))


DAY, HOUR, FINE, FINE_DAY = 1, 2, 3, 4
WIDTH_S: Final = {DAY: 86_400, HOUR: 3_600, FINE: 3_600, FINE_DAY: 86_400}
# Columns that identify a row, in the order of a RowId.
ID_COLUMNS: Final = ("tenant", "grain", "bucket_s", "key")
COARSE_KEYS: Final = ("direction", "route", "provider")
FINE_KEYS: Final = (*COARSE_KEYS, "agent", "provider_account", "end_reason", "country")
_KEY_BYTES: Final = 16

Keys: TypeAlias = tuple[int, str, str, str, str, str, str]
# Tenant, grain, bucket and the hash of the keys.
RowId: TypeAlias = tuple[str, int, int, bytes]


def fine_keys(dimensions: CallDimensions, measured: CallMeasures) -> Keys:
    _tenant, _created_us, _status, direction, route, agent, provider = dimensions
    account, end_reason, country = measured.provider_account, measured.end_reason, measured.country
    return (direction, route or "", provider or "", agent or "", account, end_reason, country)


def coarse_keys(keys: Keys) -> Keys:
    return (*keys[:3], "", "", "", "")


@lru_cache(maxsize=4_096)
def key_of(keys: Keys) -> bytes:
    """Return a hash of keys, which themselves can be too long for an index of PostgreSQL."""
    return blake2b(msgspec.msgpack.encode(keys), digest_size=_KEY_BYTES).digest()


class QualityTotals(msgspec.Struct, array_like=True):
    """Counts by `COLUMNS` and histograms of some calls. The share of erased calls in a row is stored so."""

    counts: list[int] = msgspec.field(default_factory=lambda: [0] * len(COLUMNS))
    bins: Bins = {}

    def add(self, counts: Sequence[int], bins: Bins, times: int = 1) -> None:
        """Add counts and histograms, or with `times` -1 subtract them."""
        # The most frequent sum of a commit: a comprehension would take twice as long.
        self.counts = list(map(plus if times == 1 else minus, self.counts, counts))
        add(self.bins, bins, times)

    def columns(self) -> dict[str, int]:
        return dict(zip(COLUMNS, self.counts, strict=True))


_decoder: Final = msgspec.msgpack.Decoder(QualityTotals)


class RowDelta(QualityTotals, kw_only=True):
    """Change of one row by a commit or a recount."""

    keys: Keys
    erased: QualityTotals | None = None

    def erase(self, counts: list[int], bins: Bins) -> None:
        self.counts[_ERASED_AT] += 1
        self.erased = self.erased or QualityTotals()
        self.erased.add(counts, bins)

    @property
    def has_only_attempts(self) -> bool:
        others = [*self.counts[:_ATTEMPTS_AT], *self.counts[_ATTEMPTS_AT + 1 :]]
        return not (self.bins or self.erased or any(others))

    @property
    def is_empty(self) -> bool:
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
        counts = [0] * len(COLUMNS)
        for marks, times in self.marks.items():
            for column in marked_columns(marks):
                counts[column] += times
        counts[_SUMS_AT] = self.sums
        return counts


def share_of(stored: bytes | None) -> QualityTotals:
    """Return the share of erased calls from its column."""
    share = _decoder.decode(stored) if stored else QualityTotals()
    # Shares of an earlier release lack the later columns.
    share.counts += [0] * (len(COLUMNS) - len(share.counts))
    return share
