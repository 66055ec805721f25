"""The roll-ups of quality: what calls add up to by hour and by key, kept equal to the calls by the ledger.

Four grains: a day and an hour by route, provider and direction, which most questions are about, and both
by all keys. Counts are added where they stand. A histogram is read, changed and written back: the tenant's
lock is held, and a commit has few that change, since only final calls are in them.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final, TypeAlias

import msgspec

from calltally.calls.histogram import Bins, add, pack, unpack
from calltally.calls.measures import (
    COLUMNS,
    CallMeasures,
    column_index,
    column_values,
    combined_bins,
    decode_measures,
)
from calltally.calls.times import SECOND_US
from calltally.store.db.operation import ParamsTable, Row, StatementMany, StoreOperation
from calltally.store.rollups.call_counters import Place
from calltally.store.rollups.quality_delta import Delta, Share, Tally, share_of
from calltally.store.rollups.quality_keys import (
    DAY,
    FINE,
    FINE_DAY,
    FINE_KEYS,
    HOUR,
    NAMED,
    WIDTH_S,
    Keys,
    RowId,
    coarse_keys,
    fine_keys,
    key_of,
)

_DAYS: Final = ("tenant", "day_s")
# Empty, and yet said: a row that keeps what it has says nothing.
_NO_BINS: Final = msgspec.msgpack.encode({})
_NOTHING: Final[Bins] = {}
_ATTEMPTS_AT: Final = column_index("attempts")
_FINE_S: Final = WIDTH_S[FINE]

# Which row of the finest grain: tenant, hour and keys.
FineRow: TypeAlias = tuple[str, int, Keys]
Tallies: TypeAlias = dict[FineRow, Tally]

_encoder: Final = msgspec.msgpack.Encoder()


class QualityDeltas:
    """What a commit changes in the roll-ups, added up before anything is written."""

    def __init__(self) -> None:
        self.tallies: Tallies = {}
        # What is of erased calls.
        self._others: dict[FineRow, Delta] = {}

    def move(self, old: tuple[Place, bytes | None] | None, new: tuple[Place, bytes]) -> None:
        """A call changed, or is new: what it added goes, what it adds now comes."""
        if old is not None and old[1] == new[1] and _bucket(old[0]) == _bucket(new[0]):
            return
        if old is not None:
            self.take_out(*old)
        self.add(*new)

    def add(self, place: Place, measured: bytes, times: int = 1) -> None:
        """Count a call, or with `times` -1 count it no more."""
        call = decode_measures(measured)
        where = _where(place, call)
        tally = self.tallies.get(where)
        if tally is None:
            tally = self.tallies[where] = Tally()
        tally.add(call, times)

    def take_out(self, place: Place, measured: bytes | None) -> None:
        """A call that is none any more; one that was never measured is in no row."""
        if measured is not None:
            self.add(place, measured, -1)

    def erase(self, place: Place, measured: bytes | None) -> None:
        """A call that was erased stays in the numbers."""
        if measured is not None:
            call = decode_measures(measured)
            self._other(_where(place, call)).erase(column_values(call), combined_bins(call))

    def add_share(self, tenant: str, bucket_s: int, keys: Keys, share: Share) -> None:
        """What a row has of erased calls, as if they were still there."""
        counts = [*share.counts[:-1], share.counts[_ATTEMPTS_AT]]
        self._other((tenant, bucket_s, keys)).add(counts, share.bins)

    def write(self) -> StoreOperation[None]:
        """Add it all to the rows."""
        yield from write_rows(self.rows())

    def rows(self) -> dict[RowId, Delta]:
        """The rows of all grains that change."""
        rows: dict[RowId, Delta] = {}
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

    def _fine(self, where: FineRow) -> Delta:
        delta, tally, other = Delta(where[-1]), self.tallies.get(where), self._others.get(where)
        if tally is not None:
            delta.add(tally.counts(), tally.bins)
        if other is not None:
            delta.add(other.counts, other.bins)
            delta.erased = other.erased
        return delta

    def _other(self, where: FineRow) -> Delta:
        return self._others.setdefault(where, Delta(where[-1]))


def _where(place: Place, call: CallMeasures) -> FineRow:
    """The row of the finest grain in which a call stands."""
    second = place.created_us // SECOND_US
    return place.tenant, second - second % _FINE_S, fine_keys(place, call)


def write_rows(rows: Mapping[RowId, Delta]) -> StoreOperation[None]:
    """Add differences to rows. The tenants' heads must be locked."""
    if not rows:
        return
    days = sorted({(row[0], row[2] - row[2] % WIDTH_S[DAY]) for row in rows})
    yield StatementMany("open_quality_days", ParamsTable(_DAYS, days))
    kept = yield from _kept(rows)
    begun = [row for row in sorted(rows) if _is_begun(rows[row])]
    others = sorted(rows.keys() - begun)
    if begun:
        counted = [(*row, *rows[row].keys, rows[row].counts[_ATTEMPTS_AT], None, None) for row in begun]
        yield StatementMany("add_quality", ParamsTable(_names_of(("attempts",)), counted), _BEGUN_CLAUSES)
    if others:
        whole = [_row(row, rows[row], kept.get(row)) for row in others]
        yield StatementMany("add_quality", ParamsTable(_names_of(COLUMNS), whole), CLAUSES)


