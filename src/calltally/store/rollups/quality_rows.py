"""Quality roll-ups: sums of calls by hour and key, which the ledger updates with each commit.

Four grains: day and hour by route, provider and direction, for most queries, and both by all keys. Counts are
added in place. A histogram is read, changed and written back: the tenant's lock is held, and few histograms
change in a commit, because they contain only final calls.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from calltally.calls.histogram import Bins, add, pack, unpack
from calltally.calls.measures import (
    COLUMNS,
    ERASED,
    CallMeasures,
    column_index,
    column_values,
    combined_bins,
    decode_measures,
)
from calltally.calls.times import SECOND_US
from calltally.store.db.operation import ParamsTable, Row, StatementMany, StoreOperation
from calltally.store.rollups.call_counters import CallDimensions, adding_clauses
from calltally.store.rollups.quality_delta import (
    DAY,
    FINE,
    FINE_DAY,
    FINE_KEYS,
    HOUR,
    ID_COLUMNS,
    WIDTH_S,
    Keys,
    QualityTotals,
    RowDelta,
    RowId,
    RowTally,
    coarse_keys,
    fine_keys,
    key_of,
    share_of,
)

_DAYS: Final = ("tenant", "day_s")
# An empty histogram; NULL means that the row keeps its histogram.
_NO_BINS: Final = msgspec.msgpack.encode({})
_NOTHING: Final[Bins] = {}
_ATTEMPTS_AT: Final = column_index("attempts")
_ERASED_AT: Final = column_index(ERASED)
_FINE_S: Final = WIDTH_S[FINE]

# Row of the finest grain: tenant, hour and keys.
FineRow: TypeAlias = tuple[str, int, Keys]
Tallies: TypeAlias = dict[FineRow, RowTally]

_encoder: Final = msgspec.msgpack.Encoder()


class MeasuredCall(NamedTuple):
    """Dimensions and encoded measures of a call; without measures the call is in no row."""

    dimensions: CallDimensions
    measured: bytes | None


class QualityDeltas:
    """Changes of a commit to the roll-ups, summed before they are written."""

    def __init__(self) -> None:
        self.tallies: Tallies = {}
        # Changes by erased calls.
        self._others: dict[FineRow, RowDelta] = {}

    def move(self, old: MeasuredCall | None, new: MeasuredCall) -> None:
        """Replace the old counts of a call by its new ones; `old` is None for a new call."""
        if old is not None:
            if old.measured == new.measured and _bucket(old.dimensions) == _bucket(new.dimensions):
                return
            self.remove(*old)
        if new.measured is not None:
            self.add(new.dimensions, new.measured)

    def add(self, dimensions: CallDimensions, measured: bytes, times: int = 1) -> None:
        """Count a call, or with `times` -1 remove it."""
        call = decode_measures(measured)
        row = _fine_row(dimensions, call)
        tally = self.tallies.get(row)
        if tally is None:
            tally = self.tallies[row] = RowTally()
        tally.add(call, times)

    def remove(self, dimensions: CallDimensions, measured: bytes | None) -> None:
        """Remove a call; a call without measures is in no row."""
        if measured is not None:
            self.add(dimensions, measured, -1)

    def erase(self, dimensions: CallDimensions, measured: bytes | None) -> None:
        """Count a call as erased; it stays in the numbers."""
        if measured is not None:
            call = decode_measures(measured)
            self._other(_fine_row(dimensions, call)).erase(column_values(call), combined_bins(call))

    def add_share(self, tenant: str, bucket_s: int, keys: Keys, share: QualityTotals) -> None:
        """Add a row's share of erased calls, as if the calls still existed."""
        counts = share.counts.copy()
        counts[_ERASED_AT] = counts[_ATTEMPTS_AT]
        self._other((tenant, bucket_s, keys)).add(counts, share.bins)

    def write(self) -> StoreOperation[None]:
        """Add the changes to the rows."""
        yield from write_rows(self.rows())

    def rows(self) -> dict[RowId, RowDelta]:
        """Return the rows of all grains that change."""
        rows: dict[RowId, RowDelta] = {}
        for tenant, hour_s, keys in dict.fromkeys((*self.tallies, *self._others)):
            fine = self._fine((tenant, hour_s, keys))
            if fine.is_empty:
                continue
            fine_key, coarse = key_of(keys), coarse_keys(keys)
            key, day_s = key_of(coarse), hour_s - hour_s % WIDTH_S[DAY]
            rows[tenant, FINE, hour_s, fine_key] = fine
            _row_of(rows, (tenant, HOUR, hour_s, key), coarse).add(fine.counts, fine.bins)
            _row_of(rows, (tenant, FINE_DAY, day_s, fine_key), keys).add(fine.counts, _NOTHING)
            _row_of(rows, (tenant, DAY, day_s, key), coarse).add(fine.counts, _NOTHING)
        return {row: delta for row, delta in rows.items() if not delta.is_empty}

    def _fine(self, row: FineRow) -> RowDelta:
        delta, tally, other = RowDelta(keys=row[-1]), self.tallies.get(row), self._others.get(row)
        if tally is not None:
            delta.add(tally.counts(), tally.bins)
        if other is not None:
            delta.add(other.counts, other.bins)
            delta.erased = other.erased
        return delta

    def _other(self, row: FineRow) -> RowDelta:
        return self._others.setdefault(row, RowDelta(keys=row[-1]))


