"""Cut of pieces of time into roll-ups: hours, days, blocks of days, and edges."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from calltally.store.db.operation import StoreOperation
from calltally.store.rollups.quality_delta import DAY, FINE, FINE_DAY, HOUR, WIDTH_S
from calltally.store.rollups.quality_multiday import DAY_S, BlockLayer, closed_days, is_complete
from calltally.store.rollups.window_buckets import WindowPiece, cut

_HOUR_OF: Final = {DAY: HOUR, FINE_DAY: FINE}


class RollupRange(NamedTuple):
    """Adjacent rows of one grain, `lo_s <= t < hi_s`, of the piece with index `piece`."""

    grain: int
    lo_s: int
    hi_s: int
    piece: int


class CutPieces(NamedTuple):
    """Ranges of whole days and hours, and edges with the index of their piece."""

    ranges: list[RollupRange]
    edges: list[tuple[int, WindowPiece]]


def encode_ranges(ranges: Sequence[RollupRange]) -> str:
    """Return ranges as the parameter of a statement."""
    return msgspec.json.encode(ranges).decode()


def cut_pieces(pieces: Sequence[WindowPiece], layer: BlockLayer) -> CutPieces:
    """Cut pieces into whole days and hours."""
    grains = {DAY_S: layer.day, WIDTH_S[_HOUR_OF[layer.day]]: _HOUR_OF[layer.day]}
    ranges: list[RollupRange] = []
    edges: list[tuple[int, WindowPiece]] = []
    for index, piece in enumerate(pieces):
        cut_piece = cut(piece.lo_us, piece.hi_us, tuple(grains))
        edges += [(index, edge) for edge in (cut_piece.first, cut_piece.last) if edge is not None]
        ranges += [RollupRange(grains[width_s], lo_s, hi_s, index) for width_s, lo_s, hi_s in cut_piece.spans]
    return CutPieces(ranges, edges)


def in_hours(ranges: Sequence[RollupRange]) -> list[RollupRange]:
    """Return the same time in hours alone, which have histograms."""
    return [each._replace(grain=_HOUR_OF.get(each.grain, each.grain)) for each in ranges]


def in_blocks(tenant: str, ranges: list[RollupRange], layer: BlockLayer) -> StoreOperation[list[RollupRange]]:
    """Return the same time with the fewest rows: closed days in the widest blocks that fit."""
    days = [each for each in ranges if each.grain == layer.day]
    if not any(each.hi_s - each.lo_s >= layer.blocks[0].width_s for each in days):
        return ranges
    closed = yield from closed_days(tenant, days[0].lo_s, days[-1].hi_s)
    others = [each for each in ranges if each.grain != layer.day]
    return others + [part for each in days for part in _in_blocks(each, layer, closed)]


def _in_blocks(days: RollupRange, layer: BlockLayer, closed: frozenset[int]) -> Iterator[RollupRange]:
    """Return the ranges of some days, adjacent blocks of one grain as one range."""
    grain, from_s = days.grain, days.lo_s
    for lo_s, of in _blocks(days, layer, closed):
        if of != grain:
            if lo_s > from_s:
                yield RollupRange(grain, from_s, lo_s, days.piece)
            grain, from_s = of, lo_s
    yield RollupRange(grain, from_s, days.hi_s, days.piece)


def _blocks(days: RollupRange, layer: BlockLayer, closed: frozenset[int]) -> Iterator[tuple[int, int]]:
    """Return the start and grain of each block or single day."""
    lo_s = days.lo_s
    while lo_s < days.hi_s:
        grain, width_s = layer.day, DAY_S
        for block in layer.blocks:
            fits = lo_s % block.width_s == 0 and lo_s + block.width_s <= days.hi_s
            if not fits or not is_complete(closed, lo_s, block.width_s):
                break
            grain, width_s = block.grain, block.width_s
        yield lo_s, grain
        lo_s += width_s