@cache
def _names_of(columns: tuple[str, ...]) -> tuple[str, ...]:
    return (*NAMED, *FINE_KEYS, *columns, "histograms", "erased")


def _is_begun(delta: Delta) -> bool:
    """Whether only `attempts` differ, as where calls begin: half of the rows of a commit."""
    others = [*delta.counts[:_ATTEMPTS_AT], *delta.counts[_ATTEMPTS_AT + 1 :]]
    return not (delta.bins or delta.erased or any(others))


def _row_of(rows: dict[RowId, Delta], row: RowId, keys: Keys) -> Delta:
    delta = rows.get(row)
    if delta is None:
        delta = rows[row] = Delta(keys)
    return delta


def _bucket(place: Place) -> tuple[Any, ...]:
    """All of a place that decides in which row a call stands, but its status."""
    return (place.created_us // (WIDTH_S[FINE] * SECOND_US), *place[3:])


def _kept(rows: Mapping[RowId, Delta]) -> StoreOperation[dict[RowId, tuple[bytes | None, bytes | None]]]:
    """What the rows hold that cannot be added to where it stands."""
    asked = [row for row, delta in rows.items() if delta.bins or delta.erased]
    if not asked:
        return {}
    found = yield StatementMany("quality_of_keys", ParamsTable(NAMED, asked))
    return {tuple(row[:4]): (row[4], row[5]) for row in found}


def _row(row: RowId, delta: Delta, kept: tuple[bytes | None, bytes | None] | None) -> Row:
    histograms, erased = kept or (None, None)
    return (
        *(*row, *delta.keys, *delta.counts),
        _added(histograms, delta.bins) if delta.bins else None,
        _erased(erased, delta.erased) if delta.erased else None,
    )


def _added(stored: bytes | None, more: Bins) -> bytes:
    bins = unpack(stored)
    add(bins, more)
    return pack(bins) or _NO_BINS


def _erased(stored: bytes | None, more: Share) -> bytes:
    share = share_of(stored)
    share.counts = [had + adds for had, adds in zip(share.counts, more.counts, strict=True)]
    add(share.bins, more.bins)
    return _encoder.encode(share)


def _joined(pattern: str, names: tuple[str, ...]) -> str:
    return ", ".join(pattern.format(name) for name in names)


def _clauses(names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    yield "columns", _joined("{0}", names)
    yield "values", _joined(":{0}", names)
    yield "arrays", _joined(":{0}::bigint[]", names)
    yield "sums", _joined("{0} = quality.{0} + excluded.{0}", names)


CLAUSES: Final = tuple(_clauses(COLUMNS))
_BEGUN_CLAUSES: Final = tuple(_clauses(("attempts",)))