def _fine_row(dimensions: CallDimensions, call: CallMeasures) -> FineRow:
    """Return the row of a call in the finest grain."""
    second = dimensions.created_us // SECOND_US
    return dimensions.tenant, second - second % _FINE_S, fine_keys(dimensions, call)


def write_rows(rows: Mapping[RowId, RowDelta]) -> StoreOperation[None]:
    """Add differences to rows. The tenants' heads must be locked."""
    if not rows:
        return
    days = sorted({(row[0], row[2] - row[2] % WIDTH_S[DAY]) for row in rows})
    yield StatementMany("open_quality_days", ParamsTable(_DAYS, days))
    stored = yield from _stored(rows)
    # Only `attempts` change for new calls: half of the rows of a commit.
    new_calls = [row for row in sorted(rows) if rows[row].has_only_attempts]
    others = sorted(rows.keys() - new_calls)
    if new_calls:
        counted = [(*row, *rows[row].keys, rows[row].counts[_ATTEMPTS_AT], None, None) for row in new_calls]
        yield StatementMany("add_quality", ParamsTable(_names_of(("attempts",)), counted), _ATTEMPTS_CLAUSES)
    if others:
        whole = [_row(row, rows[row], stored.get(row)) for row in others]
        yield StatementMany("add_quality", ParamsTable(_names_of(COLUMNS), whole), CLAUSES)


@cache
def _names_of(columns: tuple[str, ...]) -> tuple[str, ...]:
    return (*ID_COLUMNS, *FINE_KEYS, *columns, "histograms", "erased")


def _row_of(rows: dict[RowId, RowDelta], row: RowId, keys: Keys) -> RowDelta:
    delta = rows.get(row)
    if delta is None:
        delta = rows[row] = RowDelta(keys=keys)
    return delta


def _bucket(dimensions: CallDimensions) -> tuple[Any, ...]:
    """Return the dimensions that select the row of a call."""
    return (dimensions.created_us // (WIDTH_S[FINE] * SECOND_US), *dimensions[3:])


def _stored(rows: Mapping[RowId, RowDelta]) -> StoreOperation[dict[RowId, tuple[bytes | None, bytes | None]]]:
    """Return the histograms and erased shares of rows, which cannot be added to in place."""
    changed = [row for row, delta in rows.items() if delta.bins or delta.erased]
    if not changed:
        return {}
    found = yield StatementMany("quality_of_keys", ParamsTable(ID_COLUMNS, changed))
    return {tuple(row[:4]): (row[4], row[5]) for row in found}


def _row(row: RowId, delta: RowDelta, stored: tuple[bytes | None, bytes | None] | None) -> Row:
    histograms, erased = stored or (None, None)
    new_histograms = new_share = None
    if delta.bins:
        bins = unpack(histograms)
        add(bins, delta.bins)
        new_histograms = pack(bins) or _NO_BINS
    if delta.erased:
        share = share_of(erased)
        share.add(delta.erased.counts, delta.erased.bins)
        new_share = _encoder.encode(share)
    return (*row, *delta.keys, *delta.counts, new_histograms, new_share)


CLAUSES: Final = adding_clauses("quality", COLUMNS, "bigint")
_ATTEMPTS_CLAUSES: Final = adding_clauses("quality", ("attempts",), "bigint")
