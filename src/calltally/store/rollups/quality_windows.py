"""How pieces of time are cut into what roll-ups know: hours, days, blocks of days, and the edges."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from calltally.store.db.operation import StoreOperation
from calltally.store.rollups.quality_keys import DAY, FINE, FINE_DAY, HOUR, WIDTH_S
from calltally.store.rollups.quality_multiday import DAY_S, Layer, closed_days, is_whole
from calltally.store.rollups.window_buckets import cut

_HOUR_OF: Final = {DAY: HOUR, FINE_DAY: FINE}


class Piece(NamedTuple):
    """A part of the window that is counted by itself, from `lo_us` to before `hi_us`."""

    lo_us: int
    hi_us: int


class Stretch(NamedTuple):
    """Neighbouring rows of one grain, from `lo_s` to before `hi_s`, in the piece at `place`."""

    grain: int
    lo_s: int
    hi_s: int
    place: int


class Parts(NamedTuple):
    """Whole days and hours of pieces, and their edges with the place of each."""

    stretches: list[Stretch]
    edges: list[tuple[int, Piece]]


def packed(stretches: Sequence[Stretch]) -> str:
    """As the parameter of a statement."""
    return msgspec.json.encode(stretches).decode()


def cut_pieces(pieces: Sequence[Piece], layer: Layer) -> Parts:
    """Cut pieces into whole days and hours."""
    grains = {DAY_S: layer.day, WIDTH_S[_HOUR_OF[layer.day]]: _HOUR_OF[layer.day]}
    stretches: list[Stretch] = []
    edges: list[tuple[int, Piece]] = []
    for place, piece in enumerate(pieces):
        parts = cut(piece.lo_us, piece.hi_us, tuple(grains))
        edges += [(place, Piece(*edge)) for edge in (parts.first, parts.last) if edge is not None]
        stretches += [Stretch(grains[width_s], lo_s, hi_s, place) for width_s, lo_s, hi_s in parts.spans]
    return Parts(stretches, edges)


def in_hours(stretches: Sequence[Stretch]) -> list[Stretch]:
    """The same time by hours alone: only those have histograms."""
    return [each._replace(grain=_HOUR_OF.get(each.grain, each.grain)) for each in stretches]


def in_blocks(tenant: str, stretches: list[Stretch], layer: Layer) -> StoreOperation[list[Stretch]]:
    """The same time with as few rows as there can be: closed days in the widest blocks that fit."""
    days = [each for each in stretches if each.grain == layer.day]
    if not any(each.hi_s - each.lo_s >= layer.blocks[0].width_s for each in days):
        return stretches
    closed = yield from closed_days(tenant, days[0].lo_s, days[-1].hi_s)
    others = [each for each in stretches if each.grain != layer.day]
    return others + [part for each in days for part in _in_blocks(each, layer, closed)]


def _in_blocks(days: Stretch, layer: Layer, closed: frozenset[int]) -> Iterator[Stretch]:
    """Neighbours of one grain are one stretch."""
    grain, begun_s = days.grain, days.lo_s
    for lo_s, of in _steps(days, layer, closed):
        if of != grain:
            if lo_s > begun_s:
                yield Stretch(grain, begun_s, lo_s, days.place)
            grain, begun_s = of, lo_s
    yield Stretch(grain, begun_s, days.hi_s, days.place)


def _steps(days: Stretch, layer: Layer, closed: frozenset[int]) -> Iterator[tuple[int, int]]:
    """Where each block or single day begins, and its grain."""
    lo_s = days.lo_s
    while lo_s < days.hi_s:
        grain, width_s = layer.day, DAY_S
        for block in layer.blocks:
            fits = lo_s % block.width_s == 0 and lo_s + block.width_s <= days.hi_s
            if not fits or not is_whole(closed, lo_s, block.width_s):
                break
            grain, width_s = block.grain, block.width_s
        yield lo_s, grain
        lo_s += width_s
