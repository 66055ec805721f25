"""Cut of a window of time into whole buckets of the counters, with an edge at either end."""

from functools import lru_cache
from typing import Final, NamedTuple

from calltally.calls.times import SECOND_US
from calltally.store.rollups.call_counters import WIDTHS_S

# Multiples of every width; the time of every call lies between them.
_BEGINNING_S: Final = 0
_END_S: Final = WIDTHS_S[0] * 4_000


class BucketSpan(NamedTuple):
    """Adjacent buckets of one width, `lo_s <= t < hi_s` in seconds UTC."""

    width_s: int
    lo_s: int
    hi_s: int


class Edge(NamedTuple):
    """Part of a finest bucket, which has no counter."""

    lo_us: int
    hi_us: int


class Cut(NamedTuple):
    """Pieces of a window, earliest first."""

    first: Edge | None
    spans: tuple[BucketSpan, ...]
    last: Edge | None


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


def _edge(lo_us: int, hi_us: int) -> Edge | None:
    return Edge(lo_us, hi_us) if lo_us < hi_us else None


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
