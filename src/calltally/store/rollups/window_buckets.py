"""Windows of time: cut into whole buckets with an edge at either end; and those with calls or counters."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeVar

from calltally.calls.times import SECOND_US
from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.rollups.call_counters import WIDTHS_S

K = TypeVar("K", bound=tuple[Any, ...])
V = TypeVar("V")

# Multiples of every width; the time of every call lies between them.
_BEGINNING_S: Final = 0
_END_S: Final = WIDTHS_S[0] * 4_000


class BucketSpan(NamedTuple):
    """Adjacent buckets of one width, `lo_s <= t < hi_s` in seconds UTC."""

    width_s: int
    lo_s: int
    hi_s: int


class WindowPiece(NamedTuple):
    """Piece of a window, `lo_us <= t < hi_us`."""

    lo_us: int
    hi_us: int


class Cut(NamedTuple):
    """Pieces of a window, earliest first. The edges are parts of a finest bucket, which have no counter."""

    first: WindowPiece | None
    spans: tuple[BucketSpan, ...]
    last: WindowPiece | None


# Most lists have no window, and dashboards repeat theirs for a while.
@lru_cache(maxsize=256)
def cut(from_us: int | None, to_us: int | None, widths_s: tuple[int, ...] = WIDTHS_S) -> Cut:
    """Cut from <= t < to (None: without bound) into the widest buckets that fit, and at most two edges."""
    finest_us = widths_s[-1] * SECOND_US
    lo_us = _BEGINNING_S * SECOND_US if from_us is None else max(from_us, _BEGINNING_S)
    hi_us = _END_S * SECOND_US if to_us is None else min(to_us, _END_S * SECOND_US)
    inner_lo_us = -(-lo_us // finest_us) * finest_us
    inner_hi_us = hi_us // finest_us * finest_us
    if inner_lo_us > inner_hi_us:
        return Cut(_edge(lo_us, hi_us), (), None)
    spans = tuple(_whole(inner_lo_us // SECOND_US, inner_hi_us // SECOND_US, widths_s))
    return Cut(_edge(lo_us, inner_lo_us), spans, _edge(inner_hi_us, hi_us))


def _edge(lo_us: int, hi_us: int) -> WindowPiece | None:
    return WindowPiece(lo_us, hi_us) if lo_us < hi_us else None


def _whole(lo_s: int, hi_s: int, widths_s: tuple[int, ...]) -> list[BucketSpan]:
    if lo_s >= hi_s or not widths_s:
        return []
    width_s, *finer = widths_s
    inner_lo_s, inner_hi_s = -(-lo_s // width_s) * width_s, hi_s // width_s * width_s
    if inner_lo_s >= inner_hi_s:
        return _whole(lo_s, hi_s, tuple(finer))
    before = _whole(lo_s, inner_lo_s, tuple(finer))
    after = _whole(inner_hi_s, hi_s, tuple(finer))
    return [*before, BucketSpan(width_s, inner_lo_s, inner_hi_s), *after]


# Range of a column. The window of a damaged time can exceed it.
_LEAST_US: Final = -(2**63)
_MOST_US: Final = 2**63 - 1


def occupied_windows(tenant: str, width_s: int, counters: str) -> StoreOperation[list[int]]:
    """Return the windows of a width with calls or counters, as seconds since 1970, ascending.

    `counters` names the statement that returns the windows with rows of counters.
    """
    rows = yield Statement(counters, {"tenant": tenant, "width_s": width_s})
    return sorted({*(yield from _with_calls(tenant, width_s)), *(begin_s for (begin_s,) in rows)})


def _with_calls(tenant: str, width_s: int) -> StoreOperation[list[int]]:
    found: list[int] = []
    from_us = _LEAST_US
    while from_us <= _MOST_US:
        [(first_us,)] = yield Statement("first_call_from", {"tenant": tenant, "from_us": from_us})
        if first_us is None:
            break
        found.append(first_us // SECOND_US // width_s * width_s)
        from_us = (found[-1] + width_s) * SECOND_US
    return found


def column_us(second: int) -> int:
    """Return a second in microseconds, limited to the range of a column."""
    return min(max(second * SECOND_US, _LEAST_US), _MOST_US)


def differing(expected: Mapping[K, V], stored: Mapping[K, V], nothing: V) -> dict[K, tuple[V, V]]:
    """Return the expected and the stored value of each key for which they differ, by key."""
    keys = sorted(expected.keys() | stored.keys())
    pairs = {key: (expected.get(key, nothing), stored.get(key, nothing)) for key in keys}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}
